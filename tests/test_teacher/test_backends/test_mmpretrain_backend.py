import sys
import types

import pytest
from backend_utils import ask, write_images

from clhoi_mm.teacher.backends import build_backend
from clhoi_mm.teacher.requests.messages import CAPTION, LIST


class Inferencer:
    """Stand-in with the interface of mmpretrain's inferencers."""

    def __init__(self, model, pretrained=True, device=None):
        if pretrained == 'gone.pth':
            raise FileNotFoundError('gone.pth')
        self.model = model


class ImageCaptionInferencer(Inferencer):
    def __call__(self, images, batch_size=1):
        return [
            dict(pred_caption=f'{x.shape} {x[0, 0].tolist()}') for x in images
        ]


class VisualQuestionAnsweringInferencer(Inferencer):
    def __call__(self, images, questions, batch_size=1):
        return [
            dict(question=q, pred_answer=f'{x.shape} {q}')
            for x, q in zip(images, questions)
        ]


@pytest.fixture
def mmpretrain(monkeypatch):
    module = types.ModuleType('mmpretrain')
    module.ImageCaptionInferencer = ImageCaptionInferencer
    module.VisualQuestionAnsweringInferencer = (
        VisualQuestionAnsweringInferencer
    )
    monkeypatch.setitem(sys.modules, 'mmpretrain', module)


def test_caption_and_vqa(mmpretrain, tmp_path):
    from PIL import Image

    images = write_images(tmp_path)
    Image.new('RGB', (8, 6), (1, 2, 3)).save(images / 'red.png')
    backend = build_backend(dict(type='mmpretrain', model='blip'))
    assert backend.kinds == (CAPTION,)
    got = ask(backend, images, CAPTION, ['red', 'broken', 0])
    assert got['red'].text == '(6, 8, 3) [3, 2, 1]'  # BGR channel order.
    assert got['broken'].reason == 'unreadable_image'
    backend = build_backend(dict(type='mmpretrain', model='ofa', task='vqa'))
    assert backend.kinds == (CAPTION, LIST)
    assert ask(backend, images, LIST, [0])['0'].text.endswith('Question 0?')


def test_missing_libraries_and_files_are_errors(mmpretrain, monkeypatch):
    with pytest.raises(FileNotFoundError, match='give a file as checkpoint'):
        build_backend(
            dict(type='mmpretrain', model='blip', checkpoint='gone.pth')
        )
    with pytest.raises(ValueError, match='caption and vqa'):
        build_backend(dict(type='mmpretrain', model='m', task='x'))
    monkeypatch.setitem(sys.modules, 'mmpretrain', None)
    with pytest.raises(ImportError, match='transformers'):
        build_backend(dict(type='mmpretrain', model='blip'))
