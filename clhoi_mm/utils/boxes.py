"""IoU of boxes, with numpy alone."""

from typing import Optional

import numpy as np


def aligned_ious(
    bboxes1: np.ndarray,
    bboxes2: np.ndarray,
    pixel: float = 0.0,
    min_extent: Optional[float] = None,
) -> np.ndarray:
    """Compute the IoU of each row's two boxes.

    Args:
        bboxes1 (np.ndarray): Boxes as (x1, y1, x2, y2) in pixels, (K, 4).
        bboxes2 (np.ndarray): Boxes of the same form, (K, 4).
        pixel (float): Added to each width and height. 0 for continuous
            boxes; 1 where x2 and y2 are the last pixel inside, or where a
            protocol treats them as such. Defaults to 0.
        min_extent (float, optional): Boxes are disjoint unless ``x2 - x1``
            and ``y2 - y1`` of their intersection are greater. Defaults to
            None: -``pixel``.

    Returns:
        np.ndarray: (K,) float64; 0 where a box has no area, NaN where one is
        NaN.
    """
    x11, y11, x12, y12 = _columns(bboxes1)
    x21, y21, x22, y22 = _columns(bboxes2)
    widths = np.minimum(x12, x22) - np.maximum(x11, x21)
    heights = np.minimum(y12, y22) - np.maximum(y11, y21)
    if min_extent is None:
        min_extent = -pixel
    disjoint = (widths <= min_extent) | (heights <= min_extent)
    inter = (widths + pixel) * (heights + pixel)
    inter[disjoint] = 0

    def area(
        x1: np.ndarray, y1: np.ndarray, x2: np.ndarray, y2: np.ndarray
    ) -> np.ndarray:
        return (x2 - x1 + pixel).clip(min=0) * (y2 - y1 + pixel).clip(min=0)

    union = area(x11, y11, x12, y12) + area(x21, y21, x22, y22) - inter
    return np.divide(inter, union, out=np.zeros_like(inter), where=union != 0)


def pairwise_ious(bboxes1: np.ndarray, bboxes2: np.ndarray) -> np.ndarray:
    """Compute the IoU of all pairs of boxes, (N, M)."""
    num1, num2 = len(bboxes1), len(bboxes2)
    return aligned_ious(
        np.repeat(bboxes1, num2, axis=0), np.tile(bboxes2, (num1, 1))
    ).reshape(num1, num2)


def _columns(bboxes: np.ndarray) -> np.ndarray:
    """Split boxes into four contiguous rows of coordinates, float64."""
    return np.ascontiguousarray(bboxes.T, dtype=np.float64)
