"""Non-maximum suppression equals its definition."""

import numpy as np
import pytest
import torch
from mmcv.ops import batched_nms, nms_match, soft_nms
from mmcv.ops import nms as mmcv_nms

from clhoi_mm.ops import nms
from tests.test_ops import literal

METHODS = ('naive', 'linear', 'gaussian')


def random_boxes(number: int, seed: int) -> tuple:
    """Draw often overlapping boxes with distinct scores."""
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 12, (number, 2))
    boxes = np.concatenate(
        [corner, corner + rng.integers(9, 15, (number, 2))], 1
    )
    scores = rng.permutation(number) / number
    return torch.tensor(boxes, dtype=torch.float32), torch.tensor(
        scores
    ).float()


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.3, 0.5, 0.8])
@pytest.mark.parametrize(
    'dtype', [torch.float32, torch.float64, torch.bfloat16]
)
def test_nms(offset, threshold, dtype) -> None:
    for seed in range(5):
        boxes, scores = random_boxes(60, seed)
        kept = nms.nms(boxes.to(dtype), scores.double(), threshold, offset)
        wanted = literal.nms(
            boxes.tolist(), scores.tolist(), threshold, offset
        )
        assert kept.tolist() == wanted
        assert 0 < len(wanted) < 60


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('method', METHODS)
def test_soft_nms(method, offset) -> None:
    for seed in range(5):
        boxes, scores = random_boxes(60, seed)
        dets, inds = soft_nms(
            boxes, scores, 0.3, 0.4, 0.02, method=method, offset=offset
        )
        wanted = literal.soft_nms(
            boxes.tolist(), scores.tolist(), 0.3, 0.4, 0.02, method, offset
        )
        assert inds.tolist() == [index for index, _ in wanted]
        assert dets[:, :4].equal(boxes[inds])
        torch.testing.assert_close(
            dets[:, 4], torch.tensor([score for _, score in wanted])
        )
        assert 0 < len(wanted) < 60


def test_soft_nms_keeps_its_first_box_at_any_score() -> None:
    boxes, _ = random_boxes(3, 0)
    dets, inds = soft_nms(boxes, torch.tensor([1e-5, 1e-6, 2e-5]))
    assert inds.tolist() == [2]
    assert dets[0, 4].item() == pytest.approx(2e-5)


@pytest.mark.parametrize('threshold', [0.2, 0.5])
def test_nms_match(threshold) -> None:
    for seed in range(5):
        boxes, scores = random_boxes(40, seed)
        groups = nms_match(torch.cat([boxes, scores[:, None]], 1), threshold)
        assert [group.tolist() for group in groups] == literal.nms_match(
            boxes.tolist(), scores.tolist(), threshold
        )


def test_mmcv_functions_reach_the_operators() -> None:
    boxes, scores = random_boxes(60, 1)
    dets, inds = mmcv_nms(boxes, scores, 0.5, max_num=7, score_threshold=0.2)
    wanted = literal.nms(boxes.tolist(), scores.tolist(), 0.5, 0)
    assert inds.tolist() == [i for i in wanted if scores[i] > 0.2][:7]
    classes = torch.arange(60) % 3
    for config in (
        dict(type='nms', iou_threshold=0.5),
        dict(type='soft_nms', iou_threshold=0.3, min_score=0.05),
    ):
        dets, inds = batched_nms(boxes, scores, classes, config)
        assert len(dets) == len(inds) and set(classes[inds].tolist()) == {
            0,
            1,
            2,
        }


def test_no_boxes() -> None:
    boxes, scores = torch.zeros(0, 4), torch.zeros(0)
    assert nms.nms(boxes, scores, 0.5, 0).shape == (0,)
    assert nms.nms(boxes, scores, 0.5, 1).dtype == torch.int64
    for method in METHODS:
        dets, inds = soft_nms(boxes, scores, method=method)
        assert dets.shape == (0, 5) and inds.shape == (0,)
    assert nms.nms_match(torch.zeros(0, 5), 0.5) == []


def test_boxes_without_area() -> None:
    boxes = torch.zeros(3, 4)
    scores = torch.tensor([0.3, 0.9, 0.5])
    assert nms.nms(boxes, scores, 0.5, 0).tolist() == [1, 2, 0]
    dets, inds = soft_nms(boxes, scores, min_score=0.1)
    assert inds.tolist() == [1, 2, 0] and dets[:, 4].equal(scores[inds])
