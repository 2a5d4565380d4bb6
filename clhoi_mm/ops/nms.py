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
        # max(x1) and min(x2 + 1) give widths of x2 - x1 + 1, exactly.
        boxes = boxes + boxes.new_tensor([0, 0, offset, offset])
    # In the boxes' precision, as mmcv compares: 3 / 10 is not above 0.3.
    iou_threshold = torch.tensor(iou_threshold, dtype=boxes.dtype).item()
    # Ties in mmcv's order, which torchvision's stable sort keeps.
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
    """Decay scores by the overlap with better boxes.

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
    ious = _pairwise_ious(boxes, offset)
    if method == 0:
        decay = (ious < iou_threshold).float()
    elif method == 1:
        decay = torch.where(ious >= iou_threshold, 1 - ious, 1.0)
    else:
        decay = ious.mul_(ious).div_(-sigma).exp_()
    decay = decay.numpy()
    left = scores.detach().float().numpy().copy()
    is_out = np.zeros(len(left), dtype=bool)
    inds, kept_scores = [], []
    while not is_out.all():
        best = np.where(is_out, -np.inf, left).argmax()
        inds.append(best)
        kept_scores.append(left[best])
        left *= decay[best]
        is_out |= left < min_score
        is_out[best] = True
    inds = torch.tensor(np.array(inds, dtype=np.int64))
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
    order = dets[:, 4].argsort(descending=True, stable=True)
    overlaps = _pairwise_ious(dets[order, :4], 0) >= iou_threshold
    order, overlaps = order.numpy(), overlaps.numpy()
    is_free = np.ones(len(order), dtype=bool)
    groups = []
    for best in range(len(order)):
        if is_free[best]:
            is_free[best] = False
            group = np.flatnonzero(overlaps[best] & is_free)
            is_free[group] = False
            groups.append([int(order[best]), *order[group].tolist()])
    return groups


def _pairwise_ious(boxes: Tensor, offset: int) -> Tensor:
    """Compute pairwise IoUs, NaN without area, (N, N) float32."""
    x1, y1, x2, y2 = boxes.detach().float().T.contiguous()
    inter = _overlaps(x1, x2 + offset).mul_(_overlaps(y1, y2 + offset))
    areas = (x2 - x1 + offset) * (y2 - y1 + offset)
    return inter.div_((areas[:, None] + areas).sub_(inter))


def _overlaps(low: Tensor, high: Tensor) -> Tensor:
    """Compute the length that each two intervals share, (N, N)."""
    ends = torch.minimum(high[:, None], high)
    return ends.sub_(torch.maximum(low[:, None], low)).clamp_(min=0)
