"""Deformable convolution and attention equal their definitions."""

import numpy as np
import pytest
import torch
from mmcv.ops import (
    DeformConv2dPack,
    ModulatedDeformConv2dPack,
    MultiScaleDeformableAttention,
    deform_conv2d,
    modulated_deform_conv2d,
)

from clhoi_mm.ops import ms_deform_attn
from tests.test_ops import literal

# Stride, padding, dilation, groups, deformable groups.
GEOMETRIES = [
    ((1, 1), (1, 1), (1, 1), 1, 1),
    ((2, 1), (0, 2), (1, 2), 2, 2),
    ((1, 2), (2, 1), (2, 1), 1, 2),
]


def tensors(geometry: tuple) -> list:
    """Build random map, offsets, mask, weights and bias in float64."""
    stride, pad, dilation, group, deform = geometry
    rng = np.random.default_rng(0)
    out = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip((5, 6), pad, dilation, (3, 2), stride)
    ]
    shapes = [
        (2, 4, 5, 6),
        (2, deform * 3 * 2 * 2, *out),
        (2, deform * 3 * 2, *out),
        (4, 4 // group, 3, 2),
        (4,),
    ]
    return [torch.tensor(rng.normal(0, 1, shape)) for shape in shapes]


@pytest.mark.parametrize('geometry', GEOMETRIES)
def test_deform_conv(geometry) -> None:
    feats, offset, _, weight, _ = tensors(geometry)
    out = deform_conv2d(feats, offset, weight, *geometry)
    arrays = [t.numpy() for t in (feats, offset)]
    wanted = literal.deform_conv(
        *arrays, None, weight.numpy(), None, *geometry
    )
    np.testing.assert_allclose(out.numpy(), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('with_bias', [True, False])
@pytest.mark.parametrize('geometry', GEOMETRIES)
def test_modulated_deform_conv(geometry, with_bias) -> None:
    feats, offset, mask, weight, bias = tensors(geometry)
    bias = bias if with_bias else None
    out = modulated_deform_conv2d(feats, offset, mask, weight, bias, *geometry)
    arrays = [t.numpy() for t in (feats, offset, mask, weight)]
    wanted = literal.deform_conv(
        *arrays, bias.numpy() if with_bias else None, *geometry
    )
    np.testing.assert_allclose(out.numpy(), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('geometry', GEOMETRIES[1:])
def test_gradients_of_convolutions(geometry) -> None:
    feats, offset, mask, weight, bias = (
        t.requires_grad_() for t in tensors(geometry)
    )
    assert torch.autograd.gradcheck(
        lambda f, o, w: deform_conv2d(f, o, w, *geometry),
        (feats[:1], offset[:1], weight),
        nondet_tol=1e-10,
    )
    assert torch.autograd.gradcheck(
        lambda f, o, m, w, b: modulated_deform_conv2d(
            f, o, m, w, b, *geometry
        ),
        (feats[:1], offset[:1], mask[:1], weight, bias),
        nondet_tol=1e-10,
    )


@pytest.mark.parametrize(
    'layer', [DeformConv2dPack, ModulatedDeformConv2dPack]
)
def test_layers_are_initialized_as_plain_convolutions(layer) -> None:
    torch.manual_seed(0)
    conv = layer(4, 6, 3, padding=1)
    feats = torch.randn(2, 4, 7, 8, requires_grad=True)
    out = conv(feats)
    scale = 0.5 if layer is ModulatedDeformConv2dPack else 1  # sigmoid(0)
    wanted = torch.nn.functional.conv2d(feats, conv.weight, padding=1)
    torch.testing.assert_close(out, scale * wanted, rtol=1e-4, atol=1e-5)
    out.sum().backward()
    assert conv.conv_offset.weight.grad.abs().sum() > 0


SHAPES = [(4, 5), (2, 3)]


def attention_inputs(queries: int = 3) -> list:
    rng = np.random.default_rng(0)
    value = rng.normal(0, 1, (2, 26, 2, 3))
    locations = rng.uniform(-0.2, 1.2, (2, queries, 2, 2, 4, 2))
    weights = rng.uniform(0, 1, (2, queries, 2, 2, 4))
    return [torch.tensor(array) for array in (value, locations, weights)]


class Attention(torch.autograd.Function):
    """mmcv's GPU function, run on the device of its inputs."""

    @staticmethod
    def forward(ctx, value, locations, weights):
        ctx.save_for_backward(value, locations, weights)
        return ms_deform_attn.ms_deform_attn_forward(
            value,
            torch.tensor(SHAPES),
            torch.tensor([0, 20]),
            locations,
            weights,
            im2col_step=64,
        )

    @staticmethod
    def backward(ctx, grad):
        grads = [torch.zeros_like(t) for t in ctx.saved_tensors]
        value, locations, weights = ctx.saved_tensors
        ms_deform_attn.ms_deform_attn_backward(
            value,
            torch.tensor(SHAPES),
            torch.tensor([0, 20]),
            locations,
            weights,
            grad.contiguous(),
            *grads,
            im2col_step=64,
        )
        return tuple(grads)


def test_attention() -> None:
    inputs = attention_inputs()
    out = Attention.apply(*inputs)
    value, locations, weights = (t.numpy() for t in inputs)
    wanted = literal.ms_deform_attn(value, SHAPES, locations, weights)
    np.testing.assert_allclose(out.numpy(), wanted, rtol=1e-9, atol=1e-12)
    assert torch.autograd.gradcheck(
        Attention.apply, [t.requires_grad_() for t in inputs]
    )


def test_attention_layer_on_cpu() -> None:
    torch.manual_seed(0)
    layer = MultiScaleDeformableAttention(8, 2, 2, 4, batch_first=True)
    value = torch.randn(2, 26, 8, requires_grad=True)
    out = layer(
        torch.randn(2, 3, 8),
        value=value,
        reference_points=torch.rand(2, 3, 2, 2),
        spatial_shapes=torch.tensor(SHAPES),
        level_start_index=torch.tensor([0, 20]),
    )
    out.sum().backward()
    assert out.shape == (2, 3, 8) and value.grad.abs().sum() > 0
