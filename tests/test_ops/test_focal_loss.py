"""Focal losses equal their formulas, with gradients."""

import numpy as np
import pytest
import torch
from mmcv.ops import sigmoid_focal_loss, softmax_focal_loss

from clhoi_mm.ops import focal_loss
from tests.test_ops import literal

LOGITS = torch.tensor(np.random.default_rng(0).normal(0, 3, (6, 4)))
# Label 4 is background for sigmoid; -1 is ignored for softmax.
TARGETS = torch.tensor([0, 3, 4, 1, 4, 2])
IGNORED = torch.tensor([0, 3, -1, 1, -1, 2])
WEIGHTS = torch.tensor([1.0, 0.5, 2.0, 3.0], dtype=torch.float64)


@pytest.mark.parametrize('weights', [None, WEIGHTS])
@pytest.mark.parametrize('gamma', [0.0, 2.0, 1.5])
def test_sigmoid(gamma, weights) -> None:
    out = sigmoid_focal_loss(LOGITS, TARGETS, gamma, 0.25, weights, 'none')
    wanted = literal.sigmoid_focal_loss(
        LOGITS.numpy(), TARGETS.tolist(), weights, gamma, 0.25
    )
    np.testing.assert_allclose(out.numpy(), wanted, rtol=1e-10)
    mean = sigmoid_focal_loss(LOGITS, TARGETS, gamma, 0.25, weights, 'mean')
    assert mean.item() == pytest.approx(wanted.sum() / 6)
    assert torch.autograd.gradcheck(
        lambda x: sigmoid_focal_loss(x, TARGETS, gamma, 0.25, weights, 'sum'),
        LOGITS.clone().requires_grad_(),
    )


@pytest.mark.parametrize('weights', [None, WEIGHTS])
@pytest.mark.parametrize('gamma', [0.0, 2.0, 0.5])
def test_softmax(gamma, weights) -> None:
    out = softmax_focal_loss(
        LOGITS.clone(), IGNORED, gamma, 0.25, weights, 'none'
    )
    wanted = literal.softmax_focal_loss(
        LOGITS.numpy(), IGNORED.tolist(), weights, gamma, 0.25
    )
    np.testing.assert_allclose(out.numpy(), wanted, rtol=1e-10)
    assert torch.autograd.gradcheck(
        lambda x: softmax_focal_loss(
            x.clone(), IGNORED, gamma, 0.25, weights, 'sum'
        ),
        LOGITS.clone().requires_grad_(),
    )


def test_saturated_logits_stay_finite() -> None:
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0]])
    logits.requires_grad_()
    targets = torch.tensor([0, 0])
    loss = sigmoid_focal_loss(logits, targets, 2.0, 0.25, None, 'sum')
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()
    grad = torch.zeros(2, 2)
    certain = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    focal_loss.softmax_focal_loss_backward(
        certain, targets, torch.zeros(0), torch.zeros(2), grad, 0.5, 0.25
    )
    assert grad.isfinite().all()


def test_no_rows() -> None:
    logits = torch.zeros(0, 4, requires_grad=True)
    targets = torch.zeros(0, dtype=torch.long)
    for loss in (sigmoid_focal_loss, softmax_focal_loss):
        value = loss(logits.clone(), targets, 2.0, 0.25, None, 'sum')
        value.backward()
        assert value.item() == 0


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision(dtype) -> None:
    logits = LOGITS.to(dtype).requires_grad_()
    out = sigmoid_focal_loss(logits, TARGETS, 2.0, 0.25, None, 'none')
    wanted = sigmoid_focal_loss(
        logits.detach().double(), TARGETS, 2.0, 0.25, None, 'none'
    )
    assert out.dtype == dtype
    torch.testing.assert_close(out.double(), wanted, rtol=0.02, atol=1e-3)
    out.sum().backward()
    assert logits.grad.dtype == dtype and logits.grad.isfinite().all()
