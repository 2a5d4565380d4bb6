import pytest
import torch
from mmengine.registry import init_default_scope

from clhoi_mm.datasets import HICODetDataset
from clhoi_mm.datasets.transforms import LoadImageSize
from tests.data_utils import write_tiny

STEPS = [
    dict(type='LoadHOIAnnotations'),
    dict(type='LoadDetections', source='ground_truth'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackHOIInputs'),
]


@pytest.fixture
def build(tmp_path):
    """Build a data set of five images."""
    init_default_scope('clhoi_mm')
    write_tiny(tmp_path)
    return lambda *steps, **options: HICODetDataset(
        'annotations/train.json',
        data_root=str(tmp_path),
        data_prefix=dict(img=''),
        pipeline=list(steps),
        **options,
    )


def assert_same_samples(one, two):
    for key in ('key', 'ori_shape', 'img_shape', 'flip', 'flip_direction'):
        assert one.get(key) == two.get(key)
    for field in ('gt_instances', 'gt_hois', 'detections'):
        for key, value in one.get(field).items():
            assert torch.equal(value, two.get(field)[key]), (field, key)


def test_samples_equal_those_with_the_image(build, tmp_path):
    read = build(dict(type='LoadImage', orientation='stored'), *STEPS)
    sized = build(dict(type='LoadImageSize'), *STEPS)
    expected = [
        [read[i]['data_samples'] for i in range(5)]
        for epoch in range(3)
        if read.set_epoch(epoch) is None
    ]
    for path in (tmp_path / 'train').iterdir():
        path.unlink()  # The image is not read.
    flips = set()
    for epoch, samples in enumerate(expected):
        sized.set_epoch(epoch)
        for i, sample in enumerate(samples):
            found = sized[i]
            assert found['inputs'].shape == (3, 1, 1)
            assert_same_samples(found['data_samples'], sample)
            flips.add(sample.flip)
    assert flips == {True, False}


def test_placeholder_image_takes_no_memory():
    results = LoadImageSize()(dict(height=4000, width=6000))
    assert results['img_shape'] == results['ori_shape'] == (4000, 6000)
    assert not any(results['img'].strides)


def test_views_are_cached(build):
    plain = build(dict(type='LoadImageSize'), *STEPS)
    caching_model = build(
        dict(type='LoadImageSize'), dict(type='CachedTransforms', steps=STEPS)
    )
    seen = set()
    for epoch in range(8):
        for data in (plain, caching_model):
            data.set_epoch(epoch)
        for i in range(5):
            sample = caching_model[i]['data_samples']
            assert_same_samples(sample, plain[i]['data_samples'])
            seen.add(id(sample))
    assert len(seen) == 10


@pytest.mark.parametrize(
    'step',
    [
        dict(type='Resize', scale=(192, 128)),
        dict(type='RandomCrop', crop_size=(30, 30), allow_negative_crop=True),
        dict(type='PhotoMetricDistortion'),
        dict(type='RandomAffine', border_val=(0, 0, 0)),
    ],
)
def test_other_augmentation_is_refused(build, step):
    data = build(dict(type='LoadImageSize'), *STEPS[:2], step, STEPS[3])
    with pytest.raises(RuntimeError, match='LoadImageSize reads no image'):
        data[0]


def test_missing_size_is_an_error():
    with pytest.raises(KeyError, match='a.png: LoadImageSize takes height'):
        LoadImageSize()(dict(img_path='a.png'))
