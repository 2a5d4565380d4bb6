"""Deformable convolution, plain and modulated, by torchvision's kernels.

arXiv 1703.06211 and 1811.11168. Offsets have torchvision's own layout.
"""

from typing import Optional, Tuple

import torch
import torchvision  # noqa: F401, it registers torch.ops.torchvision
from torch import Tensor

from clhoi_mm.ops.dtypes import to_supported


def deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> None:
    """Convolve at shifted sampling points.

    Args:
        input (Tensor): (N, C, H, W).
        weight (Tensor): (C_out, C / group, kH, kW).
        offset (Tensor): (N, deformable_group * kH * kW * 2, H_out, W_out),
            y before x, in cells.
        output (Tensor): (N, C_out, H_out, W_out), is filled.
        columns (Tensor): Not used, as is ``ones``: mmcv's work space.
        kW (int): Not used, as is ``kH``; given by ``weight``.
        dW (int): Stride along x; ``dH`` along y.
        padW (int): Padding along x; ``padH`` along y.
        dilationW (int): Dilation along x; ``dilationH`` along y.
        group (int): Groups of channels.
        deformable_group (int): Groups of channels with different offsets.
        im2col_step (int): Not used, torchvision chooses its own.
    """
    geometry = (dH, dW, padH, padW, dilationH, dilationW)
    groups = (group, deformable_group)
    output.copy_(
        _convolve(input, weight, offset, None, None, geometry, groups)
    )


def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    gradOutput: Tensor,
    gradInput: Tensor,
    gradOffset: Tensor,
    weight: Tensor,
    columns: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> None:
    """Fill the gradients of the map and of the offsets.

    Arguments are those of :func:`deform_conv_forward`, with gradients that
    have the shapes of their tensors.
    """
    geometry = (dH, dW, padH, padW, dilationH, dilationW)
    groups = (group, deformable_group)
    grads = _gradients(
        gradOutput, input, weight, offset, None, None, geometry, groups
    )
    gradInput.copy_(grads[0])
    gradOffset.copy_(grads[2])


def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    gradOutput: Tensor,
    gradWeight: Tensor,
    columns: Tensor,
    ones: Tensor,
    kW: int,
    kH: int,
    dW: int,
    dH: int,
    padW: int,
    padH: int,
    dilationW: int,
    dilationH: int,
    group: int,
    deformable_group: int,
    scale: float,
    im2col_step: int,
) -> None:
    """Add ``scale`` times the gradient of the weights to ``gradWeight``.

    Arguments are those of :func:`deform_conv_forward`.
    """
    geometry = (dH, dW, padH, padW, dilationH, dilationW)
    groups = (group, deformable_group)
    grads = _gradients(
        gradOutput, input, gradWeight, offset, None, None, geometry, groups
    )
    gradWeight.add_(grads[1].to(gradWeight.dtype), alpha=scale)


def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
) -> None:
    """Convolve at shifted sampling points, each with a weight.

    Args:
        input (Tensor): (N, C, H, W).
        weight (Tensor): (C_out, C / group, kernel_h, kernel_w).
        bias (Tensor): (C_out,), used if ``with_bias``.
        ones (Tensor): Not used, as is ``columns``: mmcv's work space.
        offset (Tensor): (N, deformable_group * kernel_h * kernel_w * 2,
            H_out, W_out), y before x, in cells.
        mask (Tensor): (N, deformable_group * kernel_h * kernel_w, H_out,
            W_out), weights of the sampling points.
        output (Tensor): (N, C_out, H_out, W_out), is filled.
        kernel_h (int): Not used, as is ``kernel_w``; given by ``weight``.
        stride_h (int): Stride along y; ``stride_w`` along x.
        pad_h (int): Padding along y; ``pad_w`` along x.
        dilation_h (int): Dilation along y; ``dilation_w`` along x.
        group (int): Groups of channels.
        deformable_group (int): Groups of channels with different offsets.
        with_bias (bool): Whether to add the bias.
    """
    geometry = (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w)
    groups = (group, deformable_group)
    bias = bias if with_bias else None
    output.copy_(
        _convolve(input, weight, offset, mask, bias, geometry, groups)
    )


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
) -> None:
    """Fill the gradients of all inputs.

    Arguments are those of :func:`modulated_deform_conv_forward`, with
    gradients that have the shapes of their tensors.
    """
    geometry = (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w)
    groups = (group, deformable_group)
    grads = _gradients(
        grad_output,
        input,
        weight,
        offset,
        mask,
        bias if with_bias else None,
        geometry,
        groups,
    )
    wanted = [grad_input, grad_weight, grad_offset, grad_mask]
    for target, grad in zip(wanted, grads):
        target.copy_(grad)
    if with_bias:
        grad_bias.copy_(grads[4])


def _convolve(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Optional[Tensor],
    bias: Optional[Tensor],
    geometry: Tuple[int, ...],
    groups: Tuple[int, int],
) -> Tensor:
    """Call torchvision's kernel; ``geometry`` is y before x."""
    tensors = _inputs(input, weight, offset, mask, bias)
    return torch.ops.torchvision.deform_conv2d(
        *tensors, *geometry, *groups, mask is not None
    )


def _gradients(
    grad_output: Tensor,
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Optional[Tensor],
    bias: Optional[Tensor],
    geometry: Tuple[int, ...],
    groups: Tuple[int, int],
) -> Tuple[Tensor, ...]:
    """Compute gradients of map, weights, offsets, mask and bias."""
    tensors = _inputs(input, weight, offset, mask, bias)
    return torch.ops.torchvision._deform_conv2d_backward(
        grad_output.to(tensors[0].dtype),
        *tensors,
        *geometry,
        *groups,
        mask is not None,
    )


def _inputs(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Optional[Tensor],
    bias: Optional[Tensor],
) -> Tuple[Tensor, ...]:
    """Convert inputs to one dtype, with zeros if missing."""
    input = to_supported(input)
    if mask is None:
        mask = input.new_zeros(len(input), 1)
    if bias is None:
        bias = input.new_zeros(len(weight))
    return input, *(t.to(input.dtype) for t in (weight, offset, mask, bias))
