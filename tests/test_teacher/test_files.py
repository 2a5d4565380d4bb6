import stat

import pytest

from clhoi_mm.teacher.files import atomic_path


def test_replaces_as_a_whole_or_not_at_all(tmp_path):
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


def test_file_is_as_readable_as_any_other(tmp_path):
    (tmp_path / 'plain').touch()
    with atomic_path(tmp_path / 'atomic') as temp:
        temp.unlink()
        temp.touch()  # writers may make a file of their own
    modes = [
        stat.S_IMODE((tmp_path / name).stat().st_mode)
        for name in ('plain', 'atomic')
    ]
    assert modes[0] == modes[1]
