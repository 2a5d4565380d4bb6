import copy

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes

from clhoi_mm.structures import TrackedBoxes


@pytest.fixture
def boxes():
    data = torch.arange(12.0).reshape(3, 4)
    data[:, 2:] += 10
    return TrackedBoxes(data, row_ids=[7, 3, 5])


@pytest.mark.parametrize(
    'index, expected',
    [
        (torch.tensor([2, 0]), [5, 7]),
        (np.array([False, True, True]), [3, 5]),
        (torch.tensor([True, False, False]), [7]),
        (slice(1, None), [3, 5]),
        ([1], [3]),
        (2, [5]),
        (np.zeros(0, np.int64), []),
    ],
)
def test_indexing_selects_ids(boxes, index, expected):
    assert boxes[index].require_row_ids().tolist() == expected


def test_copies_and_in_place_changes_keep_ids(boxes):
    boxes.flip_((50, 60))
    boxes.rescale_((2, 3))
    boxes.translate_((1, 1))
    boxes.clip_((80, 80))
    for same in (
        boxes,
        copy.deepcopy(boxes),
        boxes.clone(),
        boxes.cpu(),
        boxes.to(torch.float64),
        boxes.detach(),
        TrackedBoxes.cat(boxes.split(2)),
    ):
        assert same.require_row_ids().tolist() == [7, 3, 5]
        assert torch.equal(same.tensor.float(), boxes.tensor)
    assert isinstance(boxes.convert_to('hbox'), HorizontalBoxes)


def test_boxes_built_without_ids_are_an_error(boxes):
    for new in (
        TrackedBoxes(boxes.tensor),
        boxes.reshape(3, 4),
        boxes.repeat(2, 1),
    ):
        with pytest.raises(RuntimeError, match='lost their row ids'):
            new.require_row_ids()


def test_boxes_of_different_images_are_refused(boxes):
    with pytest.raises(RuntimeError, match='several images'):
        TrackedBoxes.cat([boxes, boxes.clone()])


def test_assignment_copies_ids(boxes):
    other = TrackedBoxes(torch.zeros(1, 4), row_ids=[9])
    kept = boxes.clone()
    boxes[1:2] = other
    assert boxes.row_ids.tolist() == [7, 9, 5]
    assert kept.row_ids.tolist() == [7, 3, 5]


def test_wrong_number_of_ids():
    with pytest.raises(ValueError, match='row ids'):
        TrackedBoxes(torch.zeros(2, 4), row_ids=[1])
