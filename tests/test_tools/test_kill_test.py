"""tools/analysis_tools/kill_test.py on the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('lemminflect', reason="the extra 'teacher'")
REPO = Path(__file__).parents[2]
TOOL = REPO / 'tools' / 'analysis_tools' / 'kill_test.py'
# Imported first by Python: a store that buffers lines in memory.
SABOTAGE = """
from clhoi_mm.teacher.store.raw_store import RawStore

write, leave = RawStore._write, RawStore.__exit__


def hold(self, file, row):
    held = self.__dict__.setdefault('held', [])
    held.append((file, row))
    if len(held) == 40:
        flush(self)


def flush(self, *error):
    for item in self.__dict__.pop('held', []):
        write(self, *item)


def end(self, *error):
    flush(self)
    leave(self, *error)


RawStore._write, RawStore.__exit__ = hold, end
"""


def run(*args, path=REPO):
    return subprocess.run(
        [sys.executable, TOOL, *map(str, args)],
        env=dict(os.environ, PYTHONPATH=f'{path}{os.pathsep}{REPO}'),
        text=True,
        capture_output=True,
    )


@pytest.mark.slow
def test_killed_job_loses_no_answers():
    done = run('teacher', '--kills', 12)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'teacher: 12 kills in ' in done.stdout
    assert '0 problems; 0 temporary files left behind' in done.stdout


@pytest.mark.slow
def test_losses_are_reported(tmp_path):
    (tmp_path / 'sitecustomize.py').write_text(SABOTAGE)
    done = run('teacher', '--kills', 12, path=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert ' answers are lost' in done.stdout
