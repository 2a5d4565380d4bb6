"""Installation of mmcv, with or without compiled operators."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Dict

from environment import Environment, satisfies
from lock import release
from messages import explain, fail, say
from progress import NinjaMeter, run_with_progress

CHECK = (
    'import torch; from mmcv.ops import RoIAlign, nms; '
    'nms(torch.rand(4, 4), torch.rand(4), 0.5); '
    'RoIAlign(2)(torch.rand(1, 1, 8, 8), torch.zeros(1, 5))'
)
# Since then torch's headers need C++20; mmcv is built as C++17.
NO_LONGER_COMPILES = (2, 14)


def is_compiled(venv: Environment) -> bool:
    return any((venv.site / 'mmcv').glob('_ext*.so'))


def works(venv: Environment) -> bool:
    """Check that compiled operators run with the installed torch."""
    done = subprocess.run(
        [str(venv.python), '-c', CHECK],
        env=venv.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return done.returncode == 0


def install_plain(venv: Environment, pin: str, lock: Dict[str, str]) -> None:
    """Install mmcv without compiled operators.

    pip builds it in isolation: without torch, mmcv's build leaves its
    extension out.

    Args:
        venv (Environment): The environment.
        pin (str): Pin of mmcv.
        lock (dict): All pins; those of the build tools apply to the build.
    """
    version = venv.distributions().get(pin.split('==')[0], '')
    if satisfies(version, pin) and not is_compiled(venv):
        return
    # mmcv 2.1.0 needs setuptools below 81.
    constraints = venv.folder / '.build-constraints.txt'
    constraints.write_text(f'{lock["setuptools"]}\n{lock["wheel"]}\n')
    venv.pip_install(
        '--no-deps',
        '--force-reinstall',
        '--no-cache-dir',  # the cache may have a compiled mmcv
        f'--build-constraint={constraints}',
        pin,
    )


def install_compiled(venv: Environment, pin: str) -> None:
    """Install mmcv with operators compiled against the installed torch."""
    have = venv.distributions()
    name = pin.split('==')[0]
    if release(have['torch'])[:2] >= NO_LONGER_COMPILES:
        fail(
            f'mmcv does not compile against torch {have["torch"]} (C++20; '
            'mmcv is C++17): give TORCH=2.13.0, or leave OPS=compiled out.'
        )
    if (
        satisfies(have.get(name, ''), pin)
        and is_compiled(venv)
        and works(venv)
    ):
        return
    env = build_env(venv.env, torch_cuda(venv))
    command = [str(venv.python), '-m', 'pip', 'install', '-v', '--no-deps']
    command += ['--no-build-isolation', '--force-reinstall']
    say(
        f'compiling {pin} ({env["MAX_JOBS"]} jobs, log in {venv.log}); '
        'a few seconds if pip has it in its cache, else 6 to 17 minutes'
    )
    for options in ([], ['--no-cache-dir']):
        with venv.timing.step("compiling mmcv's operators"):
            code, output = run_with_progress(
                [*command, *options, pin], env, venv.log, NinjaMeter()
            )
        if code:
            fail(
                f'{explain(output)}\n{pin} did not compile (the whole log: '
                f'{venv.log}); if the compiler was killed for want of '
                'memory, put MAX_JOBS=1 before the command.'
            )
        if is_compiled(venv) and works(venv):
            return
        say("pip's cached mmcv does not work here; compiling it again")
    venv.run(str(venv.python), '-c', CHECK)  # shows the error


def torch_cuda(venv: Environment) -> str:
    """Return the installed torch's CUDA version, '' without."""
    done = subprocess.run(
        [
            str(venv.python),
            '-c',
            'import torch; print(torch.version.cuda or "")',
        ],
        env=venv.env,
        stdout=subprocess.PIPE,
        universal_newlines=True,
    )
    return done.stdout.strip()


def build_env(base: Dict[str, str], torch_cuda: str) -> Dict[str, str]:
    """Make the environment variables for compiling mmcv.

    Args:
        base (dict): Variables of the user, which have priority.
        torch_cuda (str): CUDA version of the installed torch, such as
            '13.0'; empty for a CPU build.
    """
    env = dict(base)
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_AVPHYS_PAGES')
    # Each compiler process takes up to 1.5 GB.
    jobs = min(len(os.sched_getaffinity(0)), int(memory / 1.5e9))
    env.setdefault('MAX_JOBS', str(max(1, jobs)))
    # Debugging symbols would take a third of the time.
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
        # mmcv compiles for any visible GPU, and fails without an nvcc of
        # torch's major version.
        if Path('/dev/nvidia0').exists():
            say(
                f"no nvcc of CUDA {torch_cuda} found, so mmcv's "
                'ops are built for the CPU only (torch itself still uses '
                'the GPU).'
            )
        env['CUDA_VISIBLE_DEVICES'] = ''
    return env
