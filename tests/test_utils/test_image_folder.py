"""Listing of image folders."""

import logging

import pytest

from clhoi_mm.utils.image_folder import is_hidden, walk_images


@pytest.fixture
def folder(tmp_path):
    for name in (
        'b.png',
        'a.JPG',
        'deep/c.webp',
        '._b.png',
        'deep/.d.png',
        '.thumbnails/b.png',
        '.ipynb_checkpoints/b-checkpoint.png',
        '__MACOSX/deep/._c.webp',
        '@eaDir/b.png/x.jpg',
        'deep/IMG_1.HEIC',
        'Thumbs.db',
        '.DS_Store',
        'notes.txt',
    ):
        path = tmp_path / 'photos' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'')
    return tmp_path / 'photos'


def keys(*args):
    return [f.prefix + name for f in walk_images(*args) for name in f.names]


def test_hidden_files_and_folders_are_skipped(folder, caplog):
    caplog.set_level(logging.WARNING)
    assert keys(folder) == [
        'a.JPG',
        'b.png',
        'deep/IMG_1.HEIC',
        'deep/c.webp',
    ]
    assert keys(folder, folder.parent)[0] == 'photos/a.JPG'
    assert len(caplog.records) == 1, 'said once'
    message = caplog.messages[0]
    assert (
        f'{folder}: left out 2 hidden images and 4 hidden folders' in message
    )
    assert '...' in message


def test_given_hidden_folder_is_listed(folder, caplog):
    assert keys(folder / '.thumbnails') == ['b.png']
    assert not caplog.records


def test_names():
    for name in ('.x', '._x.png', '__MACOSX', '@eaDir', '$RECYCLE.BIN'):
        assert is_hidden(name)
    for name in ('x.png', '__init__', 'eaDir', 'a.b', '@me.jpg'):
        assert not is_hidden(name)


def test_image_outside_the_root(folder):
    with pytest.raises(ValueError, match='not inside'):
        keys(folder, folder / 'deep')
