"""Numbered boxes on images."""

import numpy as np
import pytest
from PIL import Image

from clhoi_mm.teacher.requests import marks
from clhoi_mm.teacher.requests.marks import draw_marks


def tags_of(boxes, persons, size, monkeypatch):
    """Draw marks and return the image and the number tags."""
    placed = []
    place = marks._place

    def spy(*args):
        placed.append(place(*args))
        return placed[-1]

    monkeypatch.setattr(marks, '_place', spy)
    image = Image.new('RGB', size, (200, 200, 200))
    picture = draw_marks(image, boxes, persons)
    return picture, placed[0][0], placed[0][1]


def overlaps(one, other):
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    return (sides > 0).all()


@pytest.mark.parametrize('size', [(224, 160), (1024, 683), (500, 900)])
def test_numbers_of_small_boxes_are_legible_and_disjoint(size, monkeypatch):
    rng = np.random.default_rng(0)
    corners = rng.random((30, 2)) * 0.9
    boxes = np.hstack([corners, corners + 0.01 + rng.random((30, 2)) * 0.06])
    picture, tags, font = tags_of(boxes, list(range(1, 11)), size, monkeypatch)
    assert max(picture.size) >= 768  # Small images are enlarged.
    assert font.size >= 13
    assert all(tag is not None for tag in tags)
    for i, tag in enumerate(tags):
        assert (tag[:2] >= 0).all() and (tag[2:] <= picture.size).all()
        assert not any(overlaps(tag, other) for other in tags[:i])


def test_numbers_avoid_heads_and_objects(monkeypatch):
    boxes = [(0.1, 0.2, 0.3, 0.9), (0.25, 0.5, 0.35, 0.6)]
    picture, tags, _ = tags_of(boxes, [1], (640, 480), monkeypatch)
    width, height = picture.size
    head = np.array([0.1, 0.2, 0.3, 0.2 + 0.25 * 0.7]) * [
        width, height, width, height,
    ]  # fmt: skip
    thing = np.array(boxes[1]) * [width, height, width, height]
    for tag in tags:
        assert not overlaps(tag, head) and not overlaps(tag, thing)
    # The person's number is on the body.
    body = np.array(boxes[0]) * [width, height, width, height]
    assert overlaps(tags[0], body)


def test_input_image_is_unchanged():
    image = Image.new('RGB', (800, 600), (200, 200, 200))
    picture = draw_marks(image, [(0.2, 0.2, 0.6, 0.6)], [1])
    assert image.getcolors() == [(800 * 600, (200, 200, 200))]
    assert len(picture.getcolors(1 << 20)) > 3
    assert draw_marks(image, [], []).tobytes() == image.tobytes()


def test_boxes_beyond_the_image_are_clipped():
    image = Image.new('RGB', (800, 600))
    draw_marks(image, [(-0.5, 0.2, 1.6, 0.6), (0.5, 0.5, 0.5, 0.5)], [1])
