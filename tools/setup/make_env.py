#!/usr/bin/env python3
"""Makes, completes or updates the environment of one row from its lock file.

    python3 tools/setup/make_env.py onedl .venv
    python3 tools/setup/make_env.py onedl .venv --extra web

Runs on the bare machine's Python with nothing installed. Running it again
goes on where an earlier run was interrupted, and does nothing where the
environment is complete already. It never removes an environment.
"""

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Dict, List, NoReturn

from build_progress import run_with_progress

ROOT = Path(__file__).resolve().parents[2]
# The distribution that compiles ops, and what only this row may contain.
MMCV = {'onedl': 'onedl-mmcv', 'openmmlab': 'mmcv'}
BUILD_TOOLS = ('pip', 'setuptools', 'wheel', 'ninja')
SUPPORTED = ((3, 10), (3, 11), (3, 12))
OPS_CHECK = (
    'import torch; from mmcv.ops import RoIAlign, nms; '
    'nms(torch.rand(4, 4), torch.rand(4), 0.5)'
)


def say(message: str) -> None:
    print(f'set-up: {message}', flush=True)  # in order with pip's own lines


def fail(message: str) -> NoReturn:
    sys.exit(f'set-up: {message}')


def check_machine() -> None:
    """Stops with one sentence if the machine lacks what pip cannot bring."""
    version = sys.version_info[:2]
    name = '%d.%d' % version
    if version not in SUPPORTED:
        others = [f'python{a}.{b}' for a, b in SUPPORTED]
        found = [p for p in others if shutil.which(p)]
        remedy = (
            f'PYTHON={found[-1]} is on this machine: add it to the command'
            if found
            else 'install one, for example with "sudo apt-get install '
            'python3.11-venv python3.11-dev", and add '
            'PYTHON=python3.11 to the command'
        )
        fail(
            f'Python 3.10, 3.11 or 3.12 is needed, and {sys.executable} is '
            f'{name}; {remedy}.'
        )
    missing = {}
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        missing['the venv module'] = f'python{name}-venv'
    if not Path(sysconfig.get_paths()['include'], 'Python.h').is_file():
        missing['Python.h'] = f'python{name}-dev'
    if not shutil.which(os.environ.get('CXX', 'c++')):
        missing['a C++ compiler'] = 'g++'
    if missing:
        fail(
            f'{", ".join(missing)} not found on this machine: run '
            f'"sudo apt-get install {" ".join(missing.values())}".'
        )


def read_lock(path: Path) -> Dict[str, List[str]]:
    """Pins by distribution name; several where they differ by Python."""
    pins: Dict[str, List[str]] = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith('#'):
            pins.setdefault(line.split('==')[0], []).append(line)
    return pins


class Environment:
    """One virtual environment, driven through its own interpreter.

    Args:
        folder (Path): The environment's folder; need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / 'bin' / 'python'
        self.env = dict(os.environ)
        for name in ('PYTHONPATH', 'PYTHONHOME', 'VIRTUAL_ENV', 'PIP_TARGET'):
            self.env.pop(name, None)
        # ninja is looked for on the path
        self.env['PATH'] = f'{folder / "bin"}{os.pathsep}{os.environ["PATH"]}'
        self.env['PIP_DISABLE_PIP_VERSION_CHECK'] = '1'

    def create(self) -> None:
        """Makes the environment unless a working one is there."""
        code = 'import pip, sys; print("%d.%d" % sys.version_info[:2])'
        wanted = '%d.%d' % sys.version_info[:2]
        if self.python.exists():
            probe = subprocess.run(
                [str(self.python), '-c', code],
                env=self.env,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                universal_newlines=True,
            )
            found = probe.stdout.strip()
            if found == wanted:
                return
            if found:
                fail(
                    f'{self.folder} holds Python {found}, not {wanted}: add '
                    f'PYTHON=python{found} to the command, or remove the '
                    'folder first.'
                )
        say(f'making {self.folder} with Python {wanted}')
        self.run(['-m', 'venv', str(self.folder)], sys.executable)

    def run(
        self, args: List[str], python: str = '', quiet: bool = False
    ) -> None:
        """Runs a Python command; stops if it fails.

        Args:
            args (list[str]): What follows the interpreter.
            python (str): Another interpreter than the environment's own.
            quiet (bool): Show what it prints only if it fails.
        """
        command = [python or str(self.python), *args]
        done = subprocess.run(
            command,
            env=self.env,
            cwd=str(ROOT),
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT if quiet else None,
        )
        if done.returncode:
            print((done.stdout or b'').decode(errors='replace'), flush=True)
            fail(f'failed: {" ".join(command)[:300]}')

    def pip_install(self, *args: str) -> None:
        self.run(['-m', 'pip', 'install', '--no-deps', *args])

    def pip_install_missing(self, pins: Dict[str, List[str]]) -> None:
        """Installs pins, as ``read_lock`` gives them, unless they are in."""
        have = self.distributions()
        missing = [
            pin
            for name, lines in pins.items()
            for pin in lines
            if f'{name}=={have.get(name)}'
            not in [line.split(';')[0] for line in lines]
        ]
        if missing:
            self.pip_install('--no-build-isolation', *missing)

    def distributions(self) -> Dict[str, str]:
        out = subprocess.run(
            [str(self.python), '-m', 'pip', 'list', '--format', 'json'],
            env=self.env,
            stdout=subprocess.PIPE,
            check=True,
        )
        return {
            d['name'].lower().replace('_', '-'): d['version']
            for d in json.loads(out.stdout.decode())
        }

    def ops_work(self) -> bool:
        return (
            subprocess.run(
                [str(self.python), '-c', OPS_CHECK],
                env=self.env,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ).returncode
            == 0
        )


def build_env(base: Dict[str, str], torch_cuda: str) -> Dict[str, str]:
    """Environment variables for compiling mmcv's ops.

    Args:
        base (dict): Variables to start from; those set there stay.
        torch_cuda (str): The CUDA version of the installed torch, as in
            '13.0'; empty for a CPU build.
    """
    env = dict(base)
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_AVPHYS_PAGES')
    # A file of these takes up to 1.5 GB to compile.
    jobs = min(len(os.sched_getaffinity(0)), int(memory / 1.5e9))
    env.setdefault('MAX_JOBS', str(max(1, jobs)))
    # No debugging symbols: they take a third of the time.
    env.setdefault('CFLAGS', '-O2 -g0')
    nvcc = shutil.which(
        'nvcc',
        path=os.pathsep.join(
            [
                str(Path(env.get('CUDA_HOME', '/usr/local/cuda'), 'bin')),
                env['PATH'],
            ]
        ),
    )
    release = ''
    if nvcc:
        text = subprocess.run(
            [nvcc, '--version'], stdout=subprocess.PIPE
        ).stdout.decode()
        found = re.search(r'release (\d+)', text)
        release = found.group(1) if found else ''
    if not release or release != torch_cuda.split('.')[0]:
        # mmcv compiles for any GPU that it sees, and fails without a nvcc
        # of torch's own major version.
        if Path('/dev/nvidia0').exists():
            say(
                f"no nvcc of CUDA {torch_cuda} found, so mmcv's "
                'ops are built for the CPU only (torch itself still uses '
                'the GPU).'
            )
        env['CUDA_VISIBLE_DEVICES'] = ''
    return env


def install_mmcv(venv: Environment, pin: str) -> None:
    """Installs mmcv with ops that work with the installed torch."""
    name, version = pin.split('==')
    if venv.distributions().get(name) == version and venv.ops_work():
        return
    torch_cuda = (
        subprocess.run(
            [
                str(venv.python),
                '-c',
                'import torch; print(torch.version.cuda or "")',
            ],
            env=venv.env,
            stdout=subprocess.PIPE,
        )
        .stdout.decode()
        .strip()
    )
    env = build_env(venv.env, torch_cuda)
    log = venv.folder / 'mmcv-build.log'
    install = [
        str(venv.python),
        '-m',
        'pip',
        'install',
        '-v',
        '--no-deps',
        '--no-build-isolation',
        '--force-reinstall',
    ]
    say(
        f'compiling {pin} ({env["MAX_JOBS"]} jobs, log in {log}); '
        'a few seconds if pip has it in its cache, else 6 to 15 minutes'
    )
    code = run_with_progress([*install, pin], env, log)
    if code == 0 and not venv.ops_work():
        say("pip's cached mmcv was built for another torch; compiling it anew")
        code = run_with_progress([*install, '--no-cache-dir', pin], env, log)
    if code:
        lines = log.read_text(errors='replace').splitlines()
        errors = [line.strip() for line in lines if 'error:' in line.lower()][
            :8
        ]
        fail(
            f'{pin} did not compile (if the compiler was killed for want of '
            'memory, put MAX_JOBS=1 before the command); from '
            f'{log}:\n' + '\n'.join(errors)
        )
    if not venv.ops_work():
        venv.run(['-c', OPS_CHECK])  # fails, and shows why


def make(row: str, folder: Path) -> None:
    lock_path = ROOT / 'requirements' / f'lock-{row}.txt'
    lock = read_lock(lock_path)
    sources = [lock_path, ROOT / 'setup.py', Path(__file__)]
    digest = hashlib.sha256(b''.join(p.read_bytes() for p in sources))
    venv = Environment(folder)
    stamp = folder / '.lock-hash'
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    check_machine()
    venv.create()

    others = {name for r, name in MMCV.items() if r != row}
    if others & set(venv.distributions()):
        fail(
            f'{folder} holds the packages of the other row, which overwrite '
            f'those of row {row}: remove it ("rm -r {folder}") and repeat.'
        )
    (mmcv,) = lock.pop(MMCV[row])
    venv.pip_install_missing({name: lock.pop(name) for name in BUILD_TOOLS})
    venv.pip_install_missing(lock)
    # It shares the folder cv2 with the headless one, and needs libGL.
    if 'opencv-python' in venv.distributions():
        venv.run(['-m', 'pip', 'uninstall', '-y', 'opencv-python'])
        venv.pip_install('--force-reinstall', *lock['opencv-python-headless'])
    install_mmcv(venv, mmcv)
    venv.run(
        [
            '-m',
            'pip',
            'install',
            '--no-deps',
            '--no-build-isolation',
            '-e',
            '.',
        ],
        quiet=True,
    )  # it warns that editable is editable
    venv.run(['-m', 'clhoi_mm.check_env'])
    stamp.write_text(digest.hexdigest())


def add_extra(name: str, folder: Path) -> None:
    """Adds what the lock file of an extra pins to a complete environment."""
    lock_path = ROOT / 'requirements' / f'lock-{name}.txt'
    stamp = folder / f'.lock-hash-{name}'
    digest = hashlib.sha256(lock_path.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    say(f'adding what {name} needs to {folder}')
    Environment(folder).pip_install_missing(read_lock(lock_path))
    stamp.write_text(digest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('row', choices=sorted(MMCV), help='which lock file')
    parser.add_argument('folder', type=Path, help='the environment')
    parser.add_argument(
        '--extra', choices=['web'], help='add what this needs as well'
    )
    args = parser.parse_args()
    lock_path = ROOT / 'requirements' / f'lock-{args.row}.txt'
    with lock_path.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one set-up at a time
        make(args.row, args.folder.absolute())
        if args.extra:
            add_extra(args.extra, args.folder.absolute())


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        fail('interrupted; the same command goes on from here.')
