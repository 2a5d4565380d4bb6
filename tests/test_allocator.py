"""glibc's allocator keeps freed memory after configuration."""

import os
import platform
import subprocess
import sys

import pytest

from tests.data_utils import REPO

# Counts page faults while 64 MB are filled repeatedly.
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
def test_configured_allocator_avoids_page_faults():
    _, usual = run('leave')
    kept, faults = run('keep')
    assert kept == 'True'
    assert usual > 20 * max(1, faults)


def test_user_setting_is_kept():
    assert run('keep', MALLOC_TOP_PAD_='65536')[0] == 'False'
