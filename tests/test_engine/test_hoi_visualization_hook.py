from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from clhoi_mm.engine.hooks import hoi_visualization_hook as module
from clhoi_mm.registry import HOOKS
from tests.test_models.utils import make_sample


@pytest.fixture
def drawn(monkeypatch):
    """Record the names and targets passed to the visualizer."""
    calls = []

    def add_datasample(name, image, out_file=None, **_):
        assert image.shape == (8, 9, 3)
        calls.append((name, out_file))

    monkeypatch.setattr(
        module.Visualizer,
        'get_current_instance',
        lambda: SimpleNamespace(add_datasample=add_datasample),
    )
    return calls


@pytest.fixture
def samples(tmp_path):
    samples = [make_sample(img_id=i) for i in range(5)]
    for i, sample in enumerate(samples):
        path = str(tmp_path / f'{i}.png')
        cv2.imwrite(path, np.zeros((8, 9, 3), np.uint8))
        sample.set_metainfo(dict(img_path=path))
    return samples


def run(hook, samples, mode):
    getattr(hook, f'before_{mode}_epoch')(None)
    runner = SimpleNamespace(iter=7)
    for first in (0, 2, 4):
        getattr(hook, f'after_{mode}_iter')(
            runner, first, {}, samples[first : first + 2]
        )


@pytest.mark.parametrize('mode', ['val', 'test'])
def test_every_nth_image_in_each_epoch(drawn, samples, mode):
    hook = HOOKS.build(
        dict(type='HOIVisualizationHook', draw=True, interval=2)
    )
    for _ in range(2):
        run(hook, samples, mode)
    assert drawn == [(f'{mode}_{i}', None) for i in (0, 2, 4)] * 2


def test_test_pictures_are_written_to_a_folder(drawn, samples, tmp_path):
    out_dir = tmp_path / 'a' / 'b'
    hook = module.HOIVisualizationHook(
        draw=True, interval=3, test_out_dir=str(out_dir)
    )
    run(hook, samples, 'test')
    assert [out for _, out in drawn] == [
        str(out_dir / '0.png'),
        str(out_dir / '3.png'),
    ]
    assert out_dir.is_dir()


def test_off_by_default(drawn, samples):
    run(module.HOIVisualizationHook(), samples, 'test')
    assert not drawn
