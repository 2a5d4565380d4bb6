import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mini_world.canvas import Canvas, shade
from mini_world.dice import Dice
from mini_world.frame import Frame


def test_box_area_and_visible_fraction_by_hand():
    canvas = Canvas(40, 30)
    canvas.begin(1)
    canvas.rectangle(10, 5, 30, 15, (255, 0, 0))
    canvas.begin(2)
    canvas.rectangle(20, 0, 40, 30, (0, 255, 0))
    canvas.end()
    # The second hides the right half of the first.
    assert canvas.box(1) == pytest.approx([10, 5, 20, 15], abs=0.4)
    assert canvas.box(2) == pytest.approx([20, 0, 40, 30], abs=0.4)
    assert canvas.visible_fraction(1) == pytest.approx(0.5, abs=0.04)
    assert canvas.visible_fraction(2) == 1
    assert canvas.area(1) == pytest.approx(100, rel=0.06)
    picture = canvas.picture()
    assert picture.shape == (30, 40, 3)
    assert picture[10, 15].tolist() == [255, 0, 0]
    assert picture[10, 25].tolist() == [0, 255, 0]


def test_repeated_drawing_counts_once():
    canvas = Canvas(20, 20)
    for _ in range(2):
        canvas.begin(1)
        canvas.rectangle(2, 2, 12, 12, (9, 9, 9))
    canvas.begin(Canvas.PROP)
    canvas.rectangle(2, 2, 12, 7, (8, 8, 8))
    canvas.end()
    assert canvas.visible_fraction(1) == pytest.approx(0.5, abs=0.06)


def test_undrawn_instance_has_no_box():
    canvas = Canvas(20, 20)
    canvas.begin(3)
    canvas.rectangle(30, 30, 40, 40, (9, 9, 9))
    canvas.end()
    assert canvas.box(3) is None
    assert canvas.visible_fraction(3) == 0


@pytest.mark.parametrize('shape', ['ellipse', 'limb', 'polygon'])
def test_box_is_tight_around_the_drawing(shape):
    canvas = Canvas(40, 40)
    canvas.begin(1)
    color = (200, 10, 10)
    if shape == 'ellipse':
        canvas.ellipse((20, 20), (9, 6), color, edge=0)
    elif shape == 'limb':
        canvas.limb([(8, 9), (20, 25), (31, 11)], 4, color, 0)
    else:
        canvas.polygon([(5, 6), (30, 9), (17, 33)], color, 0)
    canvas.end()
    ys, xs = np.nonzero((canvas.colors == color).all(axis=2))
    drawn = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
    assert canvas.box(1) == pytest.approx([v / 3 for v in drawn])


def test_shade_darkens_and_lightens():
    assert shade((100, 200, 50), 0.5) == (50, 100, 25)
    assert shade((155, 255, 55), 2) == (205, 255, 155)


def test_frame_maps_both_facings_and_inverts():
    right, left = Frame(10, 20, 4), Frame(10, 20, 4, facing=-1)
    assert right.at(1, 2) == pytest.approx((14, 12))
    assert left.at(1, 2) == pytest.approx((6, 12))
    assert left.local(left.at(0.3, 0.7)) == pytest.approx((0.3, 0.7))
    # A quarter turn raises points in front.
    assert Frame(0, 0, 1, tilt=90).at(1, 0) == pytest.approx((0, -1))


@given(st.integers(0, 2**32), st.integers(0, 1000))
def test_dice_depend_on_their_keys_only(seed, index):
    draws = [Dice(seed, index).uniform() for _ in range(2)]
    assert draws[0] == draws[1]
    assert draws[0] != Dice(seed, index + 1).uniform()


@given(st.integers(0, 999), st.floats(-9, 9), st.floats(0, 9))
def test_dice_stay_in_their_ranges(seed, center, spread):
    dice = Dice(seed)
    assert abs(dice.around(center, spread) - center) <= spread + 1e-9
    assert dice.integer(2, 4) in (2, 3, 4)
    assert dice.pick('abc', (0, 1, 0)) == 'b'
    assert all(0 <= c <= 255 for c in dice.tint((0, 128, 255), 60))
