"""Repetitions of an image within an epoch."""

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from clhoi_mm.datasets import HICODetDataset
from clhoi_mm.registry import DATASETS
from tests.data_utils import write_tiny


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    init_default_scope('clhoi_mm')
    ann_file = write_tiny(tmp_path_factory.mktemp('tiny'))
    return dict(
        type='HICODetDataset',
        ann_file=str(ann_file),
        data_prefix=dict(img=str(ann_file.parents[1])),
        pipeline=[
            dict(type='LoadImage', orientation='stored'),
            dict(type='PhotoMetricDistortion'),
            dict(type='PackHOIInputs'),
        ],
    )


def pixels(dataset, indices):
    return [np.asarray(dataset[i]['inputs']).tobytes() for i in indices]


@pytest.mark.parametrize(
    'wrapper',
    [
        dict(type='RepeatDataset', times=3),
        # Classes occur in one to three of five images, so all repeat.
        dict(type='ClassBalancedDataset', oversample_thr=1.0),
    ],
)
def test_each_repetition_has_its_own_augmentation(config, wrapper):
    dataset = DATASETS.build(dict(wrapper, dataset=config))
    inner = dataset.dataset
    assert isinstance(inner, HICODetDataset)
    rows = [dataset._get_ori_dataset_idx(i) for i in range(len(dataset))]
    assert len(set(rows)) == 5 < len(rows)
    found = pixels(dataset, range(len(dataset)))
    # The first equals the plain data set's sample, all of them differ, and
    # they are reproducible.
    for row, once in enumerate(pixels(inner, range(5))):
        assert found[rows.index(row)] == once
    assert len(set(found)) == len(found)
    assert pixels(dataset, range(len(dataset))) == found
    inner.set_epoch(1)
    assert not set(pixels(dataset, range(len(dataset)))) & set(found)
    inner.set_epoch(0)
