"""Kinds of false image-level labels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher.evaluation.false_labels import count_false_labels
from clhoi_mm.vocabulary import HOIVocabulary

MINI = HOIVocabulary.load('mini')
IMAGES = 3


def hoi(verb, obj):
    label = MINI.hoi_id(MINI.verb_label(verb), MINI.object_label(obj))
    assert label >= 0
    return label


HOLD, KICK, RIDE = (
    hoi('hold', 'ball'),
    hoi('kick', 'ball'),
    hoi('ride', 'bicycle'),
)
BALL, BIKE = MINI.object_label('ball'), MINI.object_label('bicycle')


def test_kinds_by_hand():
    true = [(0, HOLD), (1, HOLD)]
    predicted = [(0, KICK), (1, HOLD), (1, KICK), (1, KICK), (2, RIDE)]
    assert count_false_labels(predicted, true, MINI) == dict(
        wrong_verb=1, extra_verb=1, other_object=1
    )
    predicted += [(0, RIDE)]
    assert count_false_labels(predicted, true, MINI, [(2, BIKE)]) == dict(
        wrong_verb=1, extra_verb=1, unused_object=1, absent_object=1
    )


def test_no_labels():
    none = dict(wrong_verb=0, extra_verb=0, other_object=0)
    assert count_false_labels([], [], MINI) == none
    assert count_false_labels([], [(0, HOLD)], MINI) == none
    assert count_false_labels([(0, HOLD)], [(0, HOLD)], MINI) == none
    assert count_false_labels([(0, HOLD)], [], MINI, []) == dict(
        wrong_verb=0, extra_verb=0, unused_object=0, absent_object=1
    )


PAIRS = st.lists(
    st.tuples(st.integers(0, IMAGES - 1), st.integers(0, MINI.num_hois - 1)),
    max_size=30,
)
OBJECTS = st.lists(
    st.tuples(
        st.integers(0, IMAGES - 1), st.integers(0, len(MINI.objects) - 1)
    )
)


@given(PAIRS, PAIRS, OBJECTS)
def test_equals_literal_definition(predicted, true, present):
    objects = MINI.hoi_objects
    expected = dict(
        wrong_verb=0, extra_verb=0, unused_object=0, absent_object=0
    )
    for image, label in set(predicted) - set(true):
        same = {
            x
            for x in true
            if x[0] == image and objects[x[1]] == objects[label]
        }
        if same - set(predicted):
            expected['wrong_verb'] += 1
        elif same:
            expected['extra_verb'] += 1
        elif (image, objects[label]) in present:
            expected['unused_object'] += 1
        else:
            expected['absent_object'] += 1
    arrays = [np.array(x).reshape(-1, 2) for x in (predicted, true)]
    assert count_false_labels(*arrays, MINI, present) == expected
    both = expected.pop('unused_object') + expected.pop('absent_object')
    assert count_false_labels(*arrays, MINI) == dict(
        expected, other_object=both
    )
