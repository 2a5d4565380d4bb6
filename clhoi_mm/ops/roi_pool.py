"""RoIPool (arXiv 1504.08083) as mmcv defines it, in plain torch.

torchvision's operator first rounds the corners of a box to cells; mmcv's bins
have fractional edges and include each cell that they touch.
"""

import torch
from torch import Tensor

from clhoi_mm.ops.roi_grid import (
    GridAxis,
    gather,
    max_over_bins,
    split_by_size,
    to_channels_last,
)


def roi_pool_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Pool the maximum of each bin of regions of interest.

    Args:
        input (Tensor): (N, C, H, W).
        rois (Tensor): (R, 5), batch index and box in image pixels, its last
            pixel included.
        output (Tensor): (R, C, pooled_height, pooled_width), is filled; 0
            where a bin has no cell.
        argmax (Tensor): Shape of ``output``, is filled with cells, counted
            row by row; -1 where a bin has none.
        pooled_height (int): Rows of bins.
        pooled_width (int): Columns of bins.
        spatial_scale (float): Cells of the map per pixel.
    """
    boxes = rois[:, 1:].to(input.dtype)
    low, high = (
        boxes[:, :2] * spatial_scale,
        (boxes[:, 2:] + 1) * spatial_scale,
    )
    height, width = input.shape[2:]
    rows = _cells(low[:, 1], high[:, 1], pooled_height, height)
    cols = _cells(low[:, 0], high[:, 0], pooled_width, width)
    batch, feats = rois[:, 0].long(), to_channels_last(input)
    for chunk, y, x in split_by_size(rows, cols, input.size(1)):
        cell_y = y.points.clamp(max=height - 1)
        cell_x = x.points.clamp(max=width - 1)
        values = gather(feats, batch[chunk], cell_y, cell_x)
        best, best_y, best_x = max_over_bins(values, y, x)
        has_cell = best > -torch.inf
        output[chunk] = torch.where(has_cell, best, 0.0)
        cell = torch.where(has_cell, best_y * width + best_x, -1)
        argmax[chunk] = cell.to(argmax.dtype)


def roi_pool_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax: Tensor,
    grad_input: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Add the gradient of each bin to its largest cell.

    Args:
        grad_output (Tensor): (R, C, pooled_height, pooled_width).
        rois (Tensor): (R, 5), batch index and box in image pixels.
        argmax (Tensor): From the forward pass.
        grad_input (Tensor): (N, C, H, W) of zeros, is filled.
        pooled_height (int): Not used; given by the shapes.
        pooled_width (int): Not used; given by the shapes.
        spatial_scale (float): Not used, ``argmax`` has the cells.
    """
    batch = rois[:, 0].long()[:, None, None, None]
    channel = torch.arange(grad_output.size(1), device=rois.device)
    cells = grad_input.flatten(2)
    cells.index_put_(
        (batch, channel[:, None, None], argmax.long().clamp(min=0)),
        grad_output * (argmax >= 0),
        accumulate=True,
    )


def _cells(low: Tensor, high: Tensor, bins: int, size: int) -> GridAxis:
    """List the cells that each bin touches along one axis.

    Args:
        low (Tensor): (R,), start of each RoI in cells.
        high (Tensor): (R,), end of each RoI in cells.
        bins (int): Number of bins.
        size (int): Cells of the map along the axis.
    """
    bin_size = ((high - low) / bins)[:, None]
    number = torch.arange(bins, device=low.device)
    first = (number * bin_size + low[:, None]).floor().clamp(0, size)
    last = ((number + 1) * bin_size + low[:, None]).ceil().clamp(0, size)
    counts = (last - first).clamp(min=0) * (bin_size > 0)
    most = int(counts.max()) if len(counts) else 0
    cell = torch.arange(most, device=low.device)
    points = first.long()[..., None] + cell
    return GridAxis(points, cell < counts[..., None])
