"""Multi-scale deformable attention (arXiv 2010.04159) by grid_sample.

mmcv calls its extension on GPUs only; on a CPU it uses the same function of
its own that is used here.
"""

import torch
from torch import Tensor


def ms_deform_attn_forward(
    value: Tensor,
    spatial_shapes: Tensor,
    level_start_index: Tensor,
    sampling_loc: Tensor,
    attn_weight: Tensor,
    im2col_step: int,
) -> Tensor:
    """Sum values at sampling points of several maps.

    Args:
        value (Tensor): (N, K, heads, d), all levels' cells in a row.
        spatial_shapes (Tensor): (levels, 2), height and width, int64.
        level_start_index (Tensor): Not used; given by the shapes.
        sampling_loc (Tensor): (N, Q, heads, levels, points, 2), x before y,
            from 0 to 1.
        attn_weight (Tensor): (N, Q, heads, levels, points).
        im2col_step (int): Not used.

    Returns:
        Tensor: (N, Q, heads * d).
    """
    # mmcv.ops imports this module, so mmcv.ops is imported when called.
    from mmcv.ops.multi_scale_deform_attn import (
        multi_scale_deformable_attn_pytorch,
    )

    # One transfer of all sizes from the device instead of one per level.
    return multi_scale_deformable_attn_pytorch(
        value, spatial_shapes.tolist(), sampling_loc, attn_weight
    )


def ms_deform_attn_backward(
    value: Tensor,
    spatial_shapes: Tensor,
    level_start_index: Tensor,
    sampling_loc: Tensor,
    attn_weight: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_loc: Tensor,
    grad_attn_weight: Tensor,
    im2col_step: int,
) -> None:
    """Fill the gradients of values, sampling points and weights.

    Arguments are those of :func:`ms_deform_attn_forward`, with gradients
    have the shapes of their tensors. The forward pass is computed again,
    since mmcv stores its inputs only.
    """
    inputs = [
        tensor.detach().requires_grad_()
        for tensor in (value, sampling_loc, attn_weight)
    ]
    with torch.enable_grad():
        output = ms_deform_attn_forward(
            inputs[0],
            spatial_shapes,
            level_start_index,
            inputs[1],
            inputs[2],
            im2col_step,
        )
    grads = torch.autograd.grad(output, inputs, grad_output)
    for target, grad in zip(
        (grad_value, grad_sampling_loc, grad_attn_weight), grads
    ):
        target.copy_(grad)
