from collections import Counter

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope, init_default_scope

from clhoi_mm.datasets import DetectionFileWriter, HICODetDataset
from clhoi_mm.datasets.transforms import (
    CachedTransforms,
    LoadHOIAnnotations,
    PackHOIInputs,
)
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import tiny_scenes, write_tiny

STEPS = [
    dict(type='LoadHOIAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackHOIInputs'),
]


@pytest.fixture
def build(tmp_path):
    """Build a data set of five images with cached features."""
    init_default_scope('clhoi_mm')
    write_tiny(tmp_path)
    path = tmp_path / 'f.safetensors'
    nothing = dict(bboxes=np.zeros((0, 4)), labels=[], scores=[])
    with DetectionFileWriter(
        path,
        {},
        HOIVocabulary.load('hico_det').objects,
        dict(roi_extractor=None),
    ) as writer:
        for scene in tiny_scenes():
            for flipped in (False, True):
                writer.add(
                    scene['file_name'],
                    flipped,
                    [(64, 96)] * 3,
                    (1.0, 1.0),
                    nothing,
                    [np.zeros((1, 1, 1))],
                    np.zeros((0, 4)),
                    np.zeros((0, 1, 1, 1)),
                )
    return lambda steps: HICODetDataset(
        'annotations/train.json',
        data_root=str(tmp_path),
        data_prefix=dict(img=''),
        pipeline=[dict(type='LoadDetectorFeatures', file=str(path)), *steps],
    )


def test_cached_views_equal_the_computed_ones(build):
    plain = build(STEPS)
    cached = build([dict(type='CachedTransforms', steps=STEPS)])
    seen = set()
    for epoch in range(8):
        for data in (plain, cached):
            data.set_epoch(epoch)
        for i in range(5):
            sample = cached[i]['data_samples']
            expected = plain[i]['data_samples']
            assert sample.key == expected.key
            assert sample.flip == expected.flip
            assert sample.detector_view.row == expected.detector_view.row
            assert torch.equal(
                sample.gt_instances.bboxes, expected.gt_instances.bboxes
            )
            seen.add(id(sample))
    # Ten views among forty accesses; most accesses hit the cache.
    assert len(seen) == 10


def test_images_are_not_cached():
    init_default_scope('clhoi_mm')
    with pytest.raises(RuntimeError, match='goes with LoadDetectorFeatures'):
        CachedTransforms(STEPS)(dict(key='a.png'))


@pytest.mark.parametrize('max_images, kept', [(100, 10), (3, 3), (0, 0)])
def test_cache_size_limits_the_images(tmp_path, max_images, kept):
    init_default_scope('clhoi_mm')
    write_tiny(tmp_path)
    steps = [dict(type='LoadImageFromFile'), *STEPS]
    plain, cached = (
        HICODetDataset(
            'annotations/train.json',
            data_root=str(tmp_path),
            data_prefix=dict(img=''),
            pipeline=pipeline,
        )
        for pipeline in (
            steps,
            [
                dict(
                    type='CachedTransforms', steps=steps, max_images=max_images
                )
            ],
        )
    )
    seen, alive = Counter(), []
    for epoch in range(20):
        for data in (plain, cached):
            data.set_epoch(epoch)
        for i in range(5):
            view, expected = cached[i], plain[i]
            assert torch.equal(view['inputs'], expected['inputs'])
            assert view['data_samples'].flip == expected['data_samples'].flip
            seen[id(view)] += 1
            # Freed memory may be reused at the same address.
            alive.append(view)
    assert sum(n > 1 for n in seen.values()) == kept


def test_random_steps_are_refused():
    with pytest.raises(ValueError, match='PhotoMetricDistortion is not known'):
        CachedTransforms([*STEPS, dict(type='PhotoMetricDistortion')])
    # Random steps inside a wrapper are refused as well.
    nested = dict(type='RandomApply', prob=1.0, transforms=STEPS[1:2])
    with pytest.raises(ValueError, match='RandomApply is not known'):
        CachedTransforms([nested, *STEPS])

    class Drawing(PackHOIInputs):
        """Transform that is not known to be deterministic."""

    with pytest.raises(ValueError, match='Drawing is not known'):
        CachedTransforms([Drawing()])
    CachedTransforms([Drawing()], deterministic=['Drawing'])


def test_steps_are_built_in_the_package_scope():
    with DefaultScope.overwrite_default_scope('mmengine'):
        step = CachedTransforms(STEPS).steps.transforms[0]
    assert type(step) is LoadHOIAnnotations
