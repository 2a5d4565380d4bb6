"""RoIAlign and RoIPool equal their definitions, with gradients."""

import numpy as np
import pytest
import torch
from mmcv.ops import RoIAlign, RoIPool, roi_align, roi_pool

from clhoi_mm.ops import roi_grid
from tests.test_ops import literal

# Inside, large, narrow, across each border, outside, without area.
ROIS = torch.tensor(
    [
        [0, 3.2, 5.1, 21.7, 17.3],
        [1, 0, 0, 39, 31],
        [0, 4, 2, 6.5, 30],
        [1, -9, -7, 13, 12],
        [0, 25, 20, 60, 50],
        [1, 300, 300, 320, 330],
        [0, 8, 8, 8, 8],
    ],
    dtype=torch.float64,
)
SCALE = 0.25


def feature_map(seed: int = 0, channels: int = 3) -> torch.Tensor:
    """Build maps (2, C, 8, 10) with distinct values."""
    rng = np.random.default_rng(seed)
    values = rng.permutation(2 * channels * 80) / 40 - 3
    return torch.tensor(values).view(2, channels, 8, 10)


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('ratio', [0, 2])
@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
def test_roi_align(mode, ratio, aligned, dtype) -> None:
    feats = feature_map().to(dtype)
    rois = ROIS.to(dtype)
    out = roi_align(feats, rois, (3, 2), SCALE, ratio, mode, aligned)
    assert out.dtype == dtype
    wanted = literal.roi_align(
        feature_map().numpy(),
        ROIS.tolist(),
        (3, 2),
        SCALE,
        ratio,
        mode,
        aligned,
    )
    error = 1e-12 if dtype == torch.float64 else 1e-5
    np.testing.assert_allclose(out.numpy(), wanted, rtol=error, atol=error)


@pytest.mark.parametrize('mode', ['avg', 'max'])
def test_roi_align_gradients(mode) -> None:
    feats = feature_map(1, channels=2).requires_grad_()

    def pool(values: torch.Tensor) -> torch.Tensor:
        return roi_align(values, ROIS, (2, 2), SCALE, 2, mode, True)

    assert torch.autograd.gradcheck(pool, feats)


def test_roi_pool() -> None:
    out = roi_pool(feature_map(), ROIS, (3, 2), SCALE)
    wanted = literal.roi_pool(
        feature_map().numpy(), ROIS.tolist(), (3, 2), SCALE
    )
    np.testing.assert_array_equal(out.numpy(), wanted)


def test_roi_pool_gradients() -> None:
    feats = feature_map(1, channels=2).requires_grad_()
    # Values are 1/40 apart, so the maximum's position is stable.
    assert torch.autograd.gradcheck(
        lambda values: roi_pool(values, ROIS, (3, 2), SCALE), feats
    )


def test_roi_pool_differs_from_torchvision_at_rounded_corners() -> None:
    torchvision = pytest.importorskip('torchvision')
    feats, rois = feature_map(), ROIS[:1]
    ours = roi_pool(feats, rois, (3, 2), SCALE)
    theirs = torchvision.ops.roi_pool(feats, rois, (3, 2), SCALE)
    assert not ours.equal(theirs)


@pytest.mark.parametrize('chunk', [1, 200, 2**24])
def test_chunks_of_rois_do_not_change_the_result(chunk, monkeypatch) -> None:
    monkeypatch.setattr(roi_grid, 'CHUNK_VALUES', chunk)
    rng = np.random.default_rng(3)
    low = rng.uniform(-5, 30, (40, 2))
    rois = np.concatenate(
        [rng.integers(0, 2, (40, 1)), low, low + rng.uniform(0, 30, (40, 2))],
        1,
    )
    feats = feature_map()
    out = roi_align(feats, torch.tensor(rois), (2, 2), SCALE, 0, 'max', True)
    wanted = literal.roi_align(
        feats.numpy(), rois.tolist(), (2, 2), SCALE, 0, 'max', True
    )
    np.testing.assert_allclose(out.numpy(), wanted, atol=1e-12)
    out = roi_pool(feats, torch.tensor(rois), (2, 2), SCALE)
    wanted = literal.roi_pool(feats.numpy(), rois.tolist(), (2, 2), SCALE)
    np.testing.assert_array_equal(out.numpy(), wanted)


@pytest.mark.parametrize(
    'layer',
    [
        RoIAlign(2, SCALE),
        RoIAlign(2, SCALE, pool_mode='max'),
        RoIPool(2, SCALE),
    ],
    ids=['avg', 'max', 'pool'],
)
def test_no_rois(layer) -> None:
    feats = feature_map().float().requires_grad_()
    out = layer(feats, torch.zeros(0, 5))
    assert out.shape == (0, 3, 2, 2)
    out.sum().backward()
    assert feats.grad.equal(torch.zeros_like(feats))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision(dtype) -> None:
    feats = feature_map().to(dtype).requires_grad_()
    rois = ROIS[:4].to(dtype)
    out = roi_align(feats, rois, (2, 2), SCALE, 2, 'avg', True)
    assert out.dtype == dtype
    wanted = roi_align(
        feats.detach().float(), rois.float(), (2, 2), SCALE, 2, 'avg', True
    )
    torch.testing.assert_close(out.float(), wanted, rtol=0.01, atol=0.01)
    out.sum().backward()
    assert feats.grad.dtype == dtype
