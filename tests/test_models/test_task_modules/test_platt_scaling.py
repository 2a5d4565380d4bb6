import math

import pytest
import torch

from clhoi_mm.registry import TASK_UTILS


def build(scale, bias):
    return TASK_UTILS.build(dict(type='PlattScaling', scale=scale, bias=bias))


def test_platt_scaling_by_hand():
    # Log-odds 0 and log 4; half of them plus log 3: odds 3 and 6.
    found = build(0.5, math.log(3))(torch.tensor([0.5, 0.8]))
    torch.testing.assert_close(found, torch.tensor([3 / 4, 6 / 7]))


def test_extreme_and_empty_scores():
    found = build(2.0, 1.0)(torch.tensor([0.0, 1e-6, 1 - 1e-7, 1.0]))
    assert torch.isfinite(found).all()
    assert (found.diff() >= 0).all()
    assert build(1.0, 0.0)(torch.zeros(0)).shape == (0,)


def test_scaling_is_monotonic():
    with pytest.raises(ValueError, match='scale=-1 must be above 0'):
        build(-1, 0.0)
