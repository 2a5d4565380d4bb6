"""Placement of labels without overlap."""

from typing import List, Optional, Sequence, Tuple

import numpy as np

# Maximum distance of a label from its anchor, in label heights.
MAX_DISTANCE = 6
# Cost, in label heights, of covering a box that should be fully visible.
COVER_COST = 6
# Maximum fraction of a face that a label may cover.
MAX_FACE_COVER = 0.2
# Space between labels, and to the edges, in label heights.
GAP = 0.12


def place_labels(
    sizes: Sequence[np.ndarray],
    anchors: Sequence[np.ndarray],
    area: Tuple[int, int],
    line_height: float,
    avoid: np.ndarray,
    faces: np.ndarray,
    taken: Sequence[np.ndarray] = (),
) -> List[Optional[np.ndarray]]:
    """Place labels successively, each close to its anchor.

    Labels do not overlap each other, stay inside the area, cover no face, and
    keep away from the boxes to avoid.

    Args:
        sizes (Sequence[np.ndarray]): Width and height of each label.
        anchors (Sequence[np.ndarray]): Anchor point of each label.
        area (tuple[int, int]): Width and height of the area.
        line_height (float): Height of a label of one line.
        avoid (np.ndarray): Boxes that should stay visible, (B, 4) xyxy.
        faces (np.ndarray): Boxes that must stay visible, (F, 4) xyxy.
        taken (Sequence[np.ndarray]): Boxes of other labels, (4,) xyxy.

    Returns:
        list[np.ndarray | None]: Box of each label, (4,) xyxy; None without
        free space near enough.
    """
    placed = np.array(taken, dtype=np.float64).reshape(-1, 4)
    gap = GAP * line_height
    around = gap * np.array([-1, -1, 1, 1])
    result = []
    for size, anchor in zip(sizes, anchors):
        boxes = _candidates(size, area, gap, step=line_height / 3)
        boxes = boxes[_distances(boxes, anchor) <= MAX_DISTANCE * line_height]
        boxes = boxes[~_overlap_areas(boxes, placed + around).any(axis=1)]
        boxes = boxes[(_covered(boxes, faces) <= MAX_FACE_COVER).all(axis=1)]
        if not len(boxes):
            result.append(None)
            continue
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2
        cost = (
            _distances(boxes, anchor)
            + 0.1 * np.linalg.norm(centers - anchor, axis=1)
        ) / line_height
        cost += COVER_COST * _covered(boxes, avoid).sum(axis=1)
        result.append(boxes[cost.argmin()])
        placed = np.concatenate([placed, result[-1][None]])
    return result


def _candidates(
    size: np.ndarray, area: Tuple[int, int], margin: float, step: float
) -> np.ndarray:
    """List candidate boxes of a size over the area, (K, 4)."""
    rooms = np.asarray(area) - size - 2 * margin
    if rooms.min() < 0:
        return np.zeros((0, 4))
    x, y = (
        margin + np.linspace(0, room, int(room / step) + 1) for room in rooms
    )
    corners = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return np.hstack([corners, corners + size])


def _overlap_areas(boxes1: np.ndarray, boxes2: np.ndarray) -> np.ndarray:
    """Compute the areas of all intersections, (N, M)."""
    sides = np.minimum(boxes1[:, None, 2:], boxes2[None, :, 2:]) - np.maximum(
        boxes1[:, None, :2], boxes2[None, :, :2]
    )
    return sides.clip(min=0).prod(axis=2)


def _covered(boxes: np.ndarray, avoid: np.ndarray) -> np.ndarray:
    """Compute the covered fraction of boxes to avoid, (N, B)."""
    areas = (avoid[:, 2:] - avoid[:, :2]).prod(axis=1).clip(min=1)
    return _overlap_areas(boxes, avoid) / areas


def _distances(boxes: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Compute distances of boxes to a point, 0 inside, (N,)."""
    outside = np.maximum(boxes[:, :2] - point, point - boxes[:, 2:])
    return np.linalg.norm(outside.clip(min=0), axis=1)
