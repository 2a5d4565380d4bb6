"""Sample points of RoI bins, for maximum pooling."""

from dataclasses import dataclass
from typing import Iterator, List, Tuple

import torch
from torch import Tensor

# Number of values gathered at once; 2**24 float32 take 64 MB.
CHUNK_VALUES = 2**24


@dataclass
class GridAxis:
    """Sample points along one axis, ragged over RoIs.

    Args:
        points (Tensor): (R, bins, S), coordinates in cells of the map.
        used (Tensor): (R, bins, S), bool, False where a bin has fewer points
            than the largest one. The used ones come first.
    """

    points: Tensor
    used: Tensor

    def select(self, rois: Tensor) -> 'GridAxis':
        """Select RoIs, cropped to their largest bin's points."""
        used = self.used[rois]
        most = max(1, int(used.sum(-1).max()))
        return GridAxis(self.points[rois, :, :most], used[:, :, :most])


def split_by_size(
    rows: GridAxis, cols: GridAxis, channels: int
) -> Iterator[Tuple[Tensor, GridAxis, GridAxis]]:
    """Split RoIs into groups that fit into memory.

    Args:
        rows (GridAxis): The y axis of all RoIs.
        cols (GridAxis): The x axis of all RoIs.
        channels (int): Channels of the map.

    Yields:
        tuple: Indices of a group of RoIs, and their axes.
    """
    if not len(rows.used):
        return
    side = torch.maximum(
        rows.used.sum(-1).amax(-1), cols.used.sum(-1).amax(-1)
    )
    order = side.argsort()
    bins = rows.points.size(1) * cols.points.size(1) * channels
    group = (side[order] ** 2 * bins).cumsum(0) // CHUNK_VALUES
    sizes = group.unique_consecutive(return_counts=True)[1].tolist()
    for rois in order.split(sizes):
        yield rois, rows.select(rois), cols.select(rois)


def to_channels_last(input: Tensor) -> Tensor:
    """Copy (N, C, H, W) to contiguous (N, H, W, C)."""
    return input.permute(0, 2, 3, 1).contiguous()


def cross(y: Tensor, x: Tensor) -> Tuple[Tensor, Tensor]:
    """Align values of two axes to broadcast to a grid.

    Args:
        y (Tensor): (R, bins_y, Sy).
        x (Tensor): (R, bins_x, Sx).

    Returns:
        tuple[Tensor]: Both with the dimensions (R, bins_y, bins_x, Sy, Sx).
    """
    return y[:, :, None, :, None], x[:, None, :, None]


def gather(feats: Tensor, batch: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Gather a map's values at each RoI's grid points.

    Args:
        feats (Tensor): (N, H, W, C).
        batch (Tensor): (R,), the image of each RoI.
        y (Tensor): (R, bins_y, Sy), rows, int64.
        x (Tensor): (R, bins_x, Sx), columns, int64.

    Returns:
        Tensor: (R, bins_y, bins_x, Sy, Sx, C).
    """
    y, x = cross(y, x)
    return feats[batch[:, None, None, None, None], y, x]


def max_over_bins(
    values: Tensor, rows: GridAxis, cols: GridAxis
) -> Tuple[Tensor, Tensor, Tensor]:
    """Find each bin's maximum and where it was sampled.

    Args:
        values (Tensor): (R, bins_y, bins_x, Sy, Sx, C), is overwritten.
        rows (GridAxis): The y axis.
        cols (GridAxis): The x axis.

    Returns:
        tuple[Tensor]: Maxima and their y and x coordinates, each (R, C,
        bins_y, bins_x); -inf where a bin has no point.
    """
    has_y, has_x = cross(rows.used, cols.used)
    values.masked_fill_(~(has_y & has_x)[..., None], -torch.inf)
    best, index = values.flatten(3, 4).max(3)
    results = [best]
    for points in torch.broadcast_tensors(*cross(rows.points, cols.points)):
        results.append(points.flatten(3).gather(3, index))
    return tuple(tensor.movedim(3, 1) for tensor in results)


def bilinear_corners(points: Tensor, size: int) -> List[Tuple[Tensor, Tensor]]:
    """Find points' two neighbors and their weights along an axis.

    Args:
        points (Tensor): Coordinates; the map reaches from -1 to ``size``.
        size (int): Cells of the map along the axis.

    Returns:
        list[tuple[Tensor]]: Lower and upper cell, int64, with its weight; 0
        outside of the map. Shapes of ``points``.
    """
    inside = (points >= -1) & (points <= size)
    points = points.clamp(0, size - 1)
    lower = points.floor()
    upper = (lower + 1).clamp(max=size - 1)
    share = points - lower
    return [
        (lower.long(), (1 - share) * inside),
        (upper.long(), share * inside),
    ]
