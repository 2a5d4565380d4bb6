"""Batches with unreadable images."""

import pytest
import torch
from mmengine.structures import InstanceData

from clhoi_mm.engine import UnreadableImages
from clhoi_mm.structures import HOIDataSample, no_predictions
from clhoi_mm.utils.image_reader import UnreadableImage


def sample(name, **meta):
    return HOIDataSample(metainfo=dict(img_path=name, **meta))


def step(batch):
    """Predict like a model, which must get readable inputs only."""
    assert all(len(x) > 1 for x in batch['inputs'])
    for each in batch['data_samples']:
        each.pred_hois = InstanceData(scores=torch.ones(3))
    return batch['data_samples']


def batch_of(*samples):
    return dict(
        inputs=[torch.zeros(1 if 'unreadable' in s else 3) for s in samples],
        data_samples=list(samples),
    )


def test_models_get_readable_images_only_in_order():
    images = UnreadableImages()
    found = images.predict(
        step,
        batch_of(
            sample('a', unreadable='a: cut'),
            sample('b'),
            sample('c', unreadable='c: cut'),
            sample('d'),
        ),
    )
    assert [s.img_path for s in found] == ['a', 'b', 'c', 'd']
    assert [len(s.pred_hois.scores) for s in found] == [0, 3, 0, 3]
    assert images.reasons == dict(a='a: cut', c='c: cut')
    images.check(4)
    images.predict(step, batch_of(sample('e', unreadable='e: cut')))
    assert len(images) == 3
    with pytest.raises(UnreadableImage, match='none of 3 .* first: a: cut'):
        images.check(3)


def test_readable_batch_is_unchanged():
    batch = batch_of(sample('a'), sample('b'))
    assert UnreadableImages().predict(lambda x: x, batch) is batch


def test_no_predictions_has_all_prediction_fields():
    empty = no_predictions()
    assert len(empty) == 0 and empty.human_bboxes.shape == (0, 4)
    assert empty.verb_labels.dtype == torch.int64
    assert set(empty.keys()) == {
        'human_bboxes',
        'object_bboxes',
        'object_labels',
        'verb_labels',
        'hoi_labels',
        'scores',
        'human_scores',
        'object_scores',
    }
