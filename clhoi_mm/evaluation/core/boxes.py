"""Overlaps of boxes that are already paired row by row."""
import numpy as np


def aligned_ious(bboxes1: np.ndarray, bboxes2: np.ndarray) -> np.ndarray:
    """IoU of each row's two boxes.

    Boxes are continuous, so a width is ``x2 - x1``.

    Args:
        bboxes1 (np.ndarray): Boxes as (x1, y1, x2, y2) in pixels, (K, 4).
        bboxes2 (np.ndarray): Likewise, (K, 4).

    Returns:
        np.ndarray: (K,) float64 in [0, 1]; 0 where a box has no area.
    """
    bboxes1 = bboxes1.astype(np.float64, copy=False)
    bboxes2 = bboxes2.astype(np.float64, copy=False)

    def area(top_left: np.ndarray, bottom_right: np.ndarray) -> np.ndarray:
        return (bottom_right - top_left).clip(min=0).prod(axis=1)

    inter = area(
        np.maximum(bboxes1[:, :2], bboxes2[:, :2]),
        np.minimum(bboxes1[:, 2:], bboxes2[:, 2:]))
    union = area(bboxes1[:, :2], bboxes1[:, 2:]) + area(
        bboxes2[:, :2], bboxes2[:, 2:]) - inter
    return np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)


def pair_overlaps(sub_bboxes1: np.ndarray, obj_bboxes1: np.ndarray,
                  sub_bboxes2: np.ndarray,
                  obj_bboxes2: np.ndarray) -> np.ndarray:
    """The smaller of the persons' and the objects' IoU, row by row.

    Args:
        sub_bboxes1 (np.ndarray): Persons of the first pairs, (K, 4) xyxy.
        obj_bboxes1 (np.ndarray): Objects of the first pairs, (K, 4) xyxy.
        sub_bboxes2 (np.ndarray): Persons of the second pairs, (K, 4) xyxy.
        obj_bboxes2 (np.ndarray): Objects of the second pairs, (K, 4) xyxy.

    Returns:
        np.ndarray: (K,) float64 in [0, 1].
    """
    return np.minimum(
        aligned_ious(sub_bboxes1, sub_bboxes2),
        aligned_ious(obj_bboxes1, obj_bboxes2))
