import os
import signal
import stat
import subprocess
import sys

import pytest

from clhoi_mm.utils.files import atomic_path, work_folder
from tests.data_utils import REPO


def test_replacement_is_atomic(tmp_path):
    path = tmp_path / 'new' / 'file.txt'
    with atomic_path(path) as temp:
        temp.write_text('first')
        assert not path.exists()
    assert path.read_text() == 'first'
    with pytest.raises(RuntimeError):
        with atomic_path(path) as temp:
            temp.write_text('half')
            raise RuntimeError
    assert path.read_text() == 'first'
    assert [x.name for x in path.parent.iterdir()] == ['file.txt']


def test_file_has_default_permissions(tmp_path):
    (tmp_path / 'plain').touch()
    with atomic_path(tmp_path / 'atomic') as temp:
        temp.unlink()
        temp.touch()  # Writers may create the file themselves.
    modes = [
        stat.S_IMODE((tmp_path / name).stat().st_mode)
        for name in ('plain', 'atomic')
    ]
    assert modes[0] == modes[1]


KILLED = """
import os, signal, sys
from clhoi_mm.utils.files import atomic_path, work_folder

with work_folder('.', 'sort') as folder, atomic_path('file') as temp:
    (folder / 'part').write_text('x')
    temp.write_text('half')
    if len(sys.argv) > 1:
        print(flush=True)
        sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    env = dict(os.environ, PYTHONPATH=str(REPO))
    command = [sys.executable, '-c', KILLED]
    for _ in range(2):
        done = subprocess.run(command, cwd=tmp_path, env=env)
        assert done.returncode == -signal.SIGKILL
        assert len(list(tmp_path.iterdir())) == 2
    # Files of a running process are kept.
    living = subprocess.Popen(
        [*command, 'wait'], cwd=tmp_path, env=env,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # yapf: disable
    living.stdout.readline()
    with work_folder(tmp_path, 'sort'), atomic_path(tmp_path / 'file') as temp:
        temp.write_text('whole')
        assert len(list(tmp_path.iterdir())) == 4
    living.communicate()
    with work_folder(tmp_path, 'sort'), atomic_path(tmp_path / 'file'):
        pass
    assert [x.name for x in tmp_path.iterdir()] == ['file']
