"""Precision, recall and AP over images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher.simulation.image_level import evaluate_image_level

IMAGES, CLASSES = 5, 3


def evaluate(predicted, true, num_images=IMAGES, num_classes=CLASSES):
    """Evaluate (image, class, score) predictions and (image, class) labels."""
    images, labels, scores = np.array(predicted or np.zeros((0, 3))).T
    true_images, true_labels = np.array(true or np.zeros((0, 2)), int).T
    return evaluate_image_level(
        images.astype(int),
        labels.astype(int),
        scores,
        true_images,
        true_labels,
        num_images,
        num_classes,
    )


def test_metrics_by_hand():
    # Class 0 ranks: right (1/1), wrong, right (2/3); image 4 is missed and
    # tied with the two images without a prediction: 3/5.
    result = evaluate(
        predicted=[(0, 0, 0.9), (1, 0, 0.8), (2, 0, 0.7), (3, 1, 0.5)],
        true=[(0, 0), (2, 0), (4, 0), (1, 1)],
    )
    assert result.num_true.tolist() == [3, 1, 0]
    assert result.num_predicted.tolist() == [3, 1, 0]
    assert result.num_correct.tolist() == [2, 0, 0]
    assert result.ap[0] == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    assert result.ap[1] == pytest.approx(1 / 5)
    assert np.isnan(result.ap[2])
    summary = result.summary()
    counts = [summary[x] for x in ('true', 'predicted', 'correct')]
    assert counts == [4, 4, 2]
    assert summary['precision'] == summary['recall'] == 50
    assert summary['mAP'] == pytest.approx(100 * (34 / 45 + 1 / 5) / 2)
    assert result.summary([2]) == dict(
        true=0, predicted=0, correct=0, precision=None, recall=None, mAP=None
    )


def test_ties_form_one_step():
    predicted = [(0, 0, 0.5), (1, 0, 0.5), (2, 0, 0.5), (3, 0, 0.1)]
    true = [(1, 0), (3, 0)]
    for rows in (predicted, predicted[::-1]):
        # One of three, then two of four.
        assert evaluate(rows, true).ap[0] == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_repeated_prediction_counts_once_with_the_higher_score():
    result = evaluate(
        [(0, 0, 0.1), (1, 0, 0.5), (0, 0, 0.9)], [(0, 0), (0, 0)]
    )
    assert (result.num_predicted[0], result.num_true[0]) == (2, 1)
    assert result.ap[0] == 1


def test_no_prediction_and_no_label():
    assert evaluate([], [(0, 0)]).ap[0] == pytest.approx(1 / IMAGES)
    assert evaluate([], []).summary()['mAP'] is None
    assert evaluate([(0, 0, 1.0)], []).summary()['precision'] == 0
    assert evaluate([], [], 0).num_images == 0


def literal_ap(predicted, true, label):
    """Compute AP step by step from the definition."""
    scores = {}
    for image, name, score in predicted:
        if name == label:
            scores[image] = max(score, scores.get(image, -1))
    shown = {image for image, name in true if name == label}
    if not shown:
        return None
    ap, recall = 0.0, 0.0
    for step in [*sorted(set(scores.values()), reverse=True), -1]:
        chosen = {x for x in range(IMAGES) if scores.get(x, -1) >= step}
        right = len(chosen & shown)
        ap += (right / len(shown) - recall) * right / len(chosen)
        recall = right / len(shown)
    return ap


@given(
    st.lists(
        st.tuples(
            st.integers(0, IMAGES - 1),
            st.integers(0, CLASSES - 1),
            st.sampled_from([0, 0.25, 0.5, 0.75, 1]),
        )
    ),
    st.lists(
        st.tuples(st.integers(0, IMAGES - 1), st.integers(0, CLASSES - 1))
    ),
)
def test_equals_literal_definition(predicted, true):
    result = evaluate(predicted, true)
    for label in range(CLASSES):
        expected = literal_ap(predicted, true, label)
        if expected is None:
            assert np.isnan(result.ap[label])
        else:
            assert result.ap[label] == pytest.approx(expected)
        images = {x[0] for x in predicted if x[1] == label}
        shown = {x[0] for x in true if x[1] == label}
        assert result.num_predicted[label] == len(images)
        assert result.num_correct[label] == len(images & shown)
