"""Two runs sharing one embedding cache file."""

import sqlite3
from contextlib import closing

import pytest

from clhoi_mm.teacher import HashedTextEncoder
from clhoi_mm.teacher.text_encoders import cached


class Overtaken(HashedTextEncoder):
    """Encoder during whose run another run adds the same texts."""

    folder = None

    def encode(self, texts):
        cached.CachedTextEncoder(HashedTextEncoder(16), self.folder).add(texts)
        return super().encode(texts)


def test_concurrent_run_adds_the_same_texts(tmp_path):
    encoder = Overtaken(16)
    encoder.folder = tmp_path
    store = cached.CachedTextEncoder(encoder, tmp_path)
    assert store.add(['a dog', 'a cat']) == 0
    assert len(store) == 2


def test_locked_or_damaged_file(tmp_path, monkeypatch):
    monkeypatch.setattr(cached, '_WAIT_S', 0.01)
    store = cached.CachedTextEncoder(HashedTextEncoder(16), tmp_path)
    assert store.add(['a dog']) == 1
    with closing(sqlite3.connect(store.path)) as other:
        other.execute('BEGIN EXCLUSIVE')
        with pytest.raises(OSError, match='another run uses it; wait for it'):
            store.add(['a cat'])
    assert store.add(['a cat', 'a dog']) == 1
    store.path.write_bytes(b'no data base' * 100)
    with pytest.raises(ValueError, match='damaged .*; delete it'):
        store.encode(['a dog'])
    store.path.unlink()
    store.path.mkdir()
    with pytest.raises(OSError, match='can be written'):
        store.add(['a dog'])
