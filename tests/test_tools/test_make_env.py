"""The set-up script: what it refuses, and what it shows meanwhile."""

import importlib
import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
SETUP = REPO / 'tools' / 'setup'
VersionInfo = namedtuple('VersionInfo', 'major minor micro')


@pytest.fixture
def make_env(monkeypatch):
    monkeypatch.syspath_prepend(str(SETUP))
    return importlib.import_module('make_env')


@pytest.fixture
def build_progress(monkeypatch):
    monkeypatch.syspath_prepend(str(SETUP))
    return importlib.import_module('build_progress')


def test_missing_compiler_and_headers_in_one_sentence(
    make_env, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(make_env.shutil, 'which', lambda name, **kw: None)
    monkeypatch.setattr(
        make_env.sysconfig, 'get_paths', lambda: {'include': str(tmp_path)}
    )
    monkeypatch.setattr(make_env.sys, 'version_info', VersionInfo(3, 12, 1))
    with pytest.raises(SystemExit) as error:
        make_env.check_machine()
    message = str(error.value)
    assert 'a C++ compiler' in message and 'Python.h' in message
    assert '"sudo apt-get install python3.12-dev g++"' in message
    assert message.count('\n') == 0


def test_missing_venv(make_env, monkeypatch):
    monkeypatch.setitem(sys.modules, 'ensurepip', None)
    with pytest.raises(SystemExit, match=r'python3\.\d+-venv'):
        make_env.check_machine()


@pytest.mark.parametrize(
    'present, remedy',
    [
        (('python3.10', 'python3.11'), 'PYTHON=python3.11 is on this machine'),
        ((), 'sudo apt-get install python3.11-venv python3.11-dev'),
    ],
)
@pytest.mark.parametrize('version', [(3, 9), (3, 13)])
def test_wrong_python(make_env, monkeypatch, present, remedy, version):
    monkeypatch.setattr(make_env.sys, 'version_info', VersionInfo(*version, 0))
    monkeypatch.setattr(
        make_env.shutil, 'which', lambda n, **kw: n if n in present else None
    )
    with pytest.raises(SystemExit) as error:
        make_env.check_machine()
    assert remedy in str(error.value)
    assert f'{version[0]}.{version[1]}' in str(error.value)


def test_this_machine_passes(make_env):
    make_env.check_machine()


@pytest.mark.parametrize('row', ['onedl', 'openmmlab'])
def test_lock_has_what_the_script_takes_out_of_it(make_env, row):
    lock = make_env.read_lock(REPO / 'requirements' / f'lock-{row}.txt')
    for name in (*make_env.BUILD_TOOLS, make_env.MMCV[row]):
        (pin,) = lock[name]
        assert pin.startswith(f'{name}==')
    assert len(lock['opencv-python-headless']) == 1
    assert sorted(lock['scipy']) == [
        'scipy==1.15.3; python_version < "3.11"',
        'scipy==1.17.1; python_version >= "3.11"',
    ]


@pytest.mark.parametrize(
    'release, cpu_only', [(None, True), ('13.0', False), ('12.4', True)]
)
def test_ops_are_built_for_a_gpu_only_with_a_fitting_nvcc(
    make_env, tmp_path, release, cpu_only
):
    if release:
        nvcc = tmp_path / 'nvcc'
        nvcc.write_text(f'#!/bin/sh\necho "release {release}, V1"\n')
        nvcc.chmod(0o755)
    env = make_env.build_env(
        {'PATH': f'{tmp_path}:/bin', 'CUDA_HOME': str(tmp_path)}, '13.0'
    )
    assert ('CUDA_VISIBLE_DEVICES' in env) is cpu_only
    assert int(env['MAX_JOBS']) >= 1
    assert (
        make_env.build_env({'PATH': '', 'MAX_JOBS': '7'}, '')['MAX_JOBS']
        == '7'
    )


def test_complete_environment_is_left_alone(make_env, monkeypatch, tmp_path):
    monkeypatch.setattr(make_env, 'check_machine', lambda: None)
    calls = []

    class Fake(make_env.Environment):
        def create(self):
            self.folder.mkdir(exist_ok=True)

        def run(self, args, python='', quiet=False):
            calls.append(args)

        def distributions(self):
            return {'onedl-mmcv': '2.3.6', 'opencv-python': '4'}

        def ops_work(self):
            return True

    monkeypatch.setattr(make_env, 'Environment', Fake)
    make_env.make('onedl', tmp_path / 'venv')
    words = [' '.join(call) for call in calls]
    assert 'setuptools==' in words[0] and 'torch==' not in words[0]
    assert 'torch==' in words[1] and '--no-deps' in words[1]
    assert 'uninstall -y opencv-python' in words[2]
    assert words[-1] == '-m clhoi_mm.check_env'
    make_env.make('onedl', tmp_path / 'venv')
    assert len(calls) == len(words)
    with pytest.raises(SystemExit, match='packages of the other row'):
        make_env.make('openmmlab', tmp_path / 'venv')


@pytest.mark.parametrize(
    'works, codes, runs, error',
    [
        ([True], [], 0, None),
        ([False, True, True], [0], 1, None),
        ([False, False, True], [0, 0], 2, None),
        ([False, False, False], [0, 0], 2, 'the ops do not load'),
        ([False], [1], 1, 'x.cpp:3: error: no such thing'),
    ],
)
def test_ops_of_another_torch_are_compiled_anew(
    make_env, monkeypatch, tmp_path, works, codes, runs, error
):
    commands = []

    class Fake(make_env.Environment):
        def run(self, args, python='', quiet=False):
            make_env.fail('the ops do not load')

        def distributions(self):
            return {'mmcv': '2.1.0'}

        def ops_work(self):
            return works.pop(0)

    def build(command, env, log):
        commands.append(command)
        log.write_text('x.cpp:3: error: no such thing\n')
        return codes.pop(0)

    monkeypatch.setattr(make_env, 'run_with_progress', build)
    venv = Fake(tmp_path)
    venv.python = Path(sys.executable)
    if error:
        with pytest.raises(SystemExit, match=error):
            make_env.install_mmcv(venv, 'mmcv==2.1.0')
    else:
        make_env.install_mmcv(venv, 'mmcv==2.1.0')
    assert len(commands) == runs
    assert ['--no-cache-dir' in command for command in commands] == [
        False,
        True,
    ][:runs]


def test_steps_of_ninja_are_counted(build_progress):
    parse = build_progress.parse_step
    assert parse('  [12/77] c++ -MMD -O2 nms.cpp') == (12, 77)
    assert parse('[1/2] x') == (1, 2)
    assert parse('copying mmcv/a[1/2]') is None
    line = build_progress.progress_line(12, 77, 125)
    assert '12/77 files' in line and '2:05' in line and len(line) < 80
    assert 'preparing' in build_progress.progress_line(0, 0, 3)


@pytest.mark.parametrize('code', [0, 3])
def test_output_goes_to_the_log_and_progress_to_the_screen(
    build_progress, tmp_path, capsys, code
):
    script = (
        'import time\n'
        'for i in range(3): print(f"[{i+1}/3] c++", flush=True); '
        f'time.sleep(.1)\nprint("end"); raise SystemExit({code})'
    )
    log = tmp_path / 'log'
    got = build_progress.run_with_progress(
        [sys.executable, '-c', script], dict(os.environ), log, 0.05
    )
    assert got == code
    assert log.read_text().splitlines()[-1] == 'end'
    lines = capsys.readouterr().out.splitlines()
    assert '3/3 files' in lines[-1]
    assert any('1/3 files' in line for line in lines)


def test_makefile_passes_the_row_on_and_names_a_missing_python():
    dry = subprocess.run(
        ['make', '-n', 'demo', 'ROW=openmmlab'],
        cwd=REPO,
        capture_output=True,
        text=True,
    )
    assert dry.returncode == 0, dry.stderr
    assert 'make_env.py openmmlab .venv-openmmlab' in dry.stdout
    done = subprocess.run(
        ['make', 'setup', 'PYTHON=python0'],
        cwd=REPO,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert 'python0 not found: run "sudo apt-get install' in done.stderr


def test_an_extra_is_added_once(make_env, monkeypatch, tmp_path):
    added = []
    monkeypatch.setattr(
        make_env.Environment,
        'pip_install_missing',
        lambda self, pins: added.append((self.folder, pins)),
    )
    for _ in range(2):
        make_env.add_extra('web', tmp_path)
    ((folder, pins),) = added
    assert folder == tmp_path and 'gradio' in pins
    # Another lock file is another extra.
    (tmp_path / '.lock-hash-web').write_text('of an older one')
    make_env.add_extra('web', tmp_path)
    assert len(added) == 2
