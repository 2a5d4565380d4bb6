"""Repeated labels, by hand and as measured for equal images."""

import pytest

from clhoi_mm.teacher.evaluation.repeated_labels import repeated_labels
from clhoi_mm.teacher.simulation.agreement import measure_agreement
from clhoi_mm.teacher.simulation.image_labels import ImageLabels


def test_by_hand():
    teachers = [
        {'a': {1, 2}, 'b': {1}},
        {'a': {1}, 'c': {3}},
        {'a': {2, 4}, 'b': set()},
    ]
    # True: a's 1 is named by two of three, so 2 of 4 chances; b's 1 by one
    # of two. False: a's 2 by two of three, a's 4 by one of three; no other
    # teacher describes c.
    right, wrong = repeated_labels(teachers, {'a': [1], 'b': [1], 'c': []})
    assert right == pytest.approx(100 * 2 / 5)
    assert wrong == pytest.approx(100 * 2 / 6)


def test_one_teacher_repeats_nothing():
    assert repeated_labels([{'a': {1}}], {'a': [1]}) == (None, None)


def test_equals_the_agreement_about_the_same_images():
    true = {'a': [0, 1], 'b': [2], 'c': []}
    teachers = [
        {'a': {0, 3}, 'b': {2}, 'c': {1}},
        {'a': {0, 1, 3}, 'b': set(), 'c': {1}},
        {'a': {1}, 'b': {2, 0}, 'c': set()},
    ]
    expected = measure_agreement(
        [ImageLabels(key, hois, []) for key, hois in true.items()],
        [[sorted(row) for row in labels.values()] for labels in teachers],
        4,
    )
    right, wrong = repeated_labels(teachers, true)
    assert right == pytest.approx(100 * expected.repeated_true)
    assert wrong == pytest.approx(100 * expected.repeated_false)
