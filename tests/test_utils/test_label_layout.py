import numpy as np
import pytest

pytest.importorskip('mmdet')

from hypothesis import given, settings
from hypothesis import strategies as st

from clhoi_mm.utils.label_layout import place_labels

AREA, LINE = (200, 120), 12
NOTHING = np.zeros((0, 4))
label = st.tuples(
    st.integers(10, 90),
    st.integers(12, 40),
    st.integers(0, 200),
    st.integers(0, 120),
)


def place(sizes, anchors, **kwargs):
    kwargs.setdefault('avoid', NOTHING)
    kwargs.setdefault('faces', NOTHING)
    return place_labels(
        np.array(sizes, dtype=float),
        np.array(anchors, dtype=float),
        AREA,
        LINE,
        **kwargs,
    )


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(label, min_size=1, max_size=15))
def test_labels_are_inside_and_disjoint(labels):
    boxes = place([row[:2] for row in labels], [row[2:] for row in labels])
    assert boxes[0] is not None
    shown = [box for box in boxes if box is not None]
    for i, (x1, y1, x2, y2) in enumerate(shown):
        assert 0 <= x1 < x2 <= AREA[0] and 0 <= y1 < y2 <= AREA[1]
        for u1, v1, u2, v2 in shown[:i]:
            assert x2 <= u1 or u2 <= x1 or y2 <= v1 or v2 <= y1


def test_label_is_placed_at_its_anchor():
    (box,) = place([[60, 16]], [[100, 60]])
    centre = (box[:2] + box[2:]) / 2
    np.testing.assert_allclose(centre, [100, 60], atol=LINE / 3)


def test_object_stays_visible():
    avoid = np.array([[90.0, 50.0, 110.0, 70.0]])
    (box,) = place([[60, 16]], [[100, 60]], avoid=avoid)
    assert box[3] <= 50 or box[1] >= 70


def test_no_free_place():
    assert place([[60, 16]], [[100, 60]], taken=[[0, 0, 200, 120]]) == [None]
    assert place([[300, 16]], [[100, 60]]) == [None]


def test_face_is_never_covered():
    face = np.array([[60.0, 20.0, 140.0, 100.0]])
    (box,) = place([[60, 16]], [[100, 60]], faces=face)
    covered = np.minimum(box[2:], face[0, 2:]) - np.maximum(
        box[:2], face[0, :2]
    )
    assert covered.clip(min=0).prod() <= 0.2 * 80 * 80
    everywhere = np.array([[x, 0.0, x + 10, 120.0] for x in range(0, 200, 10)])
    assert place([[60, 100]], [[100, 60]], faces=everywhere) == [None]
