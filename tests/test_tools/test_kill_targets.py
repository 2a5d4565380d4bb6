"""Converters, cache_detections and training killed at random times."""

import os
import subprocess
import sys

import pytest

from tests.data_utils import REPO

TOOL = REPO / 'tools' / 'analysis_tools' / 'kill_test.py'


@pytest.mark.slow
@pytest.mark.parametrize(
    'target, kills', [('converter', 12), ('detections', 3), ('training', 3)]
)
def test_killed_tools_leave_no_partial_files(target, kills):
    done = subprocess.run(
        [sys.executable, TOOL, target, '--kills', str(kills)],
        env=dict(os.environ, PYTHONPATH=str(REPO)),
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f'{target}: {kills} kills in ' in done.stdout
    assert '0 problems; ' in done.stdout
