"""One virtual environment, and what is installed in it."""

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

# They would send packages elsewhere, let the environment see others, or have
# each start of Python compile all of mmdet anew.
STRANGERS = (
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
    """A virtual environment, driven through its own interpreter.

    Args:
        folder (Path): The environment's folder; need not exist.
        timing (Timing): Receives what pip's steps take.
    """

    def __init__(self, folder: Path, timing: Timing) -> None:
        self.folder = folder
        self.timing = timing
        self.python = folder / 'bin' / 'python'
        self.log = folder / 'set-up.log'
        name = 'python%d.%d' % tuple(sys.version_info[:2])
        self.site = folder / 'lib' / name / 'site-packages'
        self.env = {k: v for k, v in os.environ.items() if k not in STRANGERS}
        # ninja is looked for on the path
        self.env['PATH'] = f'{folder / "bin"}{os.pathsep}{os.environ["PATH"]}'
        self.env['PIP_DISABLE_PIP_VERSION_CHECK'] = '1'

    def create(self) -> None:
        """Make the environment, or complete what is there of it."""
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
        self._remove_halves()
        starts = self._starts()
        if starts and 'pip' in self.distributions():
            return
        if not starts:  # links to a Python that is gone would stay
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
        """All files of one distribution are there."""
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

    def _remove_halves(self) -> None:
        """Remove what an interrupted pip left of packages."""
        for path in self.site.glob('~*'):
            shutil.rmtree(str(path), ignore_errors=True)
        for info in list(self._dist_infos()):
            if not self._is_complete(info):
                shutil.rmtree(str(info))

    def run(self, *command: str) -> None:
        """Run a command quietly; stop with one sentence if it fails."""
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
                f'{explain(done.stdout)}; then the same command goes on '
                f'({" ".join(command[1:4])} failed).'
            )

    def pip_install(self, *args: str, total: int = 1) -> None:
        """Run ``pip install``; stop with one sentence if it fails.

        Args:
            args (str): Options and requirements.
            total (int): How many packages are asked for.
        """
        meter = PipMeter(total)
        # Modules are compiled when they are first imported, most never.
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
                f'{explain(output)}; then the same command goes on (all that '
                f'pip said is in {self.log}).'
            )

    def pip_install_missing(self, pins: Dict[str, str], *args: str) -> None:
        """Install pins, as ``read_lock`` gives them, unless they are in."""
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
        """Versions of what is installed, by normalized name."""
        found = {}
        for info in self._dist_infos():
            name, _, version = info.name[: -len('.dist-info')].partition('-')
            found[normalize(name)] = version
        return found

    def requirements(self, name: str) -> Iterator[str]:
        """The lines ``Requires-Dist`` of an installed distribution."""
        for info in self._dist_infos():
            if normalize(info.name.partition('-')[0]) == name:
                text = (info / 'METADATA').read_text(errors='replace')
                yield from re.findall(r'^Requires-Dist: (.+)$', text, re.M)


def satisfies(version: str, pin: str) -> bool:
    """Whether a version is the pinned one; '2.12.1+cpu' is 2.12.1 too."""
    wanted = pin.split('==')[1]
    return wanted in (version, version.split('+')[0])
