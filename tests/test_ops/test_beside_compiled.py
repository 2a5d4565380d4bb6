"""Operators equal mmcv's compiled ones, where available."""

import numpy as np
import pytest
import torch

from clhoi_mm.ops import ext
from tests.test_ops.test_extension import IS_COMPILED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not IS_COMPILED, reason='needs "make setup OPS=compiled"'
    ),
]
TOLERANCE = dict(rtol=1e-5, atol=1e-5)


@pytest.fixture
def compiled():
    import mmcv._ext

    return mmcv._ext


def make_boxes(number: int, seed: int = 0) -> tuple:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 300, (number, 2))
    boxes = np.concatenate([low, low + rng.uniform(5, 120, (number, 2))], 1)
    return torch.tensor(boxes).float(), torch.tensor(
        rng.random(number)
    ).float()


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.3, 0.5, 0.7])
def test_nms(compiled, threshold, offset) -> None:
    boxes, scores = make_boxes(2000)
    args = dict(iou_threshold=threshold, offset=offset)
    ours, theirs = (
        ext.nms(boxes, scores, **args),
        compiled.nms(boxes, scores, **args),
    )
    assert ours.equal(theirs)
    # Exact ties of IoUs and of scores.
    boxes, scores = boxes.round(), (scores * 20).round()
    ours, theirs = (m.nms(boxes, scores, **args) for m in (ext, compiled))
    assert ours.equal(theirs)


@pytest.mark.parametrize('method', [0, 1, 2])
def test_softnms(compiled, method) -> None:
    boxes, scores = make_boxes(1000)
    results = []
    for module in (ext, compiled):
        dets = torch.zeros(1000, 5)
        inds = module.softnms(
            boxes,
            scores,
            dets,
            iou_threshold=0.3,
            sigma=0.5,
            min_score=1e-3,
            method=method,
            offset=0,
        )
        results.append((inds, dets[: len(inds)]))
    (inds, dets), (wanted, wanted_dets) = results
    assert inds.equal(wanted)
    torch.testing.assert_close(dets, wanted_dets, **TOLERANCE)


def test_nms_match(compiled) -> None:
    boxes, scores = make_boxes(800)
    dets = torch.cat([boxes, scores[:, None]], 1)
    assert ext.nms_match(dets, iou_threshold=0.5) == compiled.nms_match(
        dets, iou_threshold=0.5
    )


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('ratio', [0, 2])
@pytest.mark.parametrize('mode', [0, 1])
def test_roi_align(compiled, mode, ratio, aligned) -> None:
    torch.manual_seed(0)
    feats = torch.randn(2, 16, 50, 60)
    boxes, _ = make_boxes(300)
    rois = torch.cat([torch.arange(300.0)[:, None] % 2, boxes], 1)
    options = dict(
        aligned_height=7,
        aligned_width=7,
        spatial_scale=0.125,
        sampling_ratio=ratio,
        pool_mode=mode,
        aligned=aligned,
    )
    grad_out = torch.randn(300, 16, 7, 7)
    results = []
    for module in (ext, compiled):
        out, y, x = (torch.zeros(300, 16, 7, 7) for _ in range(3))
        module.roi_align_forward(feats, rois, out, y, x, **options)
        grad = torch.zeros_like(feats)
        module.roi_align_backward(grad_out, rois, y, x, grad, **options)
        results.append((out, grad))
    for ours, theirs in zip(*results):
        torch.testing.assert_close(ours, theirs, **TOLERANCE)


@pytest.mark.parametrize('with_bias', [True, False])
@pytest.mark.parametrize('group, deform', [(1, 1), (2, 4)])
def test_modulated_deform_conv(compiled, group, deform, with_bias) -> None:
    torch.manual_seed(0)
    inputs = dict(
        input=torch.randn(2, 8, 15, 17),
        weight=torch.randn(6, 8 // group, 3, 3),
        bias=torch.randn(6),
        ones=torch.zeros(0),
        offset=torch.randn(2, deform * 18, 15, 17),
        mask=torch.rand(2, deform * 9, 15, 17),
    )
    options = dict(
        kernel_h=3,
        kernel_w=3,
        stride_h=1,
        stride_w=1,
        pad_h=1,
        pad_w=1,
        dilation_h=1,
        dilation_w=1,
        group=group,
        deformable_group=deform,
        with_bias=with_bias,
    )
    grad_output = torch.randn(2, 6, 15, 17)
    results = []
    for module in (ext, compiled):
        output = torch.zeros(2, 6, 15, 17)
        module.modulated_deform_conv_forward(
            **inputs, output=output, columns=torch.zeros(0), **options
        )
        grads = {
            f'grad_{name}': torch.zeros_like(inputs[name])
            for name in ('input', 'weight', 'bias', 'offset', 'mask')
        }
        module.modulated_deform_conv_backward(
            **inputs,
            columns=torch.zeros(0),
            **grads,
            grad_output=grad_output,
            **options,
        )
        results.append([output, *grads.values()])
    for ours, theirs in zip(*results):
        torch.testing.assert_close(ours, theirs, **TOLERANCE)


@pytest.mark.parametrize('group, deform', [(1, 1), (2, 4)])
def test_deform_conv(compiled, group, deform) -> None:
    torch.manual_seed(0)
    feats, weight = torch.randn(2, 8, 15, 17), torch.randn(6, 8 // group, 3, 3)
    offset = torch.randn(2, deform * 18, 7, 15)
    grad_out = torch.randn(2, 6, 7, 15)
    options = dict(
        kW=3,
        kH=3,
        dW=1,
        dH=2,
        padW=0,
        padH=0,
        dilationW=1,
        dilationH=1,
        group=group,
        deformable_group=deform,
        im2col_step=2,
    )
    results = []
    for module in (ext, compiled):
        output = torch.zeros(2, 6, 7, 15)
        buffers = [torch.zeros(0), torch.zeros(0)]
        module.deform_conv_forward(
            feats, weight, offset, output, *buffers, **options
        )
        grads = [torch.zeros_like(t) for t in (feats, offset, weight)]
        module.deform_conv_backward_input(
            feats,
            offset,
            grad_out,
            *grads[:2],
            weight,
            buffers[0],
            **options,
        )
        module.deform_conv_backward_parameters(
            feats,
            offset,
            grad_out,
            grads[2],
            *buffers,
            scale=1,
            **options,
        )
        results.append([output, *grads])
    for ours, theirs in zip(*results):
        torch.testing.assert_close(ours, theirs, **TOLERANCE)
