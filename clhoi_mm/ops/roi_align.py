"""RoIAlign (arXiv 1703.06870): averages by torchvision, maxima in torch."""

from typing import Tuple

import torch
import torchvision  # noqa: F401, it registers torch.ops.torchvision
from torch import Tensor

from clhoi_mm.ops.dtypes import to_supported
from clhoi_mm.ops.roi_grid import (
    GridAxis,
    bilinear_corners,
    cross,
    gather,
    max_over_bins,
    split_by_size,
    to_channels_last,
)

AVERAGE = 1  # the pool_mode of averages; 0 is the maximum
# Initial value of the maximum in mmcv's CPU kernel.
LOWEST = -10000


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Pool RoIs from bilinear samples of a feature map.

    Args:
        input (Tensor): (N, C, H, W).
        rois (Tensor): (R, 5), batch index and box in image pixels.
        output (Tensor): (R, C, aligned_height, aligned_width), is filled.
        argmax_y (Tensor): Shape of ``output``, is filled with the sampled
            coordinate of each maximum, -1 where there is none; empty for
            averages.
        argmax_x (Tensor): See ``argmax_y``.
        aligned_height (int): Rows of bins.
        aligned_width (int): Columns of bins.
        spatial_scale (float): Cells of the map per pixel.
        sampling_ratio (int): Samples of a bin along each axis; 0 takes one
            for each cell.
        pool_mode (int): 0 for the maximum, 1 for the average.
        aligned (bool): Shift by half a cell, and allow boxes below one cell.
    """
    if pool_mode == AVERAGE:
        feats = to_supported(input)
        output.copy_(
            torch.ops.torchvision.roi_align(
                feats,
                rois.to(feats.dtype),
                spatial_scale,
                aligned_height,
                aligned_width,
                sampling_ratio,
                aligned,
            )
        )
        return
    rows, cols = _sample_points(
        rois.to(input.dtype),
        (aligned_height, aligned_width),
        spatial_scale,
        sampling_ratio,
        aligned,
    )
    batch, feats = rois[:, 0].long(), to_channels_last(input)
    for chunk, y, x in split_by_size(rows, cols, input.size(1)):
        values = _interpolate(feats, batch[chunk], y.points, x.points)
        best, best_y, best_x = max_over_bins(values, y, x)
        has_max = best > LOWEST
        output[chunk] = best.clamp(min=LOWEST)
        argmax_y[chunk] = torch.where(has_max, best_y, -1.0)
        argmax_x[chunk] = torch.where(has_max, best_x, -1.0)


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Spread gradients of pooled regions over the feature map.

    Args:
        grad_output (Tensor): (R, C, aligned_height, aligned_width).
        rois (Tensor): (R, 5), batch index and box in image pixels.
        argmax_y (Tensor): From the forward pass; empty for averages.
        argmax_x (Tensor): From the forward pass; empty for averages.
        grad_input (Tensor): (N, C, H, W) of zeros, is filled.
        aligned_height (int): Rows of bins.
        aligned_width (int): Columns of bins.
        spatial_scale (float): Cells of the map per pixel.
        sampling_ratio (int): As in the forward pass.
        pool_mode (int): 0 for the maximum, 1 for the average.
        aligned (bool): As in the forward pass.
    """
    if pool_mode == AVERAGE:
        grads = to_supported(grad_output)
        grad_input.copy_(
            torch.ops.torchvision._roi_align_backward(
                grads,
                rois.to(grads.dtype),
                spatial_scale,
                aligned_height,
                aligned_width,
                *grad_input.shape,
                sampling_ratio,
                aligned,
            )
        )
        return
    batch = rois[:, 0].long()[:, None, None, None]
    channel = torch.arange(grad_output.size(1), device=rois.device)
    grads = grad_output * (argmax_y != -1)
    for y, weight_y in bilinear_corners(argmax_y, grad_input.size(2)):
        for x, weight_x in bilinear_corners(argmax_x, grad_input.size(3)):
            grad_input.index_put_(
                (batch, channel[:, None, None], y, x),
                grads * weight_y * weight_x,
                accumulate=True,
            )


def _sample_points(
    rois: Tensor,
    bins: Tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> Tuple[GridAxis, GridAxis]:
    """Compute the sample points of RoIs along y and x."""
    offset = 0.5 if aligned else 0.0
    boxes = rois[:, 1:] * spatial_scale - offset
    lengths = boxes[:, 2:] - boxes[:, :2]
    if not aligned:
        lengths = lengths.clamp(min=1)
    axes = []
    for axis, number in ((1, bins[0]), (0, bins[1])):
        bin_size = lengths[:, axis, None, None] / number
        counts = bin_size.ceil()
        if sampling_ratio > 0:
            counts = torch.full_like(counts, sampling_ratio)
        most = int(counts.max()) if len(counts) else 0
        point = torch.arange(most, device=rois.device)
        which = torch.arange(number, device=rois.device)[:, None]
        points = boxes[:, axis, None, None] + which * bin_size
        points = points + (point + 0.5) * bin_size / counts.clamp(min=1)
        axes.append(GridAxis(points, (point < counts).expand_as(points)))
    return axes[0], axes[1]


def _interpolate(feats: Tensor, batch: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Interpolate a map bilinearly, (R, bins_y, bins_x, Sy, Sx, C)."""
    height, width = feats.shape[1:3]
    values = feats.new_zeros(1)
    for cell_y, weight_y in bilinear_corners(y, height):
        for cell_x, weight_x in bilinear_corners(x, width):
            weight_y_, weight_x_ = cross(weight_y, weight_x)
            corner = gather(feats, batch, cell_y, cell_x)
            values = values + corner.mul_((weight_y_ * weight_x_)[..., None])
    return values
