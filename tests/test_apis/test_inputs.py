"""Supported inputs of an inferencer."""

import cv2
import numpy as np
import pytest

from clhoi_mm.apis.inputs import Inputs

IMAGE = np.zeros((4, 6, 3), np.uint8)


@pytest.fixture
def folder(tmp_path):
    for name in (
        'b.png',
        'a.jpg',
        'a.png',
        'deep/a.png',
        'vis/a.jpg',
        'notes.txt',
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b'')
    return tmp_path


def names(*args, **kwargs):
    return [image.name for image in Inputs(*args, **kwargs)]


def test_folder_is_searched_without_its_outputs(folder):
    inputs = Inputs(folder, without=str(folder / 'vis'))
    found = list(inputs)
    assert len(inputs) == len(found) == 4
    assert [image.source for image in found] == [
        str(folder / name)
        for name in ('a.jpg', 'a.png', 'b.png', 'deep/a.png')
    ]
    # Outputs of two inputs never have the same name.
    assert [i.name for i in found] == ['a', 'a.png', 'b', 'deep/a']


def test_globs_lists_and_arrays(folder):
    assert names(f'{folder}/*.png') == ['a', 'b']
    assert names(f'{folder}/**/a.*') == ['a', 'a.png', 'a.png_2', 'a.jpg']
    assert names([str(folder / 'b.png'), folder / 'deep', IMAGE]) == [
        'b',
        'a',
        '00000000',
    ]
    assert names(IMAGE, first_array=7) == ['00000007']


def test_existing_file_named_like_a_pattern(tmp_path):
    path = tmp_path / 'holiday [1].png'
    path.write_bytes(b'')
    assert names(path) == ['holiday [1]']


def test_frames_of_a_video(video):
    inputs = Inputs(video)
    frames = list(inputs)
    assert len(inputs) == len(frames) == 5
    assert [f.name for f in frames[:2]] == ['clip/000000', 'clip/000001']
    assert [f.time for f in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert frames[0].image.shape == (160, 224, 3)
    some = Inputs([video, IMAGE], frame_step=2)
    assert len(some) == 4
    assert [f.frame for f in some] == [0, 2, 4, None]


@pytest.mark.parametrize('inputs, error, part', [
    ('nowhere/a.png', FileNotFoundError, 'nowhere/a.png: no such image'),
    ('nowhere/*.png', FileNotFoundError, 'no image or video matches'),
    ('https://example.org/a.png', ValueError, 'download'),
    (['nowhere/a.png', IMAGE], FileNotFoundError, 'nowhere/a.png'),
    ([], ValueError, 'the list of inputs is empty'),
    (3, TypeError, 'not int'),
    (IMAGE[..., 0], ValueError, r'array 0: an image is \(height'),
    (IMAGE / 2, ValueError, 'float64'),
    (IMAGE[:0], ValueError, 'array 0'),
])  # fmt: skip
def test_bad_input(inputs, error, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=part):
        Inputs(inputs)


def test_bad_files(tmp_path, folder):
    empty = tmp_path / 'empty'
    empty.mkdir()
    with pytest.raises(ValueError, match='no image in this folder'):
        Inputs(empty)
    # Reading them fails with their name; other files are unaffected.
    (folder / 'IMG_1.HEIC').touch()
    others = Inputs([folder / 'notes.txt', folder / 'IMG_1.HEIC'])
    assert [item.name for item in others] == ['notes', 'IMG_1']
    broken = tmp_path / 'broken.mp4'
    broken.write_bytes(b'no video')
    (found,) = Inputs([broken])
    assert 'broken.mp4: the video cannot' in found.error
    writer = cv2.VideoWriter(
        str(tmp_path / 'none.avi'),
        cv2.VideoWriter_fourcc(*'MJPG'),
        10,
        (32, 32),
    )
    writer.release()
    (found,) = Inputs(tmp_path / 'none.avi')
    assert 'none.avi: the video cannot' in found.error
    with pytest.raises(ValueError, match='frame_step=0'):
        Inputs(IMAGE, frame_step=0)
