"""Environment set-up on a project of tiny packages, offline."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.test_tools.tiny_index import (
    repack,
    write_index,
    write_mmcv,
    write_wheel,
)

# These tests start pip a dozen times.
slow = pytest.mark.slow
REPO = Path(__file__).resolve().parents[2]
BUILD_TOOLS = ('pip', 'setuptools', 'wheel')


class Project:
    """A project with the real set-up script and tiny packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels = folder / 'wheels'
        self.venv = folder / '.venv'
        self.env = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith('PIP_') and key != 'PYTHONPATH'
        }
        self.env.update(
            PIP_CONFIG_FILE=os.devnull,
            PIP_NO_INDEX='1',
            PIP_FIND_LINKS=str(self.wheels),
            PIP_CACHE_DIR=str(folder / 'cache'),
            MAX_JOBS='1',
        )

    def write(self) -> None:
        shutil.copytree(
            REPO / 'tools' / 'setup', self.folder / 'tools' / 'setup'
        )
        package = self.folder / 'clhoi_mm'
        package.mkdir()
        (package / '__init__.py').write_text('')
        (package / 'check_env.py').write_text('import mmcv.ops\n')
        (self.folder / 'setup.py').write_text(
            'from setuptools import setup\n'
            'setup(name="clhoi_mm", packages=["clhoi_mm"])\n'
        )
        pins = {
            'numpy': '2.2.6',
            'ninja': '1.13.2',
            'opencv-python-headless': '4.12.0.88',
            'torch': '2.12.1',
            'torchvision': '0.27.1',
            'nvidia-thing': '13.0',
        }
        asked = {
            'torch': ['nvidia-thing==13.0; platform_system == "Linux"'],
            'torchvision': ['torch (==2.12.1)'],
        }
        for name, version in pins.items():
            write_wheel(self.wheels, name, version, asked.get(name, ()))
        pins.update({n: repack(self.wheels, n) for n in BUILD_TOOLS})
        write_mmcv(self.wheels)
        pins['onedl-mmcv'] = '2.3.6'
        lock = ''.join(f'{n}=={v}\n' for n, v in pins.items())
        for row in ('onedl', 'openmmlab'):
            path = self.folder / 'requirements' / f'lock-{row}.txt'
            path.parent.mkdir(exist_ok=True)
            path.write_text(
                lock.replace('onedl-mmcv==2.3.6', 'mmcv==2.1.0')
                if row == 'openmmlab'
                else lock
            )

    def command(self, *args: str) -> list[str]:
        script = str(self.folder / 'tools' / 'setup' / 'make_env.py')
        return [sys.executable, script, 'onedl', str(self.venv), *args]

    def set_up(self, *args: str, **env: str) -> str:
        """Run the set-up and return its output."""
        done = self.try_set_up(*args, **env)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def try_set_up(
        self, *args: str, **env: str
    ) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(*args),
            env={**self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def refusal(self, *args: str, **env: str) -> str:
        """Run a failing set-up and return its one-line error."""
        done = self.try_set_up(*args, **env)
        assert done.returncode == 1, done.stdout
        assert 'Traceback' not in done.stdout
        return done.stdout.splitlines()[-1]

    @property
    def site(self) -> Path:
        (site,) = self.venv.glob('lib/python*/site-packages')
        return site

    def installed(self) -> dict[str, str]:
        done = subprocess.run(
            [self.venv / 'bin/python', '-m', 'pip', 'list', '--format=json'],
            env=self.env,
            capture_output=True,
            check=True,
        )
        return {d['name']: d['version'] for d in json.loads(done.stdout)}

    def is_compiled(self) -> bool:
        return (self.site / 'mmcv' / '_ext.so').exists()


@pytest.fixture(scope='module')
def complete(tmp_path_factory) -> Path:
    """Return the folder of a project with a complete environment."""
    project = Project(tmp_path_factory.mktemp('project'))
    project.write()
    text = project.set_up()
    assert ' s  in all' in text and 'complete' in text
    return project.folder


@pytest.fixture
def project(complete: Path, tmp_path: Path) -> Project:
    """Copy the project; its environment does not contain its path."""
    folder = tmp_path / 'project'
    shutil.copytree(complete, folder, symlinks=True)
    return Project(folder)


def test_complete_environment(project: Project) -> None:
    installed = project.installed()
    assert installed['torch'] == '2.12.1'
    assert installed['nvidia-thing'] == '13.0'
    assert installed['clhoi_mm'] == '0.0.0'
    assert 'ninja' not in installed
    assert not project.is_compiled()  # Although torch was there already.
    assert project.set_up() == ''


@slow
def test_interrupt_at_any_time(complete: Path, tmp_path: Path) -> None:
    project = Project(tmp_path / 'project')
    shutil.copytree(
        complete, project.folder, ignore=shutil.ignore_patterns('.venv')
    )
    for step, sign in (
        ('making', signal.SIGKILL),
        ('installing', signal.SIGINT),
    ):
        process = subprocess.Popen(
            project.command(),
            env=project.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A shell's background job, as this may be, ignores the signal.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            text=True,
        )
        for line in process.stdout:
            if step in line:
                break
        time.sleep(0.7)
        os.killpg(process.pid, sign)
        text = process.communicate()[0]
        assert process.returncode != 0
        if sign == signal.SIGINT:
            assert 'interrupted; repeat the same command' in text
    project.set_up()
    assert project.installed()['torch'] == '2.12.1'


def remove_pip(project: Project) -> None:
    shutil.rmtree(project.site / 'pip')


def cut_packages(project: Project) -> None:
    (project.site / 'torch' / '__init__.py').unlink()
    (project.site / 'numpy-2.2.6.dist-info' / 'INSTALLER').unlink()
    (project.site / '~orch').mkdir()


def lose_python(project: Project) -> None:
    for link in (project.venv / 'bin').glob('python*'):
        link.unlink()
        link.symlink_to('/no/such/python')


@slow
@pytest.mark.parametrize('damage', [remove_pip, cut_packages, lose_python])
def test_partial_environment_is_completed(project: Project, damage) -> None:
    damage(project)
    (project.venv / '.lock-hash').unlink()
    project.set_up()
    assert (project.site / 'torch' / '__init__.py').is_file()
    assert (project.site / 'numpy-2.2.6.dist-info' / 'INSTALLER').is_file()
    assert not list(project.site.glob('~*'))
    assert project.installed()['pip']


def test_environment_of_another_python(project: Project) -> None:
    config = project.venv / 'pyvenv.cfg'
    (project.venv / '.lock-hash').unlink()
    config.write_text('home = /usr/bin\nversion = 3.9.18\n')
    message = project.refusal()
    assert 'was made with Python 3.9' in message
    assert f'"rm -r {project.venv}"' in message


@pytest.mark.skipif(
    sys.version_info >= (3, 13), reason='row B reaches Python 3.12'
)
def test_environment_of_the_other_row(project: Project) -> None:
    command = project.command()
    command[2] = 'openmmlab'
    done = subprocess.run(
        command, env=project.env, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert 'holds the packages of the other row' in done.stderr
    assert f'"rm -r {project.venv}"' in done.stderr


def test_unreachable_index_is_an_error(project: Project) -> None:
    shutil.rmtree(project.site / 'torch')
    (project.venv / '.lock-hash').unlink()
    message = project.refusal(
        PIP_NO_INDEX='',
        PIP_FIND_LINKS='',
        PIP_RETRIES='1',
        PIP_INDEX_URL='http://127.0.0.1:9/simple',
    )
    assert 'no package index answers; check the network' in message
    assert len(message) < 300
    project.set_up()


def test_missing_package_is_named(project: Project) -> None:
    shutil.rmtree(project.site / 'torch')
    (project.venv / '.lock-hash').unlink()
    (project.wheels / 'torch-2.12.1-py3-none-any.whl').unlink()
    assert 'torch==2.12.1 is in none of the indexes' in project.refusal()


@slow
def test_torch_version_option(project: Project) -> None:
    write_wheel(project.wheels, 'torch', '2.14.1', ['cuda-new==14.0'])
    write_wheel(project.wheels, 'torch', '2.15.0')
    write_wheel(project.wheels, 'cuda-new', '14.0')
    write_wheel(project.wheels, 'torchvision', '0.29.1', ['torch==2.14.1'])
    write_wheel(project.wheels, 'torchvision', '0.29.2', ['torch==2.15.0'])
    project.set_up('--torch', '2.14.1')
    installed = project.installed()
    assert installed['torch'] == '2.14.1'
    assert installed['torchvision'] == '0.29.1'
    assert installed['cuda-new'] == '14.0'
    assert project.set_up() == ''  # As in a second `make demo`.
    assert project.set_up('--torch', '2.14.1') == ''
    project.set_up('--torch', 'lock')
    assert project.installed()['torch'] == '2.12.1'
    assert project.set_up() == ''


@slow
@pytest.mark.parametrize('kind', ['index', 'folder', 'find-links'])
def test_cpu_build_installs_no_cuda_packages(
    complete: Path, tmp_path: Path, kind: str
) -> None:
    project = Project(tmp_path / 'project')
    shutil.copytree(
        complete, project.folder, ignore=shutil.ignore_patterns('.venv')
    )
    (project.wheels / 'nvidia_thing-13.0-py3-none-any.whl').unlink()
    folder = project.folder / 'cpu'
    cpu = [
        write_wheel(folder, 'torch', '2.12.1+cpu'),
        write_wheel(folder, 'torchvision', '0.27.1+cpu', ['torch==2.12.1']),
    ]
    if kind == 'index':
        url = write_index(project.folder / 'simple', cpu)
        # With PIP_NO_INDEX, pip reads no index, a user's own included.
        project.set_up('--torch', url, PIP_NO_INDEX='', PIP_INDEX_URL=url)
    elif kind == 'folder':
        project.set_up('--torch', str(folder))
    else:
        project.set_up(PIP_FIND_LINKS=f'{project.wheels} {folder}')
    installed = project.installed()
    assert installed['torch'] == '2.12.1+cpu'
    assert installed['torchvision'] == '0.27.1+cpu'
    assert 'nvidia-thing' not in installed
    assert project.set_up() == ''


@slow
def test_newest_torch_in_a_folder_is_used(project: Project) -> None:
    folder = project.folder / 'mine'
    for torch, torchvision in (('2.12.1', '0.27.1'), ('2.13.0', '0.28.0')):
        write_wheel(folder, 'torch', f'{torch}+mine')
        asked = [f'torch=={torch}']
        write_wheel(folder, 'torchvision', f'{torchvision}+mine', asked)
    project.set_up('--torch', str(folder))
    installed = project.installed()
    assert installed['torch'] == '2.13.0+mine'
    assert installed['torchvision'] == '0.28.0+mine'


def test_folder_without_torchvision(project: Project) -> None:
    write_wheel(project.folder / 'mine', 'torch', '2.13.0')
    message = project.refusal('--torch', str(project.folder / 'mine'))
    assert 'wheels of torch and torchvision of one build' in message


@pytest.mark.parametrize('torch', ['/no/such', '2.x', 'newest'])
def test_invalid_torch_option(project: Project, torch: str) -> None:
    message = project.refusal('--torch', torch)
    assert f'TORCH={torch} is neither a version, nor an index' in message


@slow
def test_switching_between_the_kinds_of_operators(project: Project) -> None:
    compiler = {'CXX': sys.executable}  # Any command does.
    project.set_up('--ops', 'compiled', **compiler)
    assert project.is_compiled()
    assert project.installed()['ninja'] == '1.13.2'
    assert project.set_up(**compiler) == ''
    # pip now has that wheel in its cache.
    project.set_up('--ops', 'torchvision')
    assert not project.is_compiled()
    # A cached wheel of another torch is not used.
    write_wheel(project.wheels, 'torch', '2.13.0')
    write_wheel(project.wheels, 'torchvision', '0.28.0', ['torch==2.13.0'])
    text = project.set_up('--ops', 'compiled', '--torch', '2.13.0', **compiler)
    assert "pip's cached mmcv does not work here" in text
    assert (project.site / 'mmcv/_ext.so').read_text() == '2.13.0'


@slow
def test_torch_that_mmcv_does_not_support(project: Project) -> None:
    write_wheel(project.wheels, 'torch', '2.14.1')
    write_wheel(project.wheels, 'torchvision', '0.29.1', ['torch==2.14.1'])
    message = project.refusal(
        '--ops', 'compiled', '--torch', '2.14.1', CXX=sys.executable
    )
    assert 'TORCH=2.13.0, or leave OPS=compiled out' in message
    project.set_up('--ops', 'torchvision')
    assert project.installed()['torch'] == '2.14.1'
