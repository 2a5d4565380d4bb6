import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import RepeatDataset
from mmengine.registry import init_default_scope

from clhoi_mm.datasets import HICODetDataset
from clhoi_mm.datasets.transforms import CachedTransforms
from clhoi_mm.engine import RememberImagesHook
from tests.data_utils import write_tiny
from tests.tool_utils import MINI

STEPS = [
    dict(type='LoadImage', orientation='stored'),
    dict(type='LoadHOIAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackHOIInputs'),
]


@pytest.fixture
def build(tmp_path):
    """Build a data set of five images."""
    init_default_scope('clhoi_mm')
    write_tiny(tmp_path)
    return lambda steps: HICODetDataset(
        'annotations/train.json',
        data_root=str(tmp_path),
        data_prefix=dict(img=''),
        pipeline=steps,
    )


def begin_training(dataset):
    """Run the hook on a data set; return its log."""
    logged = []
    RememberImagesHook(max_images=100).before_train(
        SimpleNamespace(
            train_dataloader=SimpleNamespace(dataset=dataset),
            logger=SimpleNamespace(info=logged.append, level=logging.INFO),
        )
    )
    return logged


@pytest.mark.parametrize(
    'loader', [STEPS[0], dict(type='LoadImageFromFile')], ids=['ours', 'mmcv']
)
def test_images_are_read_once(build, tmp_path, loader):
    steps = [loader, *STEPS[1:]]
    plain, dataset = build(steps), build(steps)
    # In a wrapper, as some configs have it.
    assert begin_training(RepeatDataset(dataset, 2)) == []
    expected = {}
    for epoch in range(8):
        for data in (plain, dataset):
            data.set_epoch(epoch)
        for i in range(5):
            expected[epoch, i] = plain[i]
            assert torch.equal(
                dataset[i]['inputs'], expected[epoch, i]['inputs']
            )
    for path in tmp_path.rglob('*.png'):
        path.unlink()
    for (epoch, i), item in expected.items():
        dataset.set_epoch(epoch)
        assert torch.equal(dataset[i]['inputs'], item['inputs'])


def test_random_steps_are_not_cached(build):
    dataset = build(
        [*STEPS[:-1], dict(type='PhotoMetricDistortion'), STEPS[-1]]
    )
    pipeline = dataset.pipeline
    (message,) = begin_training(dataset)
    assert 'every epoch' in message and 'PhotoMetricDistortion' in message
    assert dataset.pipeline is pipeline


def test_without_images_there_is_nothing_to_cache(build):
    dataset = build([dict(type='LoadImageSize'), *STEPS[1:]])
    pipeline = dataset.pipeline
    assert begin_training(dataset) == []
    assert dataset.pipeline is pipeline


def test_the_mini_config_has_cached_steps(build):
    steps = Config.fromfile(MINI).train_dataloader.dataset.pipeline
    dataset = build([s for s in steps if s.type != 'LoadTeacherKnowledge'])
    assert begin_training(dataset) == []
    assert isinstance(dataset.pipeline, CachedTransforms)
