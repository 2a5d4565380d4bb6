"""The API reference lists configurable classes and the inferencer."""

import ast
import re
import subprocess

import pytest

from tests.data_utils import REPO

PAGES = sorted((REPO / 'docs' / 'api').glob('*.rst'))
TEXT = '\n'.join(page.read_text() for page in PAGES)
SHOWN = re.findall(r'^\.\. autoapi\w+:: clhoi_mm\.(\S+)$', TEXT, re.M)
# Names that configs, checkpoints and users rely on.
STABLE = (
    'CLHOI',
    'VisualLinguisticTranslator',
    'InteractionCognitionNetwork',
    'TeacherHead',
    'ContextDistillLoss',
    'InteractionDistillLoss',
    'HOIDataset',
    'HICODetDataset',
    'VCOCODataset',
    'UnlabeledHOIDataset',
    'LoadHOIAnnotations',
    'LoadTeacherKnowledge',
    'PackHOIInputs',
    'HICODetMetric',
    'VCOCOMetric',
    'DistillStageHook',
    'HOILocalVisualizer',
)
SPHINX = REPO / '.venv-docs' / 'bin' / 'sphinx-build'


def definitions():
    """Return each class and function of the package's modules."""
    for path in (REPO / 'clhoi_mm').rglob('*.py'):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                yield node


def registered_names():
    """Return the names by which configs build classes of clhoi_mm."""
    for node in definitions():
        for decorator in node.decorator_list:
            match = re.fullmatch(
                r'[A-Z_]+\.register_module\((?:name=(.+))?\)',
                ast.unparse(decorator),
            )
            if match:
                aliases = ast.literal_eval(match[1]) if match[1] else ()
                yield from {node.name, *aliases}


def test_every_registered_class_is_in_the_reference():
    shown = {name.split('.')[-1] for name in SHOWN}
    short = set(re.findall(r'``(\w+)``', TEXT))
    names = set(registered_names())
    assert names >= {*STABLE, 'VLT', 'ICN'}
    assert names <= shown | short
    assert 'HOIInferencer' in shown


def test_reference_entries_exist_and_are_unique():
    defined = {node.name for node in definitions()}
    assert {name.split('.')[-1] for name in SHOWN} <= defined
    assert len(SHOWN) == len(set(SHOWN))


@pytest.mark.slow
@pytest.mark.skipif(not SPHINX.exists(), reason='run "make docs" once')
def test_built_reference_has_every_name(tmp_path):
    subprocess.run(
        [SPHINX, '-q', '-W', REPO / 'docs', tmp_path], check=True, timeout=300
    )
    built = ''.join(
        page.read_text() for page in (tmp_path / 'api').glob('*.html')
    )
    anchors = re.findall(r' id="clhoi_mm\.([\w.]+)"', built)
    assert set(SHOWN) <= set(anchors)
    assert {*STABLE, 'HOIInferencer', 'evaluate_hico_det'} <= {
        anchor.split('.')[-1] for anchor in anchors
    }
    # Google docstrings were parsed, and cross-references resolve.
    assert '<strong>teacher_head</strong> (<em>dict</em>)' in built
    assert 'href="#clhoi_mm.models.TeacherHead"' in built
    assert 'Args:' not in built
