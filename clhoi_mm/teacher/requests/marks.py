"""Numbered boxes drawn on an image (set-of-mark, arXiv 2310.11441)."""

from typing import List, Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from clhoi_mm.utils.label_layout import place_labels

# Smaller images are enlarged, so that numbers are legible.
_MIN_SIDE = 768
# Height of numbers relative to the longer side, from the preferred one down
# to the smallest, where there are many boxes.
_HEIGHTS = (0.026, 0.021, 0.017)
# Upper part of a person's box that stays visible.
_HEAD = 0.3
# Cost of covering a head, in those of covering an object.
_HEAD_COST = 4
_COLORS = ((0, 96, 186), (200, 70, 0), (0, 122, 86), (178, 38, 120),
           (104, 72, 190), (142, 96, 0), (0, 118, 140), (196, 24, 40),
           (86, 110, 0), (60, 60, 60))  # fmt: skip
_WHITE = (255, 255, 255)


def draw_marks(
    image: Image.Image, boxes: Sequence[Sequence[float]], persons: List[int]
) -> Image.Image:
    """Draw boxes with their numbers, from 1.

    Numbers do not overlap each other and keep off heads and objects; a line
    connects a number with its box where it had to move away. Small images
    are enlarged.

    Args:
        image (PIL.Image.Image): RGB.
        boxes (Sequence): Boxes, xyxy relative to width and height, (N, 4).
        persons (List[int]): Numbers of the persons among them.

    Returns:
        PIL.Image.Image: RGB, a new image.
    """
    longer = max(image.size)
    if longer < _MIN_SIDE:
        factor = _MIN_SIDE / longer
        image = image.resize(
            [max(round(side * factor), 1) for side in image.size],
            Image.Resampling.BICUBIC,
        )
    image = image.copy()
    size = np.array(image.size)
    scaled = np.asarray(boxes, np.float64).reshape(-1, 4) * np.tile(size, 2)
    scaled = scaled.clip(0, np.tile(size, 2) - 1)
    canvas = ImageDraw.Draw(image)
    stroke = max(2, round(max(image.size) / 400))
    for number in np.argsort(-_areas(scaled), kind='stable'):
        color = _COLORS[number % len(_COLORS)]
        for width, ink in ((stroke + 2, _WHITE), (stroke, color)):
            canvas.rectangle(tuple(scaled[number]), outline=ink, width=width)
    tags, font = _place(scaled, persons, image.size)
    for number, (tag, box) in enumerate(zip(tags, scaled)):
        if tag is not None:
            color = _COLORS[number % len(_COLORS)]
            _draw_leader(canvas, tag, box, color, stroke)
    for number, tag in enumerate(tags):
        if tag is not None:
            color = _COLORS[number % len(_COLORS)]
            canvas.rounded_rectangle(tuple(tag), stroke + 1, color, _WHITE)
            canvas.text(
                tuple((tag[:2] + tag[2:]) / 2),
                str(number + 1),
                _WHITE,
                font,
                'mm',
            )
    return image


def _place(
    boxes: np.ndarray, persons: List[int], size: Tuple[int, int]
) -> Tuple[list, ImageFont.FreeTypeFont]:
    """Place the numbers, as large as all find room."""
    is_person = np.isin(np.arange(1, len(boxes) + 1), persons)
    heads = boxes[is_person].copy()
    heads[:, 3] = heads[:, 1] + _HEAD * (heads[:, 3] - heads[:, 1])
    avoid = np.concatenate([*[heads] * _HEAD_COST, boxes[~is_person]])
    # A person's number belongs on the body, an object's beside it.
    anchors = np.where(
        is_person[:, None],
        np.stack(
            [
                boxes[:, [0, 2]].mean(1),
                boxes[:, 1] + 0.6 * (boxes[:, 3] - boxes[:, 1]),
            ],
            1,
        ),
        np.stack([boxes[:, [0, 2]].mean(1), boxes[:, 1]], 1),
    )
    for height in _HEIGHTS:
        font = ImageFont.load_default(max(round(height * max(size)), 11))
        line = sum(font.getmetrics())
        widths = [font.getlength(str(i)) for i in range(1, len(boxes) + 1)]
        tags = place_labels(
            [np.array([width + 0.5 * line, line]) for width in widths],
            list(anchors),
            size,
            line,
            avoid,
            # Each box needs its number, on a head if nowhere else.
            faces=np.zeros((0, 4)),
        )
        if all(tag is not None for tag in tags):
            break
    return tags, font


def _draw_leader(
    canvas: ImageDraw.ImageDraw,
    tag: np.ndarray,
    box: np.ndarray,
    color: Tuple[int, int, int],
    stroke: int,
) -> None:
    """Draw a line from a number to its box, if they do not touch."""
    center = (tag[:2] + tag[2:]) / 2
    nearest = center.clip(box[:2], box[2:])
    if (nearest < tag[:2]).any() or (nearest > tag[2:]).any():
        ends = [tuple(center), tuple(nearest)]
        canvas.line(ends, _WHITE, stroke + 2)
        canvas.line(ends, color, stroke)


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2:] - boxes[:, :2]).prod(1)
