"""Freed memory stays with the process."""

import os
import platform
import subprocess
import sys

import pytest

from tests.data_utils import REPO

# Page faults of filling 64 MB again and again.
FAULTS = """
import resource, sys
import numpy as np
from clhoi_mm.allocator import configure_glibc_malloc
kept = configure_glibc_malloc() if sys.argv[1] == "keep" else None
def fill():
    for _ in range(5):
        np.ones(8 << 20)
fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
fill()
after = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(kept, after - before, "torch" in sys.modules)
"""


def run(how, **env):
    kept = {k: v for k, v in os.environ.items() if not k.startswith('MALLOC_')}
    done = subprocess.run(
        [sys.executable, '-c', FAULTS, how],
        env=dict(kept, PYTHONPATH=str(REPO), **env),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    kept, faults, torch = done.stdout.split()
    assert torch == 'False'
    return kept, int(faults)


@pytest.mark.skipif(
    platform.libc_ver()[0] != 'glibc', reason='another allocator is used'
)
def test_page_faults_go_away():
    _, usual = run('leave')
    kept, faults = run('keep')
    assert kept == 'True'
    assert usual > 20 * max(1, faults)


def test_what_the_user_set_stays():
    assert run('keep', MALLOC_TOP_PAD_='65536')[0] == 'False'
