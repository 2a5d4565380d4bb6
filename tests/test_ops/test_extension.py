"""Registration of ``mmcv._ext``, also beside a compiled one."""

import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import mmcv
import mmcv._ext
import pytest
import torch

from clhoi_mm.ops import ext, finder

REPO = Path(__file__).resolve().parents[2]
IS_COMPILED = mmcv._ext.__file__.endswith(tuple(EXTENSION_SUFFIXES))
without_compiled = pytest.mark.skipif(
    IS_COMPILED, reason='mmcv is compiled in this environment'
)


def run_python(*args: str, cwd: Path) -> subprocess.CompletedProcess:
    """Run a Python without this folder on its path."""
    return subprocess.run(
        [sys.executable, *args], cwd=cwd, capture_output=True, text=True
    )


@without_compiled
def test_mmdets_tools_find_the_extension(tmp_path: Path) -> None:
    code = 'import mmdet.utils, mmcv._ext; print(mmcv._ext.__file__)'
    done = run_python('-c', code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).parts[-3:] == (
        'clhoi_mm',
        'ops',
        'ext.py',
    )


@without_compiled
def test_spawned_processes_and_workers_find_the_extension(
    tmp_path: Path,
) -> None:
    script = tmp_path / 'script.py'
    script.write_text("""
import torch
from torch.utils.data import DataLoader


class Kept(torch.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        from mmcv.ops import nms  # not before

        boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 3], [9, 9, 12, 12]])
        return nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)[1]


if __name__ == '__main__':
    loader = DataLoader(
        Kept(), num_workers=1, multiprocessing_context='spawn'
    )
    print([kept.tolist() for kept in loader])
""")
    done = run_python(str(script), cwd=tmp_path)
    assert done.stdout.strip() == str([[[0, 2]]] * 4), done.stderr


def test_python_startup_imports_no_heavy_packages(tmp_path: Path) -> None:
    code = (
        'import sys; print([m for m in sys.modules if m.split(".")[0] in '
        '("torch", "mmcv", "mmengine", "numpy", "clhoi_mm")])'
    )
    done = run_python('-c', code, cwd=tmp_path)
    assert done.stdout.strip() == '[]', done.stderr


def test_compiled_extension_takes_precedence(tmp_path: Path) -> None:
    (tmp_path / 'mmcv').mkdir()
    (tmp_path / 'mmcv' / '__init__.py').touch()
    (tmp_path / 'mmcv' / '_ext.py').write_text('compiled = True')
    code = 'import mmcv._ext; print(mmcv._ext.compiled)'
    done = run_python('-c', code, cwd=tmp_path)
    assert done.stdout == 'True\n', done.stderr


def test_deleted_checkout_is_not_an_error(tmp_path: Path) -> None:
    for name in ('clhoi_mm_ops.pth', 'finder.py'):
        source = REPO / 'clhoi_mm' / 'ops' / name
        target = name.replace('finder', 'clhoi_mm_ops_finder')
        (tmp_path / target).write_text(source.read_text())
    code = (
        f'import site, sys; site.addsitedir({str(tmp_path)!r}); '
        'print(any("MMCV" in str(f) for f in sys.meta_path))\n'
        'try:\n    import mmcv._ext\n'
        'except ModuleNotFoundError as error:\n    print(error)'
    )
    done = run_python('-S', '-c', code, cwd=tmp_path)
    assert done.stdout == "True\nNo module named 'mmcv'\n"
    assert done.stderr == ''
    (tmp_path / 'clhoi_mm_ops_finder.py').unlink()
    done = run_python('-S', '-c', code, cwd=tmp_path)
    assert done.stdout == "False\nNo module named 'mmcv'\n"
    assert done.stderr == ''


def test_registering_twice_adds_one_finder() -> None:
    finder.register()
    finder.register()
    names = [getattr(entry, '__name__', '') for entry in sys.meta_path]
    assert names.count('MMCVExtensionFinder') == 1


def test_missing_operators_raise_only_when_called() -> None:
    operator = ext.carafe_forward
    with pytest.raises(NotImplementedError) as error:
        operator(torch.zeros(1), group_size=1)
    message = str(error.value)
    assert (
        '"carafe_forward"' in message and 'make setup OPS=compiled' in message
    )
    assert '\n' not in message
    assert not hasattr(ext, '__path__')


@without_compiled
def test_layer_without_operator_is_built_and_fails_by_name() -> None:
    from mmcv.ops import CARAFE

    layer = CARAFE(3, 1, 2)
    with pytest.raises(NotImplementedError, match='OPS=compiled'):
        layer(torch.zeros(1, 4, 4, 4), torch.zeros(1, 9, 8, 8))


@without_compiled
def test_mmcvs_environment_report_names_the_operators() -> None:
    from mmcv.utils import collect_env

    info = collect_env()
    assert 'clhoi_mm.ops' in info['MMCV Compiler']
    assert info['MMCV CUDA Compiler'] == 'none'
