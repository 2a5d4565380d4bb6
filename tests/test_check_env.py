"""Environment check: version rules and the command."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from clhoi_mm.check_env import (
    COMPILED,
    ROWS,
    STAND_IN,
    Found,
    check,
    find_row,
    parse_version,
)

REPO = Path(__file__).resolve().parents[1]


def installed(row: str, **versions: str) -> Found:
    """Build a complete environment of one row; ``mmdet=None`` omits mmdet."""
    needs = ROWS[row]
    found = {name: need.tested for name, need in needs.items()}
    found.update(versions)
    found = {name: v for name, v in found.items() if v is not None}
    return Found(found, dists={needs[name].dist for name in found})


@pytest.mark.parametrize('row', ROWS)
def test_tested_versions_pass(row: str) -> None:
    found = installed(row)
    assert check(found) == []
    assert find_row(found) == (row, [])


@pytest.mark.parametrize('row', ROWS)
@pytest.mark.parametrize('name', ROWS['onedl'])
def test_missing_package_is_reported_with_its_remedy(
    row: str, name: str
) -> None:
    problems = check(installed(row, **{name: None}))
    need = ROWS[row][name]
    if need.optional:
        assert problems == []
    else:
        (problem,) = problems
        assert problem.error
        assert f'{name} is missing' in problem.text
        assert f'"{need.dist}>={need.lower},<={need.tested}"' in problem.remedy
        assert '\n' not in str(problem)


@pytest.mark.parametrize(
    'row, name, version, error, words',
    [
        ('onedl', 'torch', '2.4.1', True, 'too old (at least 2.5)'),
        ('onedl', 'torch', '2.12.1+cu130', None, ''),
        (
            'onedl',
            'torch',
            '2.13.0+cpu',
            None,
            '',
        ),
        ('onedl', 'torch', '2.15.0', False, 'newer than the tested 2.14.1'),
        ('onedl', 'torchvision', '0.19.1', True, 'too old'),
        ('onedl', 'mmcv', '2.4.0', True, 'refuse'),
        ('onedl', 'mmengine', '0.10.7', True, 'too old'),
        ('onedl', 'numpy', '2.4.6', False, 'newer'),
        ('onedl', 'transformers', '5.0.0', True, 'mmpretrain'),
        ('onedl', 'cv2', '4.12.0', None, ''),
        ('onedl', 'mmdet', '', False, 'states no version'),
        ('openmmlab', 'mmcv', '2.2.0', True, 'mmdet 3.3.0 refuses it'),
        ('openmmlab', 'mmcv', '2.0.1', True, 'too old'),
        ('openmmlab', 'mmdet', '3.2.0', True, 'too old'),
        ('openmmlab', 'transformers', '4.47.0', True, 'mmpretrain 1.2.0'),
        ('openmmlab', 'transformers', '4.46.3', None, ''),
    ],
)
def test_bounds(row, name, version, error, words) -> None:
    problems = check(installed(row, **{name: version}))
    if error is None:
        assert problems == []
    else:
        (problem,) = problems
        assert problem.error is error
        assert name in problem.text and words in problem.text


@pytest.mark.parametrize('row', ROWS)
def test_new_transformers_pass_without_mmpretrain(row: str) -> None:
    found = installed(row, transformers='5.1.0', mmpretrain=None)
    assert not any(problem.error for problem in check(found))


def test_upstream_without_distribution_is_recognized_by_version() -> None:
    found = replace(installed('openmmlab'), dists=set())
    assert find_row(found)[0] == 'openmmlab'
    assert check(found) == []
    assert find_row(Found()) == ('onedl', [])


def test_mixture_of_both_rows() -> None:
    found = installed('onedl')
    found.dists.add('mmcv')
    (problem,) = check(found)
    assert problem.error and 'mmcv beside onedl-*' in problem.text


@pytest.mark.parametrize('row', ROWS)
def test_broken_imports(row: str) -> None:
    found = installed(row, torchvision=None)
    found.operators = COMPILED
    found.errors = {
        'mmcv.ops': 'ImportError: undefined symbol',
        'mmdet.models': "ModuleNotFoundError: No module named 'shapely'",
        'torchvision': 'RuntimeError: operator torchvision::nms',
    }
    found.errors['mmdet.apis'] = found.errors['mmdet.models']
    vision, ops, models = check(found)
    assert ops.error and 'undefined symbol' in ops.text
    dist, tested = ROWS[row]['mmcv'].dist, ROWS[row]['mmcv'].tested
    assert 'make setup OPS=torchvision' in ops.remedy
    assert '--no-cache-dir' in ops.remedy and f'{dist}=={tested}' in ops.remedy
    assert models.error and 'shapely' in models.text
    assert vision.error and 'torchvision::nms' in vision.text


def test_operators_built_for_another_torch() -> None:
    found = installed('onedl')
    found.operators = STAND_IN
    found.errors = {'mmcv.ops': 'RuntimeError: operator torchvision::nms'}
    (problem,) = check(found)
    assert problem.error and 'torchvision::nms' in problem.text
    assert 'make setup TORCH=lock' in problem.remedy


def test_operators_hidden_from_other_tools() -> None:
    found = replace(installed('onedl'), is_registered=False)
    assert check(replace(found, operators=COMPILED)) == []
    (problem,) = check(replace(found, operators=STAND_IN))
    assert not problem.error
    assert 'pip install --no-deps -e .' in problem.remedy


def test_both_builds_of_opencv() -> None:
    found = installed('onedl')
    found.dists.add('opencv-python')
    (problem,) = check(found)
    assert not problem.error and 'pip uninstall -y opencv-python' in str(
        problem
    )


@pytest.mark.parametrize(
    'row, python, error',
    [
        ('onedl', (3, 9), True),
        ('onedl', (3, 10), None),
        ('onedl', (3, 14), None),
        ('onedl', (3, 15), False),
        ('openmmlab', (3, 12), None),
        ('openmmlab', (3, 13), False),
    ],
)
def test_python_version(row: str, python: tuple, error: bool | None) -> None:
    problems = check(replace(installed(row), python=python))
    assert [p.error for p in problems] == ([] if error is None else [error])


RELEASES = st.lists(st.integers(0, 2000), min_size=1, max_size=4).map(
    lambda numbers: '.'.join(map(str, numbers))
)


@given(RELEASES, RELEASES)
def test_versions_are_ordered_like_pip(a: str, b: str) -> None:
    assert (parse_version(a) < parse_version(b)) == (Version(a) < Version(b))
    assert (parse_version(a) == parse_version(b)) == (Version(a) == Version(b))


@pytest.mark.parametrize(
    'suffix', ['+cu130', 'rc4', '.post1', '.dev0+g1a', '']
)
def test_version_suffixes_are_ignored(suffix: str) -> None:
    assert parse_version(f'2.12.1{suffix}') == (2, 12, 1)
    assert parse_version('unknown') == ()


@pytest.mark.slow
def test_command_on_this_environment() -> None:
    done = subprocess.run(
        [sys.executable, '-m', 'clhoi_mm.check_env'],
        cwd=REPO,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'all requirements are met' in done.stdout
    import mmcv._ext

    is_compiled = not mmcv._ext.__file__.endswith('.py')
    kind = COMPILED if is_compiled else STAND_IN
    assert f"mmcv's operators: {kind}\n" in done.stdout


def test_command_with_broken_operators(tmp_path: Path) -> None:
    package = tmp_path / 'torchvision'
    package.mkdir()
    (package / '__init__.py').write_text('raise RuntimeError("no such file")')
    done = subprocess.run(
        [sys.executable, '-m', 'clhoi_mm.check_env'],
        cwd=REPO,
        env={**os.environ, 'PYTHONPATH': str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert 'torchvision does not import (RuntimeError: no' in done.stdout


def test_command_without_site_packages() -> None:
    done = subprocess.run(
        [sys.executable, '-S', '-m', 'clhoi_mm.check_env'],
        cwd=REPO,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    for name, need in ROWS['onedl'].items():
        assert (
            f'error: {name} is missing; run: pip install' in done.stdout
        ) is not need.optional
