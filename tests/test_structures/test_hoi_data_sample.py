import pickle

import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData

from clhoi_mm.structures import HOIDataSample


def make_sample():
    sample = HOIDataSample(metainfo=dict(img_id=3, key='a'))
    sample.gt_hois = InstanceData(human_inds=torch.tensor([0]))
    sample.pred_hois = InstanceData(scores=torch.zeros(0))
    sample.gt_persons = InstanceData(bboxes=torch.zeros(2, 4))
    sample.detections = InstanceData(bboxes=torch.zeros(5, 4))
    sample.teacher = BaseDataElement(
        caption_embed=torch.ones(3), scores=torch.ones(2), valid=True
    )
    sample.image_hoi_labels = torch.tensor([4, 9])
    return sample


def test_to_dict_has_plain_types():
    plain = make_sample().to_dict()
    assert plain['img_id'] == 3 and plain['key'] == 'a'
    assert set(plain) == {
        'img_id',
        'key',
        'gt_hois',
        'pred_hois',
        'gt_persons',
        'detections',
        'teacher',
        'image_hoi_labels',
    }
    for name in ('gt_hois', 'gt_persons', 'detections', 'teacher'):
        assert type(plain[name]) is dict
    assert plain['teacher']['valid'] is True
    assert plain['image_hoi_labels'].tolist() == [4, 9]


def test_to_the_same_device_does_not_copy():
    sample = make_sample()
    assert sample.to('cpu') is sample
    assert sample.to(torch.device('cpu'), non_blocking=True) is sample
    # If one tensor is on another device, all are moved.
    sample.teacher.scores = sample.teacher.scores.to('meta')
    moved = sample.to('meta')
    assert moved is not sample and moved.img_id == 3
    assert moved.teacher.caption_embed.is_meta
    assert moved.gt_persons.bboxes.is_meta
    assert not sample.gt_persons.bboxes.is_meta
    half = make_sample().to('cpu', dtype=torch.float16)
    assert half.teacher.scores.dtype == torch.float16


def test_moves_and_pickles_with_all_its_parts():
    sample = pickle.loads(pickle.dumps(make_sample()))
    sample = sample.to(torch.float64)
    assert sample.teacher.caption_embed.dtype == torch.float64
    assert len(sample.detections) == 5 and len(sample.gt_persons) == 2
    del sample.detections
    assert 'detections' not in sample


@pytest.mark.parametrize(
    'field',
    [
        'gt_hois',
        'pred_hois',
        'gt_persons',
        'detections',
        'teacher',
        'image_hoi_labels',
    ],
)
def test_refuses_other_types(field):
    with pytest.raises(AssertionError, match='should be a'):
        setattr(HOIDataSample(), field, [1])
