"""Non-maximum suppression: hard, soft (arXiv 1704.04503) and grouped."""

from typing import List

import numpy as np
import torch
import torchvision
from torch import Tensor

from clhoi_mm.ops.dtypes import to_supported


def nms(
    boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int
) -> Tensor:
    """Keep boxes that no better box overlaps.

    Args:
        boxes (Tensor): (N, 4), x1, y1, x2, y2 in pixels.
        scores (Tensor): (N,).
        iou_threshold (float): Overlaps above it are suppressed.
        offset (int): 1 where a box includes its last pixel, else 0.

    Returns:
        Tensor: Indices of the kept boxes by descending score, int64.
    """
    boxes = to_supported(boxes)
    if offset:
        # Exact: max(x1) and min(x2 + 1) give widths of x2 - x1 + 1.
        boxes = boxes + boxes.new_tensor([0, 0, offset, offset])
    # In the boxes' precision, as mmcv compares: 3 / 10 is not above 0.3.
    iou_threshold = torch.tensor(iou_threshold, dtype=boxes.dtype).item()
    # Equal scores in mmcv's order; torchvision's stable sort leaves it.
    ranked, order = scores.to(boxes.dtype).sort(descending=True)
    return order[torchvision.ops.nms(boxes[order], ranked, iou_threshold)]


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Decay the scores of boxes by their overlap with better ones.

    Sequential by definition; each step is vectorized over the boxes left.

    Args:
        boxes (Tensor): (N, 4) on the CPU, in pixels.
        scores (Tensor): (N,).
        dets (Tensor): (N, 5), its first rows receive the kept boxes with
            their decayed scores, by descending score.
        iou_threshold (float): From this overlap on, methods 0 and 1 decay.
        sigma (float): Width of method 2.
        min_score (float): Boxes that fall below it are dropped.
        method (int): 0 sets to zero, 1 is linear, 2 is Gaussian.
        offset (int): 1 where a box includes its last pixel, else 0.

    Returns:
        Tensor: Indices of the kept boxes, int64.
    """
    boxes_left = boxes.detach().float().numpy()
    scores_left = scores.detach().float().numpy().copy()
    inds_left = np.arange(len(boxes_left))
    inds, kept_scores = [], []
    while len(inds_left):
        best = scores_left.argmax()
        inds.append(inds_left[best])
        kept_scores.append(scores_left[best])
        ious = _ious_with(boxes_left, best, offset)
        if method == 0:
            scores_left[ious >= iou_threshold] = 0
        elif method == 1:
            scores_left *= np.where(ious >= iou_threshold, 1 - ious, 1)
        else:
            scores_left *= np.exp(-(ious * ious) / np.float32(sigma))
        left = scores_left >= min_score
        left[best] = False
        boxes_left, scores_left = boxes_left[left], scores_left[left]
        inds_left = inds_left[left]
    inds = torch.tensor(inds, dtype=torch.int64)
    dets[: len(inds), :4] = boxes[inds].to(dets)
    dets[: len(inds), 4] = torch.tensor(np.array(kept_scores)).to(dets)
    return inds


def nms_match(dets: Tensor, iou_threshold: float) -> List[List[int]]:
    """Group boxes with the better box that suppresses them.

    Args:
        dets (Tensor): (N, 5) on the CPU, boxes in pixels and scores.
        iou_threshold (float): From this overlap on a box is suppressed.

    Returns:
        list[list[int]]: Indices of each group, the kept box first.
    """
    order = dets[:, 4].argsort(descending=True, stable=True).numpy()
    boxes = dets[:, :4].detach().float().numpy()[order]
    groups = []
    while len(order):
        member = _ious_with(boxes, 0, 0) >= iou_threshold
        member[0] = True
        groups.append(order[member].tolist())
        order, boxes = order[~member], boxes[~member]
    return groups


def _ious_with(boxes: np.ndarray, index: int, offset: int) -> np.ndarray:
    """Compute the IoU of all boxes, (N, 4), with one of them, (N,)."""
    sizes = np.maximum(
        np.minimum(boxes[:, 2:], boxes[index, 2:])
        - np.maximum(boxes[:, :2], boxes[index, :2])
        + offset,
        0,
    )
    inter = sizes[:, 0] * sizes[:, 1]
    sides = boxes[:, 2:] - boxes[:, :2] + offset
    areas = sides[:, 0] * sides[:, 1]
    with np.errstate(divide='ignore', invalid='ignore'):
        return inter / (areas + areas[index] - inter)
