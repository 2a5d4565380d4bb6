#!/usr/bin/env python3
"""Make or update a row's environment from its lock file.

    python3 tools/setup/make_env.py onedl .venv
    python3 tools/setup/make_env.py onedl .venv --ops compiled
    python3 tools/setup/make_env.py onedl .venv --torch 2.14.1 --extra web

Needs only the standard library. A repeated run resumes an interrupted one and
does nothing if the environment is complete. Environments are never removed.
"""

import argparse
import fcntl
import hashlib
import subprocess
from pathlib import Path
from typing import Dict

from environment import Environment
from lock import read_lock
from machine import check_machine
from messages import explain, fail, say
from mmcv_ops import install_compiled, install_plain
from timing import Timing
from torch_choice import NAMES, TorchChoice, is_cuda

ROOT = Path(__file__).resolve().parents[2]
# Distribution of mmcv in each row.
MMCV = {'onedl': 'onedl-mmcv', 'openmmlab': 'mmcv'}
BUILD_TOOLS = ('pip', 'setuptools', 'wheel')
OPS = ('torchvision', 'compiled')


def lock_path(name: str) -> Path:
    return ROOT / 'requirements' / f'lock-{name}.txt'


def stamp_of(row: str, ops: str, torch: str) -> str:
    """Hash everything that an environment is made from."""
    digest = hashlib.sha256(f'{ops} {torch}'.encode())
    finder = ROOT / 'clhoi_mm' / 'ops'  # copied to site-packages
    for path in (
        lock_path(row),
        ROOT / 'setup.py',
        *sorted(Path(__file__).parent.glob('*.py')),
        *sorted([*finder.glob('finder.py'), *finder.glob('*.pth')]),
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make(row: str, folder: Path, ops: str, torch: str) -> None:
    """Make or complete the environment of a row.

    Args:
        row (str): 'onedl' or 'openmmlab'.
        folder (Path): Folder of the environment.
        ops (str): One of ``OPS``, or '' for the previous choice.
        torch (str): Choice of torch, see ``TorchChoice``.
    """
    timing = Timing()
    venv = Environment(folder, timing)
    ops_file = folder / '.ops'
    if not ops:
        ops = ops_file.read_text() if ops_file.is_file() else OPS[0]
    check_machine(row, ops == 'compiled')
    lock = read_lock(lock_path(row))
    choice = TorchChoice(venv, lock, torch)
    digest = stamp_of(row, ops, choice.source)
    stamp = folder / '.lock-hash'
    if stamp.is_file() and stamp.read_text() == digest:
        return
    with timing.step('making the environment'):
        venv.create()
    ops_file.write_text(ops)
    refuse_other_row(venv, row)
    venv.log.write_text('')
    install(venv, row, ops, choice, lock)
    with timing.step('importing and checking'):
        quiet = [
            '-W',
            'ignore::SyntaxWarning',
        ]  # raised when modules are first compiled
        check = [str(venv.python), *quiet, '-m', 'clhoi_mm.check_env']
        if subprocess.run(check, env=venv.env, cwd=str(ROOT)).returncode:
            fail('fix the problems above, then repeat the same command.')
    stamp.write_text(digest)
    say(f'{folder} is complete')
    print('\n'.join(timing.lines()), flush=True)


def refuse_other_row(venv: Environment, row: str) -> None:
    others = {name for r, name in MMCV.items() if r != row}
    if others & set(venv.distributions()):
        fail(
            f'{venv.folder} holds the packages of the other row, which '
            f'overwrite those of row {row}: remove it ("rm -r '
            f'{venv.folder}") and repeat.'
        )


def install(
    venv: Environment,
    row: str,
    ops: str,
    choice: TorchChoice,
    lock: Dict[str, str],
) -> None:
    """Install missing packages: torch first, the project last."""
    special = (*BUILD_TOOLS, *NAMES, MMCV[row], 'ninja')
    rest = {
        name: pin
        for name, pin in lock.items()
        if name not in special and not is_cuda(name)
    }
    say(f'installing {len(lock)} packages into {venv.folder}')
    venv.pip_install_missing({name: lock[name] for name in BUILD_TOOLS})
    choice.install()
    venv.pip_install_missing(rest, '--no-build-isolation')
    # It shares the folder cv2 with the headless package, and needs libGL.
    if 'opencv-python' in venv.distributions():
        venv.uninstall(['opencv-python'])
        venv.pip_install(
            '--no-deps', '--force-reinstall', lock['opencv-python-headless']
        )
    with venv.timing.step('building the project'):
        venv.run(
            *(str(venv.python), '-m', 'pip', 'install', '--no-deps'),
            *('--no-compile', '--no-build-isolation', '-e', str(ROOT)),
        )
    if ops == 'compiled':
        venv.pip_install_missing({'ninja': lock['ninja']})
        install_compiled(venv, lock[MMCV[row]])
    else:
        install_plain(venv, lock[MMCV[row]], lock)


def add_extra(name: str, folder: Path) -> None:
    """Install an extra's lock file into a complete environment."""
    path = lock_path(name)
    stamp = folder / f'.lock-hash-{name}'
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return
    say(f'adding the packages of {name} to {folder}')
    Environment(folder, Timing()).pip_install_missing(read_lock(path))
    stamp.write_text(digest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('row', choices=sorted(MMCV), help='lock file')
    parser.add_argument('folder', type=Path, help='environment')
    parser.add_argument(
        '--ops',
        choices=('', *OPS),
        default='',
        help="mmcv's operators (default: previous choice, or torchvision)",
    )
    parser.add_argument(
        '--torch',
        default='',
        help='a version, the URL of an index, a folder of wheels, or "lock" '
        "(default: previous choice, or the lock's)",
    )
    parser.add_argument(
        '--extra', choices=['web'], help='also add the packages of this extra'
    )
    args = parser.parse_args()
    with lock_path(args.row).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say('waiting for another set-up to finish')
            fcntl.flock(file, fcntl.LOCK_EX)
        make(args.row, args.folder.absolute(), args.ops, args.torch)
        if args.extra:
            add_extra(args.extra, args.folder.absolute())


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        fail('interrupted; repeat the same command to resume.')
    except OSError as error:
        fail(f'{explain(str(error))}; then repeat the same command.')
