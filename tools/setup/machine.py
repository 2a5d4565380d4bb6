"""Checks for required tools, and system packages with them.

Standard library only; the syntax also works in unsupported, older Pythons.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Dict, Tuple

from messages import fail

SUPPORTED = ((3, 10), (3, 11), (3, 12), (3, 13), (3, 14))
RANGE = 'Python 3.10 to 3.14'
# Last supported Python of a row, if it differs from SUPPORTED's.
ROW_REACHES = {'openmmlab': (3, 12)}
OTHERWISE = 'install one, for example with uv, pyenv or conda'


def read_system(root: Path = Path('/')) -> Dict[str, str]:
    """Read the fields of os-release, if it exists."""
    for name in ('etc/os-release', 'usr/lib/os-release'):
        path = root / name
        if path.is_file():
            text = path.read_text(errors='replace')
            return {
                key: value.strip('"\'')
                for key, value in re.findall(r'^(\w+)=(.*)$', text, re.M)
            }
    return {}


def family_of(system: Dict[str, str]) -> str:
    """Return 'debian', 'fedora', 'arch', 'alpine' or ''."""
    words = f'{system.get("ID", "")} {system.get("ID_LIKE", "")}'.split()
    for family, names in {
        'debian': ('debian', 'ubuntu'),
        'fedora': ('fedora', 'rhel', 'centos'),
        'arch': ('arch',),
        'alpine': ('alpine',),
    }.items():
        if any(name in words for name in names):
            return family
    return ''


def default_or(python: str) -> str:
    """Return '3' if the system's Python has this version."""
    own = Path('/usr/bin/python3').resolve().name
    return '3' if own == f'python{python}' else python


def advise(family: str, missing: Tuple[str, ...], python: str) -> str:
    """Describe how to install missing tools.

    Args:
        family (str): Result of ``family_of``.
        missing (tuple[str]): Any of 'the venv module', 'Python.h' and
            'a C++ compiler'.
        python (str): Version of Python, such as '3.13'.

    Returns:
        str: Command of the system, or general advice.
    """
    install, names = {
        'debian': (
            'apt-get install',
            {
                'the venv module': f'python{python}-venv',
                'Python.h': f'python{python}-dev',
                'a C++ compiler': 'g++',
            },
        ),
        'fedora': (
            'dnf install',
            {
                'the venv module': 'python3-libs',
                'Python.h': f'python{default_or(python)}-devel',
                'a C++ compiler': 'gcc-c++',
            },
        ),
        'arch': (
            'pacman -S',
            {
                'the venv module': 'python',
                'Python.h': 'python',
                'a C++ compiler': 'gcc',
            },
        ),
    }.get(family, ('', {}))
    system_python = Path(sys.base_prefix) == Path('/usr')
    if not install or (missing != ('a C++ compiler',) and not system_python):
        return (
            'install it with the package manager of this system, or another '
            f'Python than the one in {sys.base_prefix}'
        )
    packages = dict.fromkeys(names[part] for part in missing)
    return f'run "sudo {install} {" ".join(packages)}"'


def offered_python(family: str, supported=SUPPORTED) -> str:
    """Return a command that installs a supported Python, or ''."""
    if family == 'debian' and shutil.which('apt-cache'):
        for version in reversed(supported):
            name = 'python%d.%d-venv' % version
            found = subprocess.run(
                ['apt-cache', 'show', name],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if found.returncode == 0:
                return f'sudo apt-get install {name}'
    if family == 'fedora':  # in Fedora, and in RHEL since 8
        return 'sudo dnf install python3.12'
    return ''


def installed_python(supported=SUPPORTED) -> str:
    """Return the newest supported Python on this machine, or ''."""
    for version in reversed(supported):
        name = 'python%d.%d' % version
        if shutil.which(name):
            probe = subprocess.run(
                [name, '-c', 'import ensurepip, venv'],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if probe.returncode == 0:  # pyenv's shims may not run
                return name
    return ''


def check_python(row: str, family: str) -> None:
    """Exit with a message if this Python is not supported."""
    version = tuple(sys.version_info[:2])
    last = ROW_REACHES.get(row, SUPPORTED[-1])
    supported = tuple(v for v in SUPPORTED if v <= last)
    if version in supported:
        return
    needed = RANGE
    if version in SUPPORTED:
        needed = (
            "upstream's packages support Python 3.10 to %d.%d "
            '(ROW=onedl: to %d.%d)' % (last + SUPPORTED[-1])
        )
    else:
        needed += ' is needed'
    found = installed_python(supported)
    offer = '' if found else offered_python(family, supported)
    if found:
        remedy = f'add PYTHON={found} to the command'
    elif offer:
        name = re.search(r'python[\d.]+', offer).group()
        remedy = f'run "{offer}" and add PYTHON={name} to the command'
    else:
        remedy = f'{OTHERWISE}, and add PYTHON=its path to the command'
    fail(f'{needed}, and {sys.executable} is %d.%d; {remedy}.' % version)


def check_machine(row: str, compiles: bool) -> None:
    """Exit with a message if the machine lacks system packages.

    Args:
        row (str): 'onedl' or 'openmmlab'.
        compiles (bool): Whether mmcv's operators will be compiled.
    """
    system = read_system()
    family = family_of(system)
    libc = sysconfig.get_config_var('HOST_GNU_TYPE') or ''
    if family == 'alpine' or 'musl' in libc:
        fail(
            f'torch has no wheels for {system.get("NAME", "a system")} '
            '(musl libc): use a system with glibc, such as Debian, also in a '
            'container.'
        )
    check_python(row, family)
    missing = []
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        missing.append('the venv module')
    if compiles:
        if not Path(sysconfig.get_paths()['include'], 'Python.h').is_file():
            missing.append('Python.h')
        if not shutil.which(os.environ.get('CXX', 'c++')):
            missing.append('a C++ compiler')
    if missing:
        python = '%d.%d' % tuple(sys.version_info[:2])
        fail(
            f'{", ".join(missing)} not found on this machine: '
            f'{advise(family, tuple(missing), python)}.'
        )
