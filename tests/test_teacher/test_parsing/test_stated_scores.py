import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher.parsing.stated_scores import read_score, score_scale


@pytest.mark.parametrize(
    'value, expected',
    [
        (None, 1.0),
        ('', 1.0),
        (True, 1.0),
        (False, 0.0),
        (0.4, 0.4),
        (1, 1.0),
        (85, 0.85),
        ('85', 0.85),
        ('85%', 0.85),
        ('85 percent', 0.85),
        ('0.85', 0.85),
        ('0,85', 0.85),
        ('~.85', 0.85),
        ('17/20', 0.85),
        ('8 out of 10', 0.8),
        (8, 0.8),
        ('Very high', 0.95),
        ('high confidence', 0.9),
        ('highly likely', 0.95),
        ('medium-high', 0.75),
        ('moderate', 0.6),
        ('low', 0.3),
        ('not sure', 0.2),
        ('unlikely', 0.2),
        ('certain', 1.0),
        ('none', 0.0),
        (-1, None),
        ('-1', None),
        (101, None),
        (float('nan'), None),
        (float('inf'), None),
        (10**400, None),
        ('9' * 5000, None),
        ('clearly visible', None),
        ([], None),
        ({}, None),
    ],
)
def test_stated_scores(value, expected):
    assert read_score(value, score_scale([value])) == expected


def test_long_numbers_are_parsed_fast():
    start = time.process_time()
    assert read_score('9' * 50_000, score_scale(['9' * 50_000])) is None
    assert time.process_time() - start < 2


def test_scale_is_inferred_from_the_largest_score():
    assert score_scale([95, 1, 'high']) == 100
    assert score_scale([9, 0.5]) == 10
    assert score_scale([1, 0.5, None]) == 1
    # These scales are known, so they give no evidence about others.
    assert score_scale(['95%', '8/10', 0.5]) == 1
    # Numbers outside all scales give no evidence.
    assert score_scale([700, 80]) == 100
    assert score_scale([]) == 1


SCORES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(),
    st.text('0123456789.,/%- outfhigh')
)  # yapf: disable


@given(st.lists(SCORES))
def test_any_value_gives_a_probability_or_none(values):
    scale = score_scale(values)
    assert scale in (1, 10, 100)
    for value in values:
        score = read_score(value, scale)
        assert score is None or 0 <= score <= 1
