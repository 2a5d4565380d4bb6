"""Checkpoints are written atomically, and the last one is found."""

from pathlib import Path

import pytest
from mmengine.fileio import LocalBackend

from tests.test_engine.test_averaged_weights import make_runner


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory):
    """Make the work dir of a run of two epochs."""
    folder = tmp_path_factory.mktemp('run')
    make_runner(folder, []).train()
    return folder


@pytest.mark.parametrize('note', ['', 'work_dirs/gone/epoch_9.pth', None])
def test_last_checkpoint_is_found_without_its_record(work_dir, note):
    path = work_dir / 'last_checkpoint'
    path.unlink(missing_ok=True)
    if note is not None:
        path.write_text(note)
    runner = make_runner(work_dir, [], resume=True)
    runner.load_or_resume()
    # Temporary files and best checkpoints are not considered.
    assert runner._load_from == str(work_dir / 'epoch_2.pth')


def test_recorded_checkpoint_takes_precedence(work_dir):
    noted = str(work_dir / 'epoch_1.pth')
    (work_dir / 'last_checkpoint').write_text(noted)
    runner = make_runner(work_dir, [], resume=True)
    runner.load_or_resume()
    assert runner._load_from == noted


def test_failed_save_keeps_the_old_checkpoint(work_dir, monkeypatch):
    runner = make_runner(work_dir, [])
    runner.train()
    before = (work_dir / 'epoch_2.pth').read_bytes()

    def fail(self, content, path):
        Path(path).write_bytes(content[: len(content) // 2])
        raise OSError('the disk is gone')

    monkeypatch.setattr(LocalBackend, 'put', fail)
    with pytest.raises(OSError, match='the disk is gone'):
        runner.save_checkpoint(str(work_dir), 'epoch_2.pth')
    assert (work_dir / 'epoch_2.pth').read_bytes() == before
    assert not [x for x in work_dir.iterdir() if x.name.startswith('.')]
