"""Picture of an image with its interactions."""

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw

from clhoi_mm.utils.boxes import pairwise_ious
from clhoi_mm.utils.label_layout import place_labels

from .fonts import line_height, load_font, wrap
from .scene import SAME_BOX_IOU, DrawnPair, Scene

# Dark enough for white text.
COLORS = ((0, 96, 186), (200, 70, 0), (0, 122, 86), (178, 38, 120),
           (104, 72, 190), (142, 96, 0), (0, 118, 140), (196, 24, 40),
           (86, 110, 0), (90, 84, 84))  # fmt: skip
WHITE = (255, 255, 255)
# Pictures are drawn at a multiple of their size and reduced, for smooth lines
# and text.
SUPERSAMPLING = 2
# Position of the label on the way from person to object.
ANCHOR = 0.6
# Minimum IoU of an object's box with a person's box that is the same person.
PERSON_IOU = 0.9
# A person's face, in the upper middle of the box: fraction of its width, ratio
# to that width in close-ups, and fractions of the box's height.
FACE_WIDTH, FACE_RATIO, FACE_HEIGHTS = 0.7, 0.7, (0.2, 0.4)
# Maximum fractions of the picture's width for a line of a label, and of its
# area for all labels; further ones are listed below the picture.
MAX_LINE, MAX_COVER = 0.42, 0.15
# Maximum number of verbs of a label.
MAX_VERBS = 4
# Maximum number of nested outlines of one box.
MAX_NESTED = 3


@dataclass
class Label:
    """Lines of text in a colored box.

    Args:
        lines (list[str]): The text.
        anchor (np.ndarray): Anchor point, (2,).
        color (tuple[int, int, int]): RGB of the box.
        box (np.ndarray, optional): Placed box, (4,) xyxy.
        number (str): Its number, if it is listed below the picture.
    """

    lines: List[str]
    anchor: np.ndarray
    color: Tuple[int, int, int]
    box: Optional[np.ndarray] = None
    number: str = ''


class Panel:
    """Draws a scene over an image.

    Line widths and text scale with the image.

    Args:
        image (np.ndarray): RGB, (H, W, 3) uint8.
        sides (tuple[int, int]): Minimum and maximum of the longer side, in
            pixels; the image is scaled to this range.
    """

    def __init__(self, image: np.ndarray, sides: Tuple[int, int]) -> None:
        height, width = image.shape[:2]
        longer = max(height, width)
        scale = np.clip(longer, *sides) / longer
        self.scale = scale * SUPERSAMPLING
        self.width = max(round(width * scale), 1) * SUPERSAMPLING
        self.height = max(round(height * scale), 1) * SUPERSAMPLING
        self.image = Image.fromarray(image).resize(
            (self.width, self.height), Image.Resampling.BICUBIC
        )
        self.canvas = ImageDraw.Draw(self.image, 'RGBA')
        unit = longer * self.scale / sides[0]
        self.stroke = round(2.5 * unit)
        self.padding = round(4 * unit)
        self.font = load_font(round(15 * unit))

    def draw(
        self, scene: Scene, numbers: Sequence[int], keep_size: bool = False
    ) -> Image.Image:
        """Draw a scene.

        Args:
            scene (Scene): Boxes in the coordinates of the given image.
            numbers (Sequence[int]): Number of each person of the scene, which
                determines the color.
            keep_size (bool): Whether to omit labels without free space rather
                than listing them below, for frames of a video. Defaults to
                False.

        Returns:
            PIL.Image.Image: RGB; higher than the image if labels are listed
            below it.
        """
        pairs = [self._to_panel(pair, numbers) for pair in scene.pairs]
        self._draw_boxes(pairs)
        for pair in reversed(pairs):  # the best on top
            self._draw_link(pair)
        tags = self._tag_persons(pairs) if scene.ids is not None else []
        inside, below = self._lay_out(pairs, tags, not keep_size)
        for label in inside:
            self._draw_leader(label)
        for label in [*tags, *inside]:
            self._draw_label(label)
        if not keep_size:
            self._append_below(below)
        return self.image.reduce(SUPERSAMPLING)

    def _to_panel(self, pair: DrawnPair, numbers: Sequence[int]) -> DrawnPair:
        """Convert a pair to the panel's pixels and person numbers."""
        limits = np.array([self.width, self.height] * 2) - 1

        def scaled(bbox: np.ndarray) -> np.ndarray:
            return (bbox.astype(np.float64) * self.scale).clip(0, limits)

        return DrawnPair(
            numbers[pair.person],
            scaled(pair.sub_bbox),
            None if pair.obj_bbox is None else scaled(pair.obj_bbox),
            pair.texts,
        )

    def _tag_persons(self, pairs: List[DrawnPair]) -> List[Label]:
        """Create persons' numbers in the corners of their boxes."""
        tags = []
        corners = {pair.person: pair.sub_bbox[:2] for pair in pairs}
        for person, corner in corners.items():
            tag = Label([f'{person + 1}'], corner, _color(person))
            size = self._label_size(tag)
            corner = np.minimum(corner, (self.width, self.height) - size)
            tag.box = np.concatenate([corner, corner + size])
            tags.append(tag)
        return tags

    def _draw_boxes(self, pairs: List[DrawnPair]) -> None:
        """Draw persons' boxes, and objects' in their persons' colors.

        The outlines of a shared box are nested; a person who is another
        one's object keeps only the person's outline.
        """
        if not pairs:
            return
        persons = {(p.person, *p.sub_bbox): p.sub_bbox for p in pairs}
        objects = {
            (p.person, *p.obj_bbox): p.obj_bbox
            for p in pairs
            if p.obj_bbox is not None
        }
        bodies = np.stack(list(persons.values()))
        objects = {
            key: bbox
            for key, bbox in objects.items()
            if pairwise_ious(bbox[None], bodies).max() < PERSON_IOU
        }
        boxes = np.stack([*persons.values(), *objects.values()])
        depths = np.tril(pairwise_ious(boxes, boxes) >= SAME_BOX_IOU, -1).sum(
            axis=1
        )
        for i, (person, *_) in enumerate([*persons, *objects]):
            is_object = i >= len(persons)
            if depths[i] >= MAX_NESTED:
                continue
            self._draw_outline(
                boxes[i],
                inset=depths[i] * 2.2 * self.stroke,
                color=_color(person),
                width=(0.7 if is_object else 1) * self.stroke,
                filled=is_object and not depths[i],
            )

    def _draw_outline(
        self,
        bbox: np.ndarray,
        inset: float,
        color: Tuple[int, ...],
        width: float,
        filled: bool,
    ) -> None:
        inset = min(inset, (bbox[2:] - bbox[:2]).min() / 3)
        x1, y1, x2, y2 = bbox + inset * np.array([1, 1, -1, -1])
        halo, radius = self.stroke / 2, 2 * self.stroke
        if filled:
            self.canvas.rounded_rectangle(
                (x1, y1, x2, y2), radius, (*color, 32)
            )
        self.canvas.rounded_rectangle(
            (x1 - halo, y1 - halo, x2 + halo, y2 + halo),
            radius + halo,
            outline=(*WHITE, 170),
            width=round(width + 2 * halo),
        )
        self.canvas.rounded_rectangle(
            (x1, y1, x2, y2), radius, outline=color, width=round(width)
        )

    def _draw_link(self, pair: DrawnPair) -> None:
        if pair.obj_bbox is None:
            return
        ends = [tuple(_center(pair.sub_bbox)), tuple(_center(pair.obj_bbox))]
        self._draw_line(ends, _color(pair.person), self.stroke)
        for x, y in ends:
            self._draw_dot(x, y, 1.8 * self.stroke, _color(pair.person))

    def _draw_line(
        self,
        points: List[Tuple[float, float]],
        color: Tuple[int, ...],
        width: float,
    ) -> None:
        self.canvas.line(points, (*WHITE, 190), round(width + self.stroke))
        self.canvas.line(points, color, round(width))

    def _draw_dot(
        self, x: float, y: float, radius: float, color: Tuple[int, ...]
    ) -> None:
        self.canvas.ellipse(
            (x - radius, y - radius, x + radius, y + radius),
            color,
            WHITE,
            round(self.stroke / 2),
        )

    def _lay_out(
        self, pairs: List[DrawnPair], tags: List[Label], numbered: bool
    ) -> Tuple[List[Label], List[Label]]:
        """Place labels in the picture, the others below it.

        The latter are replaced by numbers, if wanted.
        """
        labels = [
            Label(self._lines(pair), _anchor(pair), _color(pair.person))
            for pair in pairs
        ]
        areas = np.cumsum([self._label_size(each).prod() for each in labels])
        fitting = areas <= MAX_COVER * self.width * self.height
        fitting[:1] = True
        inside = self._place(
            [each for each, fits in zip(labels, fitting) if fits], pairs, tags
        )
        below = [label for label in labels if label.box is None]
        if not numbered:
            return inside, below
        for i, label in enumerate(below, 1):
            label.number = f'{i}'
        numbers = [
            Label([label.number], label.anchor, label.color) for label in below
        ]
        return inside + self._place(numbers, pairs, [*tags, *inside]), below

    def _lines(self, pair: DrawnPair) -> List[str]:
        """Break the texts of a pair's best verbs into lines."""
        texts = pair.texts[:MAX_VERBS]
        if len(pair.texts) > MAX_VERBS:
            texts = [*texts, f'+ {len(pair.texts) - MAX_VERBS}']
        width = MAX_LINE * self.width
        return [line for t in texts for line in wrap(t, self.font, width)]

    def _place(
        self,
        labels: List[Label],
        pairs: List[DrawnPair],
        taken: List[Label],
    ) -> List[Label]:
        """Assign boxes to labels and return the placed ones."""
        boxes = place_labels(
            [self._label_size(label) for label in labels],
            [label.anchor for label in labels],
            (self.width, self.height),
            line_height(self.font),
            _to_keep_visible(pairs, 2 * self.stroke),
            _faces(pairs),
            [label.box for label in taken],
        )
        for label, box in zip(labels, boxes):
            label.box = box
        return [label for label in labels if label.box is not None]

    def _label_size(self, label: Label) -> np.ndarray:
        width = max(self.font.getlength(line) for line in label.lines)
        height = len(label.lines) * line_height(self.font)
        return np.array([width + 3 * self.padding, height + self.padding])

    def _draw_leader(self, label: Label) -> None:
        """Draw a line from a displaced label to its anchor."""
        nearest = label.anchor.clip(label.box[:2], label.box[2:])
        distance = np.linalg.norm(nearest - label.anchor)
        if distance > line_height(self.font) / 2:
            self._draw_line(
                [tuple(nearest), tuple(label.anchor)],
                label.color,
                0.6 * self.stroke,
            )

    def _draw_label(self, label: Label) -> None:
        self.canvas.rounded_rectangle(
            tuple(label.box),
            1.5 * self.padding,
            label.color,
            (*WHITE, 200),
            round(self.stroke / 2),
        )
        x, y = label.box[:2] + self.padding * np.array([1.5, 0.5])
        for i, line in enumerate(label.lines):
            self.canvas.text(
                (x, y + i * line_height(self.font)), line, WHITE, self.font
            )

    def _append_below(self, labels: List[Label]) -> None:
        """Append numbered labels below the image, from left to right."""
        if not labels:
            return
        gap, x, y, row = self.padding, self.padding, self.height, 0
        for label in labels:
            label.lines[0] = f'{label.number} · {label.lines[0]}'
            size = self._label_size(label)
            if x > gap and x + size[0] > self.width:
                x, y, row = gap, y + row + gap, 0
            corner = np.array([x, y + gap])
            label.box = np.concatenate([corner, corner + size])
            x, row = x + size[0] + gap, max(row, size[1])
        image = Image.new('RGB', (self.width, round(y + row + 2 * gap)), WHITE)
        image.paste(self.image)
        self.image, self.canvas = image, ImageDraw.Draw(image, 'RGBA')
        for label in labels:
            self._draw_label(label)


def _color(person: int) -> Tuple[int, ...]:
    return COLORS[person % len(COLORS)]


def _center(bbox: np.ndarray) -> np.ndarray:
    return (bbox[:2] + bbox[2:]) / 2


def _anchor(pair: DrawnPair) -> np.ndarray:
    """Return the label's anchor, on the link or above."""
    if pair.obj_bbox is None:
        return np.array([_center(pair.sub_bbox)[0], pair.sub_bbox[1]])
    person, obj = _center(pair.sub_bbox), _center(pair.obj_bbox)
    return person + ANCHOR * (obj - person)


def _to_keep_visible(pairs: List[DrawnPair], radius: float) -> np.ndarray:
    """List boxes to keep visible, (B, 4) xyxy."""
    boxes = [np.zeros((0, 4))]
    square = radius * np.array([-1, -1, 1, 1])
    for pair in pairs:
        boxes.append(pair.sub_bbox[None])
        if pair.obj_bbox is not None:
            ends = [_center(pair.sub_bbox), _center(pair.obj_bbox)]
            boxes.append(pair.obj_bbox[None])
            boxes.append(np.tile(ends, 2) + square)
    return np.unique(np.concatenate(boxes), axis=0)


def _faces(pairs: List[DrawnPair]) -> np.ndarray:
    """Estimate the boxes of the persons' faces, (P, 4) xyxy."""
    persons = np.reshape([pair.sub_bbox for pair in pairs], (-1, 4))
    x1, y1, x2, y2 = np.unique(persons, axis=0).T
    width, (least, most) = FACE_WIDTH * (x2 - x1), FACE_HEIGHTS
    height = (FACE_RATIO * width).clip(least * (y2 - y1), most * (y2 - y1))
    center = (x1 + x2) / 2
    return np.stack(
        [center - width / 2, y1, center + width / 2, y1 + height], axis=1
    )
