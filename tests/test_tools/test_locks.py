"""Each pinned package has a wheel for each supported Python."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_tools.test_make_env import REPO, lock, machine

# Pure source distributions, which `make setup` builds.
SDISTS = {'onedl-mmcv', 'onedl-mmdetection', 'onedl-mmpretrain', 'mmcv'}
# glibc 2.28: Debian 10, Ubuntu 18.10, RHEL 8.
PLATFORMS = [f'manylinux_2_{minor}_x86_64' for minor in range(28, 4, -1)]
PLATFORMS += ['manylinux2014_x86_64', 'manylinux2010_x86_64']
PLATFORMS += ['manylinux1_x86_64', 'linux_x86_64']
CASES = [
    (name, version)
    for name in ('onedl', 'openmmlab', 'web')
    for version in machine.SUPPORTED
    if version <= machine.ROW_REACHES.get(name, version)
]


@pytest.mark.slow
@pytest.mark.parametrize('name, version', CASES)
def test_every_pin_has_a_wheel(name: str, version: tuple) -> None:
    python = '%d.%d' % version
    path = REPO / 'requirements' / f'lock-{name}.txt'
    pins = lock.read_lock(path, version)
    for sdist in SDISTS & set(pins):
        del pins[sdist]
    assert missing_wheels(python, [*pins.values()]) == []


@pytest.mark.slow
def test_pin_without_a_wheel_is_detected() -> None:
    assert missing_wheels('3.14', ['numpy==2.2.6']) == ['numpy==2.2.6']


def missing_wheels(python: str, pins: list[str]) -> list[str]:
    """Return pins without an x86-64 Linux wheel for a Python."""
    command = [sys.executable, '-m', 'pip', 'install', '--dry-run', '-q']
    command += ['--no-deps', '--ignore-installed', '--only-binary=:all:']
    command += ['--target', str(Path('no', 'such', 'folder'))]
    command += ['--implementation', 'cp', '--python-version', python]
    for platform in PLATFORMS:
        command += ['--platform', platform]
    done = subprocess.run([*command, *pins], capture_output=True, text=True)
    if 'from versions: none' in done.stderr or 'Retry(' in done.stderr:
        pytest.skip('the package index cannot be reached')
    missing = re.findall(
        r'No matching distribution found for (\S+)', done.stderr
    )
    assert missing or done.returncode == 0, done.stderr
    return missing
