import numpy as np
import pytest

from clhoi_mm.evaluation.core import bootstrap_interval


def test_interval_of_a_mean():
    """Compare with 1.96 standard errors around the mean."""
    values = np.random.default_rng(1).normal(5, 2, 400)
    interval = bootstrap_interval(
        lambda weights: np.array([weights @ values, 1]) / weights.sum(),
        len(values),
        2000,
    )
    error = 1.96 * values.std() / 20
    assert interval[0, 0] == pytest.approx(values.mean() - error, abs=0.02)
    assert interval[1, 0] == pytest.approx(values.mean() + error, abs=0.02)
    np.testing.assert_allclose(interval[:, 1], 1 / 400)


def test_bootstrap_bias_is_removed():
    """Every draw has fewer distinct images than the data set."""
    interval = bootstrap_interval(
        lambda weights: np.array([(weights > 0).sum()]), 100, 500
    )
    assert interval[0, 0] < 100 < interval[1, 0]
