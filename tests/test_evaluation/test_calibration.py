"""Calibration of scores: fit, reliability table, tool."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_predictions import TOOLS, VCOCO, park_scenes, truth_as_predictions
from test_predictions import write as write_annotations

from clhoi_mm.evaluation.core import Reliability, ScoreCalibration
from clhoi_mm.evaluation.core.calibration import log_odds
from tests.tool_utils import run_command


def drawn(scale, bias, number=40000, seed=0):
    """Draw predictions that are correct at a calibration's rate."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(0.5, 2, number)
    return scores, rng.random(number) < ScoreCalibration(scale, bias)(scores)


@pytest.mark.parametrize('scale, bias', [(1, 0), (0.5, -1), (2, 1.5)])
def test_fit_recovers_the_parameters(scale, bias):
    scores, is_right = drawn(scale, bias)
    found = ScoreCalibration.fit(scores, is_right)
    assert found.scale == pytest.approx(scale, abs=0.07)
    assert found.bias == pytest.approx(bias, abs=0.1)
    after = Reliability.of(found(scores), is_right)
    assert after.error < 0.01
    assert (scale, bias) == (1, 0) or Reliability.of(
        scores, is_right
    ).error > 3 * after.error


def test_calibration_by_hand():
    scores = np.array([0.5, 0.8])
    # Log-odds 0 and log 4; half of them plus log 3: odds 3 and 6.
    found = ScoreCalibration(0.5, np.log(3))(scores)
    np.testing.assert_allclose(found, [3 / 4, 6 / 7])
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


@given(
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=30),
    st.floats(0.01, 10),
    st.floats(-10, 10),
)
def test_calibration_is_monotonic(scores, scale, bias):
    scores = np.sort(np.array(scores))
    found = ScoreCalibration(scale, bias)(scores)
    assert (np.diff(found) >= 0).all()
    assert ((found >= 0) & (found <= 1)).all()


def test_separable_scores_give_finite_numbers():
    scores = np.repeat([0.1, 0.9], 50)
    found = ScoreCalibration.fit(scores, scores > 0.5)
    assert 0 < found.scale < 100
    assert 0.9 < found(np.array([0.9]))[0] < 1


@pytest.mark.parametrize(
    'is_right, message',
    [([True, True], 'needs both'), ([True, False], 'score higher')],
)
def test_fit_errors(is_right, message):
    with pytest.raises(ValueError, match=message):
        ScoreCalibration.fit(np.array([0.2, 0.7]), np.array(is_right))


def test_reliability_by_hand():
    table = Reliability.of(
        np.array([0.1, 0.3, 0.6, 1.0]), np.array([False, True, True, True]), 2
    )
    assert table.counts.tolist() == [2, 2]
    np.testing.assert_allclose(table.mean_scores, [0.2, 0.8])
    np.testing.assert_allclose(table.shares_right, [0.5, 1.0])
    assert table.error == pytest.approx((0.3 * 2 + 0.2 * 2) / 4)
    empty = Reliability.of(np.zeros(0), np.zeros(0, bool))
    assert empty.error == 0 and empty.counts.sum() == 0


def call(tmp_path, *options):
    return run_command(
        'python', TOOLS / 'calibrate_scores.py', *options, cwd=tmp_path
    )


def test_tool(tmp_path):
    path, annotations = write_annotations(tmp_path, VCOCO, park_scenes())
    pred = truth_as_predictions(annotations)
    has_object = ~np.isnan(pred.object_bboxes).any(axis=1)
    pred.scores[:] = 0.9
    wrong = np.flatnonzero(has_object)[0]
    pred.object_bboxes[wrong] += 1000
    pred.scores[wrong] = 0.2
    pred.write(tmp_path / 'preds.npz')
    options = '--ann', path, '--pred', 'preds.npz', '--metric', 'v_coco'
    done = call(tmp_path, *options, '--out', 'plot.svg').check()
    assert "calibration=dict(type='PlattScaling', scale=" in done.text
    assert 'expected calibration error' in done.text
    assert '<svg' in (tmp_path / 'plot.svg').read_text()[:1000]
    done = call(tmp_path, *options, '--check-ann', path)
    assert done.code == 1 and '--check-pred belong together' in done.text
    done = call(tmp_path, *options, '--out', 'plot.txt')
    assert done.code == 1 and 'must end with .svg' in done.text
    pred.scores[0] = 1.5
    pred.write(tmp_path / 'preds.npz')
    done = call(tmp_path, *options)
    assert done.code == 1 and 'not between 0 and 1' in done.text
