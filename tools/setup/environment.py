"""Virtual environment and its installed packages."""

import csv
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterable, Iterator

from messages import explain, fail, say
from progress import PipMeter, run_with_progress
from timing import Timing

# Variables removed from the environment: they redirect packages, expose other
# ones, or disable bytecode, so that each start compiles all of mmdet.
REMOVED_VARIABLES = (
    'PYTHONDONTWRITEBYTECODE',
    'PYTHONPATH',
    'PYTHONHOME',
    'VIRTUAL_ENV',
    'PIP_TARGET',
    'PIP_PREFIX',
    'PIP_USER',
)


def normalize(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()


class Environment:
    """Virtual environment, managed by its own interpreter.

    Args:
        folder (Path): Folder of the environment, which may be missing.
        timing (Timing): Collector of the duration of pip's steps.
    """

    def __init__(self, folder: Path, timing: Timing) -> None:
        self.folder = folder
        self.timing = timing
        self.python = folder / 'bin' / 'python'
        self.log = folder / 'set-up.log'
        name = 'python%d.%d' % tuple(sys.version_info[:2])
        self.site = folder / 'lib' / name / 'site-packages'
        self.env = {
            k: v for k, v in os.environ.items() if k not in REMOVED_VARIABLES
        }
        # Builds look up ninja in PATH.
        self.env['PATH'] = f'{folder / "bin"}{os.pathsep}{os.environ["PATH"]}'
        self.env['PIP_DISABLE_PIP_VERSION_CHECK'] = '1'

    def create(self) -> None:
        """Make or complete the environment."""
        wanted = '%d.%d' % tuple(sys.version_info[:2])
        config = self.folder / 'pyvenv.cfg'
        text = config.read_text() if config.is_file() else ''
        found = re.search(r'^version(?:_info)? *= *(\d+\.\d+)', text, re.M)
        if found and found.group(1) != wanted:
            fail(
                f'{self.folder} was made with Python {found.group(1)}, and '
                f'this is {wanted}: add PYTHON=python{found.group(1)} to the '
                f'command, or remove it ("rm -r {self.folder}") and repeat.'
            )
        self._remove_incomplete()
        starts = self._starts()
        if starts and 'pip' in self.distributions():
            return
        if not starts:  # venv keeps links to a removed Python
            for link in (self.folder / 'bin').glob('python*'):
                link.unlink()
        say(f'making {self.folder} with Python {wanted}')
        self.run(sys.executable, '-m', 'venv', str(self.folder))

    def _starts(self) -> bool:
        try:
            done = subprocess.run(
                [str(self.python), '-c', 'import venv'],
                env=self.env,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            return False
        return done.returncode == 0

    def _dist_infos(self) -> Iterator[Path]:
        return self.site.glob('*.dist-info')

    def _is_complete(self, info: Path) -> bool:
        """Return whether all files of a distribution exist."""
        # pip writes INSTALLER after a package's last file.
        record = info / 'RECORD'
        if not (info / 'INSTALLER').is_file() or not record.is_file():
            return False
        with record.open(newline='') as file:
            names = [row[0] for row in csv.reader(file) if row]
        return all(
            os.path.exists(os.path.join(str(self.site), name))
            for name in names
            if not name.endswith('.pyc')
        )

    def _remove_incomplete(self) -> None:
        """Remove partially installed packages."""
        for path in self.site.glob('~*'):
            shutil.rmtree(str(path), ignore_errors=True)
        for info in list(self._dist_infos()):
            if not self._is_complete(info):
                shutil.rmtree(str(info))

    def run(self, *command: str) -> None:
        """Run a command quietly; exit with a message on failure."""
        done = subprocess.run(
            command,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            errors='replace',
        )
        if done.returncode:
            fail(
                f'{explain(done.stdout)}; then repeat the same command '
                f'({" ".join(command[1:4])} failed).'
            )

    def pip_install(self, *args: str, total: int = 1) -> None:
        """Run ``pip install``; exit with a message on failure.

        Args:
            args (str): Options and requirements.
            total (int): Number of requested packages.
        """
        meter = PipMeter(total)
        # Modules are compiled on first import instead.
        command = [str(self.python), '-m', 'pip', 'install', '--no-compile']
        start = time.monotonic()
        code, output = run_with_progress(
            [*command, *args], self.env, self.log, meter
        )
        end = time.monotonic()
        middle = meter.unpacking_since or end
        self.timing.add('downloading and building', middle - start)
        self.timing.add('unpacking', end - middle)
        if code:
            fail(
                f'{explain(output)}; then repeat the same command (the whole '
                f'output of pip is in {self.log}).'
            )

    def pip_install_missing(self, pins: Dict[str, str], *args: str) -> None:
        """Install those pins of ``read_lock`` that are missing."""
        have = self.distributions()
        missing = [
            pin
            for name, pin in pins.items()
            if not satisfies(have.get(name, ''), pin)
        ]
        if missing:
            self.pip_install('--no-deps', *args, *missing, total=len(missing))

    def uninstall(self, names: Iterable[str]) -> None:
        self.run(
            str(self.python), '-m', 'pip', 'uninstall', '-q', '-y', *names
        )

    def distributions(self) -> Dict[str, str]:
        """Return installed versions by normalized name."""
        found = {}
        for info in self._dist_infos():
            name, _, version = info.name[: -len('.dist-info')].partition('-')
            found[normalize(name)] = version
        return found

    def requirements(self, name: str) -> Iterator[str]:
        """Iterate over a distribution's ``Requires-Dist`` lines."""
        for info in self._dist_infos():
            if normalize(info.name.partition('-')[0]) == name:
                text = (info / 'METADATA').read_text(errors='replace')
                yield from re.findall(r'^Requires-Dist: (.+)$', text, re.M)


def satisfies(version: str, pin: str) -> bool:
    """Check a version against a pin; '2.12.1+cpu' satisfies 2.12.1."""
    pinned = pin.split('==')[1]
    return pinned in (version, version.split('+')[0])
