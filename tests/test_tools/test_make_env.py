"""Parts of the environment set-up: checks, advice and progress."""

import ast
import importlib
import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

REPO = Path(__file__).resolve().parents[2]
SETUP = REPO / 'tools' / 'setup'
VersionInfo = namedtuple('VersionInfo', 'major minor micro')
SYSTEMS = {
    'debian': 'ID=debian\nVERSION_ID="13"\n',
    'ubuntu': 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n',
    'mint': 'ID=linuxmint\nID_LIKE="ubuntu debian"\n',
    'fedora': 'ID=fedora\n',
    'rocky': 'ID="rocky"\nID_LIKE="rhel centos fedora"\n',
    'arch': 'ID=arch\n',
    'alpine': 'NAME="Alpine Linux"\nID=alpine\n',
    'void': 'ID="void"\n',
}


def part(name: str):
    """Import a module of the set-up like its script does."""
    sys.path.insert(0, str(SETUP))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(SETUP))


machine = part('machine')
messages = part('messages')
mmcv_ops = part('mmcv_ops')
progress = part('progress')
timing = part('timing')
lock = part('lock')
torch_choice = part('torch_choice')


@pytest.mark.parametrize(
    'path', sorted(SETUP.glob('*.py')), ids=lambda p: p.name
)
def test_set_up_parses_on_old_pythons(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 6))
    managers = [n for n in ast.walk(tree) if isinstance(n, ast.With)]
    # Parenthesized context managers are newer syntax, which ruff adds.
    assert all(len(node.items) == 1 for node in managers)


@pytest.mark.parametrize(
    'system, family',
    [
        ('debian', 'debian'),
        ('ubuntu', 'debian'),
        ('mint', 'debian'),
        ('fedora', 'fedora'),
        ('rocky', 'fedora'),
        ('arch', 'arch'),
        ('alpine', 'alpine'),
        ('void', ''),
    ],
)
def test_system_is_read_from_os_release(
    tmp_path: Path, system: str, family: str
) -> None:
    (tmp_path / 'usr/lib').mkdir(parents=True)
    (tmp_path / 'usr/lib/os-release').write_text(SYSTEMS[system])
    assert machine.family_of(machine.read_system(tmp_path)) == family


def test_system_without_the_file(tmp_path: Path) -> None:
    assert machine.family_of(machine.read_system(tmp_path)) == ''


@pytest.mark.parametrize(
    'family, command',
    [
        ('debian', 'sudo apt-get install python3.13-venv python3.13-dev g++'),
        ('arch', 'sudo pacman -S python gcc'),
        ('', 'install it with the package manager of this system'),
    ],
)
def test_missing_packages_have_the_systems_names(
    monkeypatch, family: str, command: str
) -> None:
    monkeypatch.setattr(machine.sys, 'base_prefix', '/usr')
    parts = ('the venv module', 'Python.h', 'a C++ compiler')
    assert command in machine.advise(family, parts, '3.13')


def test_python_headers_on_fedora(monkeypatch) -> None:
    monkeypatch.setattr(machine.sys, 'base_prefix', '/usr')
    advice = machine.advise('fedora', ('Python.h', 'a C++ compiler'), '3.7')
    assert advice == 'run "sudo dnf install python3.7-devel gcc-c++"'


def test_foreign_python_is_not_the_systems(monkeypatch) -> None:
    monkeypatch.setattr(machine.sys, 'base_prefix', '/opt/python')
    advice = machine.advise('debian', ('Python.h',), '3.13')
    assert 'apt-get' not in advice and '/opt/python' in advice
    assert '"sudo apt-get install g++"' in machine.advise(
        'debian', ('a C++ compiler',), '3.13'
    )


def tools(folder: Path, *names: str, says: str = '') -> str:
    """Make a PATH folder of commands that do nothing."""
    for name in names:
        path = folder / name
        path.write_text(f'#!/bin/sh\n{says}\n')
        path.chmod(0o755)
    return str(folder)


def refusal(
    monkeypatch, version: tuple, system: str, path: str, row: str = 'onedl'
) -> str:
    text = SYSTEMS[system]
    monkeypatch.setenv('PATH', path)
    monkeypatch.setattr(machine.sys, 'version_info', VersionInfo(*version, 0))
    monkeypatch.setattr(
        machine,
        'read_system',
        lambda: dict(
            line.replace('"', '').split('=') for line in text.splitlines()
        ),
    )
    with pytest.raises(SystemExit) as error:
        machine.check_machine(row, compiles=False)
    message = str(error.value)
    assert '\n' not in message and message.endswith('.')
    return message


@pytest.mark.parametrize('version', [(3, 9), (3, 15)])
def test_wrong_python(monkeypatch, tmp_path: Path, version: tuple) -> None:
    path = tools(tmp_path, 'python3.10', 'python3.12')
    message = refusal(monkeypatch, version, 'debian', path)
    assert 'Python 3.10 to 3.14 is needed' in message
    assert ' is %d.%d;' % version in message
    assert 'add PYTHON=python3.12 to the command' in message


@pytest.mark.parametrize(
    'system, offered, advice',
    [
        (
            'debian',
            'test $2 = python3.13-venv',
            'run "sudo apt-get install python3.13-venv" and add '
            'PYTHON=python3.13 to the command',
        ),
        ('debian', 'exit 100', 'install one, for example with uv'),
        (
            'rocky',
            '',
            'run "sudo dnf install python3.12" and add PYTHON=python3.12',
        ),
        ('void', '', 'install one, for example with uv'),
    ],
)
def test_wrong_python_and_no_other(
    monkeypatch, tmp_path: Path, system: str, offered: str, advice: str
) -> None:
    path = tools(tmp_path, 'apt-cache', says=offered)
    # A pyenv shim, which does not start.
    tools(tmp_path, 'python3.11', says='exit 127')
    assert advice in refusal(monkeypatch, (3, 9), system, path)


def test_openmmlab_row_refuses_the_newest_python(
    monkeypatch, tmp_path: Path
) -> None:
    path = tools(tmp_path, 'python3.14', 'python3.12')
    message = refusal(monkeypatch, (3, 14), 'debian', path, 'openmmlab')
    assert "upstream's packages support Python 3.10 to 3.12" in message
    assert 'PYTHON=python3.12' in message


def test_musl_is_refused(monkeypatch, tmp_path: Path) -> None:
    message = refusal(monkeypatch, (3, 12), 'alpine', str(tmp_path))
    assert 'torch has no wheels for Alpine Linux' in message


def test_current_machine_passes() -> None:
    machine.check_machine('onedl', compiles=False)


def test_missing_venv(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'ensurepip', None)
    with pytest.raises(SystemExit, match='the venv module not found'):
        machine.check_machine('onedl', compiles=False)


def test_compiler_is_required_for_compiled_packages(
    monkeypatch,
) -> None:
    monkeypatch.setenv('CXX', '/no/such/compiler')
    machine.check_machine('onedl', compiles=False)
    with pytest.raises(SystemExit, match=r'a C\+\+ compiler not found'):
        machine.check_machine('onedl', compiles=True)


LOCKS = ('onedl', 'openmmlab', 'web')


@pytest.mark.parametrize('python', ['3.10', '3.11', '3.13', '3.14'])
@pytest.mark.parametrize('name', LOCKS)
def test_lock_is_parsed_like_pip(name: str, python: str) -> None:
    path = REPO / 'requirements' / f'lock-{name}.txt'
    lines = path.read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith('#')]
    assert lock.read_lock(path, lock.release(python)) == {
        pin.name: f'{pin.name}{pin.specifier}'
        for pin in pins
        if not pin.marker or pin.marker.evaluate({'python_version': python})
    }


@pytest.mark.parametrize(
    'text', ['torch>=2', 'a==1; sys_platform == "linux"', 'a==1\na==2']
)
def test_other_lines_are_not_a_lock(tmp_path: Path, text: str) -> None:
    path = tmp_path / 'lock.txt'
    path.write_text(text)
    with pytest.raises(ValueError, match='lock.txt'):
        lock.read_lock(path)


@pytest.mark.parametrize('row', ['onedl', 'openmmlab'])
def test_lock_pins_the_packages_the_script_handles(row: str) -> None:
    make_env = part('make_env')
    pins = lock.read_lock(REPO / 'requirements' / f'lock-{row}.txt', (3, 13))
    special = (*make_env.BUILD_TOOLS, *torch_choice.NAMES, 'ninja')
    for name in (*special, make_env.MMCV[row], 'opencv-python-headless'):
        assert pins[name].startswith(f'{name}==')
    cuda = [name for name in pins if torch_choice.is_cuda(name)]
    assert len(cuda) == 19 and 'triton' in cuda
    # The lock's torch has its requirements; others need no CUDA.
    assert not {'torch', 'numpy', 'torchvision'} & set(cuda)


@pytest.mark.parametrize(
    'lines, asked',
    [
        (['filelock', 'sympy>=1.13.3'], {}),
        (
            [
                'cuda-toolkit[cufft,nvtx]==13.0.2; platform_system == "Linux"',
                'nvidia-cublas<=13.1.1.3,>=13.1; platform_system == "Linux"',
                'triton==3.7.1; platform_system == "Linux"',
            ],
            {'cuda-toolkit': '13.0.2', 'nvidia-cublas': '', 'triton': '3.7.1'},
        ),
        (['nvidia-nccl-cu13 (==2.29.7)'], {'nvidia-nccl-cu13': '2.29.7'}),
        (['triton==3.7.1; extra == "compile"'], {}),
        (['triton==3.7.1; platform_machine == "riscv64"'], {}),
        (['triton-windows; platform_system == "Windows"'], {}),
    ],
)
def test_cuda_requirements_of_torch(lines: list, asked: dict) -> None:
    assert torch_choice.required_cuda(lines) == asked


@pytest.mark.parametrize(
    'log, sentence',
    [
        (
            "OSError: [Errno 28] No space left on device: '/x'",
            'the disk is full; free some space',
        ),
        (
            "WARNING: Retrying (Retry(total=0)) 'NameResolutionError'\n"
            'ERROR: No matching distribution found for torch==2.12.1',
            'no package index answers; check the network',
        ),
        (
            "WARNING: Retrying (Retry(total=4)) 'ReadTimeoutError'\n"
            'Successfully installed x\nno error',
            'no error',
        ),
        (
            'ERROR: No matching distribution found for torch==9 (from x)',
            'torch==9 is in none of the indexes',
        ),
        (
            'ERROR: Cannot install\nerror: incomplete-download',
            'a download broke off; check the network, and the free space',
        ),
        ('a\nx.cpp:3: error: no such thing\nb', 'x.cpp:3: error'),
        ('killed', 'killed'),
    ],
)
def test_failures_of_pip_are_explained(log: str, sentence: str) -> None:
    assert sentence in messages.explain(log)


@pytest.mark.parametrize(
    'release, cpu_only', [(None, True), ('13.0', False), ('12.4', True)]
)
def test_cuda_operators_need_a_matching_nvcc(
    tmp_path: Path, release, cpu_only: bool
) -> None:
    if release:
        tools(tmp_path, 'nvcc', says=f'echo "release {release}, V1"')
    env = mmcv_ops.build_env(
        {'PATH': f'{tmp_path}:/bin', 'CUDA_HOME': str(tmp_path)}, '13.0'
    )
    assert ('CUDA_VISIBLE_DEVICES' in env) is cpu_only
    assert int(env['MAX_JOBS']) >= 1
    given = mmcv_ops.build_env({'PATH': '', 'MAX_JOBS': '7'}, '')
    assert given['MAX_JOBS'] == '7'


def test_steps_of_ninja_are_counted() -> None:
    meter = progress.NinjaMeter()
    assert 'preparing' in meter.show(3)
    for line in ('[1/77] x', '  [12/77] c++ -O2 nms.cpp', 'copying a[1/2]'):
        meter.feed(line)
    line = meter.show(125)
    assert '12/77 files' in line and '2:05' in line and len(line) < 80


def test_packages_and_megabytes_of_pip_are_counted() -> None:
    meter = progress.PipMeter(2)
    for line in (
        'Collecting torch==2.12.1 (from ...)',
        '  Downloading https://host/torch-2.12.1-cp313.whl (532.3 MB)',
        'Collecting six==1.17.0',
        '  Downloading six-1.17.0.whl (11 kB)',
    ):
        meter.feed(line)
    assert '2/2 packages (532 MB), 1:01' in meter.show(61)
    meter.feed('Collecting a-dependency')
    meter.feed('Installing collected packages: six, torch')
    assert 'unpacking 3/3 packages' in meter.show(62)


@given(st.integers(0, 10**4), st.integers(0, 10**4), st.floats(0, 10**5))
def test_progress_fits_a_terminal(done: int, total: int, seconds: float):
    meter = progress.PipMeter(total)
    for _ in range(min(done, 300)):
        meter.feed('Collecting x')
    meter.feed('Downloading x (999.9 GB)')
    assert len(meter.show(seconds)) < 80


@pytest.mark.parametrize('code', [0, 3])
def test_output_goes_to_the_log_and_progress_to_the_screen(
    tmp_path: Path, capsys, code: int
) -> None:
    script = (
        'import time\n'
        'for i in range(3): print(f"[{i+1}/3] c++", flush=True); '
        f'time.sleep(.1)\nprint("end"); raise SystemExit({code})'
    )
    log = tmp_path / 'log'
    got, output = progress.run_with_progress(
        [sys.executable, '-c', script],
        dict(os.environ),
        log,
        progress.NinjaMeter(),
        0.05,
    )
    assert got == code
    assert log.read_text() == output
    assert output.splitlines()[-1] == 'end'
    lines = capsys.readouterr().out.splitlines()
    assert '3/3 files' in lines[-1]
    assert any('1/3 files' in line for line in lines)


def test_times_of_the_steps(tmp_path: Path) -> None:
    notes = tmp_path / 'notes'

    def run(*args: str) -> subprocess.CompletedProcess:
        script = str(SETUP / 'timing.py')
        return subprocess.run(
            [sys.executable, script, str(notes), *args],
            capture_output=True,
            text=True,
        )

    assert run('drawing', 'sleep', '0.2').returncode == 0
    assert run('training', 'sh', '-c', 'exit 7').returncode == 7
    assert run('drawing', 'sleep', '0.1').returncode == 0
    drawing, training, total = run().stdout.splitlines()
    assert drawing.endswith(' s  drawing') and total.endswith(' s  in all')
    assert float(drawing.split()[0]) >= 0.3
    assert training.endswith(' s  training')


def test_makefile_passes_on_the_users_options() -> None:
    dry = subprocess.run(
        ['make', '-n', 'demo', 'ROW=openmmlab', 'OPS=compiled', 'TORCH=2.13'],
        cwd=REPO,
        capture_output=True,
        text=True,
    )
    assert dry.returncode == 0, dry.stderr
    text = dry.stdout.replace('\\\n', '')
    assert 'make_env.py openmmlab .venv-openmmlab' in text
    assert "--ops 'compiled'" in text and "--torch '2.13'" in text


def test_makefile_names_a_missing_python() -> None:
    done = subprocess.run(
        ['make', 'setup', 'PYTHON=python0'],
        cwd=REPO,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert 'python0 not found: leave PYTHON out' in done.stderr


def test_operators_of_another_kind_are_refused() -> None:
    done = subprocess.run(
        [sys.executable, SETUP / 'make_env.py', 'onedl', 'x', '--ops', 'c'],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    # Python 3.12 and newer write the choices without quotes.
    assert 'torchvision, compiled' in done.stderr.replace("'", '')
