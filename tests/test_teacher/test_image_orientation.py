"""Teacher and data set apply the same image orientation."""

import json

import numpy as np
import pytest
from PIL import Image

from clhoi_mm.teacher.ask_config import AskConfig
from clhoi_mm.teacher.backends import BACKENDS
from clhoi_mm.teacher.backends.base import BatchedBackend
from clhoi_mm.teacher.requests.messages import Response


@BACKENDS.register_module('sizes')
class Sizes(BatchedBackend):
    """Backend that answers with the size of its input image."""

    model = 'sizes'

    def answer(self, requests, images):
        return [Response(f'{i.size[0]} x {i.size[1]}') for i in images]


@pytest.fixture
def folder(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / 'images').mkdir()
    image = Image.fromarray(np.zeros((6, 9, 3), np.uint8))
    image.save(tmp_path / 'images/a.jpg', exif=exif)
    (tmp_path / 'list.txt').write_text('images/a.jpg\n')
    (tmp_path / 'train.json').write_text(
        json.dumps(dict(images=[dict(file_name='images/a.jpg')]))
    )
    return tmp_path


@pytest.mark.parametrize(
    'images, orientation, seen',
    [
        ('images', None, '6 x 9'),
        ('list.txt', None, '6 x 9'),
        ('train.json', None, '9 x 6'),
        ('images', 'stored', '9 x 6'),
        ('train.json', 'upright', '6 x 9'),
    ],
)
def test_orientation(folder, images, orientation, seen):
    config = AskConfig(
        ('describe',),
        str(folder / images),
        str(folder / 'pass'),
        dict(type='sizes'),
        orientation=orientation,
    )
    config.run_shard(config.build_backend(), progress=False)
    answers = ''.join(
        path.read_text() for path in (folder / 'pass').rglob('*.jsonl')
    )
    assert seen in answers
