"""The objects of the world and how they are drawn.

Lengths are in heights of a person who stands at the same depth.
"""

from collections.abc import Callable

import numpy as np

from .canvas import Canvas, Colour, Point, shade
from .dice import Dice
from .frame import Frame

_PAINT: dict[str, tuple[Colour, ...]] = {
    'horse': (
        (134, 84, 48),
        (92, 58, 40),
        (196, 150, 98),
        (226, 220, 210),
        (70, 62, 60),
        (168, 104, 60),
    ),
    'bicycle': (
        (206, 50, 54),
        (40, 104, 186),
        (44, 148, 96),
        (232, 164, 40),
        (130, 70, 160),
        (50, 54, 60),
    ),
    'skateboard': (
        (226, 96, 60),
        (60, 150, 170),
        (150, 90, 190),
        (236, 190, 60),
        (90, 170, 90),
        (214, 80, 130),
    ),
    'dog': (
        (176, 122, 70),
        (226, 198, 150),
        (96, 74, 62),
        (240, 236, 228),
        (66, 64, 70),
        (204, 140, 80),
    ),
    'car': (
        (204, 56, 56),
        (60, 110, 190),
        (240, 196, 64),
        (80, 160, 120),
        (226, 226, 232),
        (230, 130, 60),
    ),
    'ball': (
        (240, 240, 240),
        (236, 90, 60),
        (250, 200, 60),
        (90, 150, 230),
        (120, 200, 100),
        (220, 100, 170),
    ),
    'umbrella': (
        (210, 60, 80),
        (60, 90, 180),
        (240, 180, 60),
        (70, 150, 120),
        (140, 80, 160),
        (60, 66, 84),
    ),
    'book': (
        (180, 50, 50),
        (50, 80, 150),
        (60, 120, 80),
        (220, 160, 50),
        (110, 70, 130),
        (40, 130, 140),
    ),
    'cup': (
        (250, 250, 248),
        (220, 80, 70),
        (90, 150, 210),
        (250, 210, 90),
        (130, 190, 130),
        (60, 70, 90),
    ),
    'suitcase': (
        (150, 96, 58),
        (190, 60, 60),
        (60, 100, 140),
        (90, 90, 100),
        (70, 130, 110),
        (220, 170, 70),
    ),
}

KINDS = tuple(_PAINT)

# how wide and high a thing is when it stands by itself
EXTENT: dict[str, Point] = {
    'horse': (1.35, 1.2),
    'bicycle': (0.98, 0.66),
    'skateboard': (0.62, 0.17),
    'dog': (0.72, 0.5),
    'car': (1.6, 0.66),
    'ball': (0.27, 0.27),
    'umbrella': (0.8, 0.85),
    'book': (0.34, 0.26),
    'cup': (0.25, 0.22),
    'suitcase': (0.4, 0.46),
}


class Thing:
    """One object: its kind, where it is, and its looks.

    Args:
        kind (str): One of ``KINDS``.
        frame (Frame): Origin on the ground below its centre (its centre for
            a ball, the handle's foot for an umbrella).
        dice (Dice): Source of its looks.
    """

    def __init__(self, kind: str, frame: Frame, dice: Dice) -> None:
        self.kind = kind
        self.frame = frame
        self.paint = dice.tint(dice.pick(_PAINT[kind]), 18)
        self.second = dice.tint(dice.pick(_PAINT[kind]), 18)
        self.sway = dice.around(0, 1)
        self.pattern = dice.integer(0, 2)
        self.soapy = False
        self.opened = kind == 'book' and dice.chance(0.5)
        self._suds = dice.grid(14, 3)

    def anchor(self, name: str) -> Point:
        """Picture position of a named place on the thing."""
        return self.frame.at(*_ANCHORS[self.kind][name])

    def draw(self, canvas: Canvas) -> None:
        """Draw the thing, and the soap on it."""
        _DRAW[self.kind](self, canvas, self.frame)
        if self.soapy:
            self._draw_suds(canvas)

    def _draw_suds(self, canvas: Canvas) -> None:
        low, high, left, right = _SOAP[self.kind]
        for a, b, c in self._suds:
            spot = self.frame.at(
                left + a * (right - left), low + b * (high - low)
            )
            radius = (0.028 + 0.04 * c) * self.frame.unit
            canvas.ellipse(spot, (radius, radius), (244, 250, 255), edge=0.5)


def _horse(thing: Thing, canvas: Canvas, f: Frame) -> None:
    coat, dark, s = thing.paint, shade(thing.paint, 0.62), thing.sway * 0.06
    h = f.unit
    for u, du, tone in ((-0.36, -0.08, 0.8), (0.30, 0.08, 0.8)):
        canvas.limb(
            f.all([(u, 0.52), (u + du + s, 0.28), (u + du - s, 0.03)]),
            0.085 * h,
            shade(coat, tone),
        )
    canvas.limb(
        f.all([(-0.47, 0.76), (-0.58, 0.62), (-0.58 + s, 0.38)]),
        0.07 * h,
        dark,
    )
    canvas.limb(f.all([(0.34, 0.72), (0.5, 0.98)]), 0.2 * h, coat)
    canvas.ellipse(f.at(0, 0.66), (0.5 * h, 0.19 * h), coat)
    canvas.limb(f.all([(0.36, 0.72), (0.5, 0.98)]), 0.18 * h, coat, 0)
    for u, du in ((-0.40, 0.04), (0.34, -0.04)):
        canvas.limb(
            f.all([(u, 0.56), (u + du - s, 0.28), (u + du + s, 0.03)]),
            0.09 * h,
            coat,
        )
        canvas.limb(
            f.all([(u + du + s, 0.05), (u + du + s, 0.02)]),
            0.1 * h,
            (50, 42, 40),
            0,
        )
    canvas.limb(f.all([(0.5, 1.02), (0.68, 0.88)]), 0.14 * h, coat)
    canvas.polygon(f.all([(0.44, 1.06), (0.47, 1.2), (0.54, 1.08)]), coat)
    canvas.limb(
        f.all([(0.27, 0.86), (0.36, 0.98), (0.44, 1.1)]), 0.07 * h, dark, 0
    )
    canvas.ellipse(
        f.at(0.56, 1.02), (0.02 * h, 0.02 * h), (20, 16, 16), edge=0
    )


def _bicycle(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h, tyre = f.unit, (44, 44, 48)
    for u in (-0.28, 0.28):
        canvas.ring(f.at(u, 0.2), 0.19 * h, 0.045 * h, tyre)
        for angle in (0.4, 1.45, 2.5):
            a = angle + thing.sway
            du, dv = 0.17 * np.cos(a), 0.17 * np.sin(a)
            canvas.limb(
                f.all([(u - du, 0.2 - dv), (u + du, 0.2 + dv)]),
                0.012 * h,
                (170, 172, 178),
                0,
            )
    bar = 0.042 * h
    canvas.limb(
        f.all(
            [
                (-0.28, 0.2),
                (-0.02, 0.18),
                (0.22, 0.48),
                (-0.1, 0.44),
                (-0.28, 0.2),
            ]
        ),
        bar,
        thing.paint,
    )
    canvas.limb(f.all([(-0.02, 0.18), (-0.12, 0.52)]), bar, thing.paint)
    canvas.limb(
        f.all([(0.28, 0.2), (0.2, 0.6), (0.27, 0.64)]), bar, thing.paint
    )
    canvas.limb(f.all([(-0.2, 0.54), (-0.05, 0.54)]), 0.05 * h, (40, 36, 36))
    canvas.ellipse(f.at(-0.02, 0.18), (0.05 * h, 0.05 * h), (90, 92, 98))


def _skateboard(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h = f.unit
    for u in (-0.18, 0.18):
        canvas.ellipse(f.at(u, 0.04), (0.045 * h, 0.045 * h), (245, 240, 220))
    canvas.limb(
        f.all([(-0.28, 0.15), (-0.2, 0.1), (0.2, 0.1), (0.28, 0.15)]),
        0.055 * h,
        thing.paint,
    )
    canvas.limb(f.all([(-0.12, 0.1), (0.12, 0.1)]), 0.025 * h, thing.second, 0)


def _dog(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h, coat, s = f.unit, thing.paint, thing.sway * 0.03
    for u in (-0.14, 0.14):
        canvas.limb(
            f.all([(u + 0.04, 0.2), (u + 0.04 - s, 0.02)]),
            0.06 * h,
            shade(coat, 0.8),
        )
    canvas.limb(
        f.all([(-0.2, 0.27), (-0.3, 0.36), (-0.31, 0.44 + s)]), 0.045 * h, coat
    )
    canvas.ellipse(f.at(0, 0.25), (0.23 * h, 0.1 * h), coat)
    for u in (-0.17, 0.13):
        canvas.limb(f.all([(u, 0.22), (u + s, 0.02)]), 0.065 * h, coat)
    canvas.ellipse(f.at(0.24, 0.38), (0.095 * h, 0.085 * h), coat)
    canvas.limb(
        f.all([(0.28, 0.36), (0.37, 0.34)]), 0.075 * h, shade(coat, 1.2)
    )
    canvas.ellipse(
        f.at(0.4, 0.355), (0.022 * h, 0.02 * h), (24, 20, 22), edge=0
    )
    canvas.limb(
        f.all([(0.17, 0.43), (0.15, 0.32)]), 0.055 * h, shade(coat, 0.6)
    )
    canvas.ellipse(
        f.at(0.27, 0.4), (0.016 * h, 0.016 * h), (20, 16, 16), edge=0
    )


def _car(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h = f.unit
    canvas.polygon(
        f.all([(-0.5, 0.36), (-0.36, 0.62), (0.16, 0.62), (0.4, 0.36)]),
        thing.paint,
    )
    canvas.polygon(
        f.all([(-0.42, 0.38), (-0.32, 0.58), (-0.1, 0.58), (-0.1, 0.38)]),
        (178, 214, 230),
    )
    canvas.polygon(
        f.all([(-0.05, 0.38), (-0.05, 0.58), (0.13, 0.58), (0.31, 0.38)]),
        (178, 214, 230),
    )
    canvas.polygon(
        f.all(
            [
                (-0.76, 0.14),
                (-0.77, 0.34),
                (-0.68, 0.4),
                (0.46, 0.4),
                (0.74, 0.32),
                (0.78, 0.14),
            ]
        ),
        thing.paint,
    )
    canvas.limb(
        f.all([(-0.7, 0.2), (0.72, 0.2)]), 0.02 * h, shade(thing.paint, 0.7), 0
    )
    canvas.ellipse(f.at(0.72, 0.29), (0.035 * h, 0.035 * h), (255, 246, 180))
    for u in (-0.44, 0.46):
        canvas.ellipse(f.at(u, 0.135), (0.135 * h, 0.135 * h), (42, 42, 46))
        canvas.ellipse(f.at(u, 0.135), (0.06 * h, 0.06 * h), (200, 202, 208))


def _ball(thing: Thing, canvas: Canvas, f: Frame) -> None:
    r = 0.13 * f.unit
    canvas.ellipse((f.x, f.y), (r, r), thing.paint)
    mark = (40, 40, 46) if thing.pattern == 0 else shade(thing.second, 0.8)
    turn = thing.sway * 3
    for k in range(3):
        a = turn + k * 2.1
        spot = (f.x + 0.55 * r * np.cos(a), f.y + 0.55 * r * np.sin(a))
        canvas.ellipse(spot, (0.26 * r, 0.26 * r), mark, edge=0)


def _umbrella(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h = f.unit
    canvas.limb(f.all([(0, -0.04), (0, 0.58)]), 0.028 * h, (80, 70, 66), 0)
    canvas.limb(
        f.all([(0, -0.04), (0.04, -0.08), (0.07, -0.04)]),
        0.028 * h,
        (80, 70, 66),
        0,
    )
    angles = np.linspace(0, np.pi, 13)
    dome = [(0.4 * np.cos(a), 0.5 + 0.26 * np.sin(a)) for a in angles]
    hem = [(-0.4 + 0.1 * k, 0.5 if k % 2 == 0 else 0.535) for k in range(9)]
    canvas.polygon(f.all(dome + hem[1:-1]), thing.paint)
    rib = thing.second if thing.pattern else shade(thing.paint, 1.5)
    canvas.polygon(
        f.all(
            [
                (-0.13, 0.53),
                (-0.09, 0.68),
                (0, 0.76),
                (0.09, 0.68),
                (0.13, 0.53),
                (0, 0.5),
            ]
        ),
        rib,
        0.3,
    )
    canvas.limb(f.all([(0, 0.75), (0, 0.79)]), 0.03 * h, (80, 70, 66), 0)


def _book(thing: Thing, canvas: Canvas, f: Frame) -> None:
    if thing.opened:
        for side in (-1, 1):
            canvas.polygon(
                f.all(
                    [
                        (0, 0),
                        (side * 0.17, 0.05),
                        (side * 0.17, 0.26),
                        (0, 0.21),
                    ]
                ),
                thing.paint,
            )
            canvas.polygon(
                f.all(
                    [
                        (0, 0.03),
                        (side * 0.14, 0.07),
                        (side * 0.14, 0.25),
                        (0, 0.21),
                    ]
                ),
                (250, 248, 236),
                0.4,
            )
        return
    canvas.polygon(
        f.all([(-0.11, 0), (0.11, 0), (0.11, 0.27), (-0.11, 0.27)]),
        thing.paint,
    )
    canvas.polygon(
        f.all([(0.11, 0), (0.14, 0.03), (0.14, 0.29), (0.11, 0.27)]),
        (246, 242, 228),
        0.4,
    )
    canvas.polygon(
        f.all([(-0.06, 0.16), (0.06, 0.16), (0.06, 0.21), (-0.06, 0.21)]),
        (250, 236, 180),
        0,
    )


def _cup(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h = f.unit
    canvas.ring(f.at(-0.1, 0.11), 0.055 * h, 0.032 * h, thing.paint)
    canvas.polygon(
        f.all([(-0.08, 0), (0.08, 0), (0.1, 0.21), (-0.1, 0.21)]), thing.paint
    )
    canvas.polygon(
        f.all([(-0.09, 0.08), (0.09, 0.08), (0.095, 0.13), (-0.095, 0.13)]),
        thing.second,
        0,
    )
    canvas.ellipse(f.at(0, 0.21), (0.1 * h, 0.03 * h), (96, 62, 44))


def _suitcase(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h = f.unit
    canvas.limb(
        f.all([(-0.08, 0.33), (-0.08, 0.42), (0.08, 0.42), (0.08, 0.33)]),
        0.03 * h,
        (60, 52, 48),
        0,
    )
    canvas.polygon(
        f.all([(-0.2, 0.02), (0.2, 0.02), (0.2, 0.34), (-0.2, 0.34)]),
        thing.paint,
    )
    for u in (-0.12, 0.12):
        canvas.polygon(
            f.all(
                [
                    (u - 0.02, 0.02),
                    (u + 0.02, 0.02),
                    (u + 0.02, 0.34),
                    (u - 0.02, 0.34),
                ]
            ),
            shade(thing.paint, 0.6),
            0,
        )
    for u in (-0.14, 0.14):
        canvas.ellipse(f.at(u, 0.01), (0.025 * h, 0.025 * h), (40, 40, 42))


_DRAW: dict[str, Callable[[Thing, Canvas, Frame], None]] = {
    'horse': _horse,
    'bicycle': _bicycle,
    'skateboard': _skateboard,
    'dog': _dog,
    'car': _car,
    'ball': _ball,
    'umbrella': _umbrella,
    'book': _book,
    'cup': _cup,
    'suitcase': _suitcase,
}

_ANCHORS: dict[str, dict[str, Point]] = {
    'horse': {
        'seat': (-0.04, 0.86),
        'foot': (0.08, 0.46),
        'grip': (0.3, 0.98),
        'mouth': (0.76, 0.84),
        'flank': (-0.2, 0.7),
        'bridle': (0.6, 0.86),
        'middle': (0, 0.7),
    },
    'bicycle': {
        'seat': (-0.12, 0.56),
        'foot': (0.02, 0.13),
        'grip': (0.26, 0.66),
        'flank': (-0.12, 0.4),
        'middle': (0, 0.35),
    },
    'skateboard': {'deck': (0, 0.13), 'middle': (0, 0.1)},
    'dog': {
        'mouth': (0.42, 0.36),
        'collar': (0.17, 0.31),
        'middle': (0, 0.28),
    },
    'car': {'flank': (-0.62, 0.4), 'middle': (0, 0.4)},
}

# where soap may be: low, high, left, right
_SOAP: dict[str, tuple[float, float, float, float]] = {
    'horse': (0.56, 0.84, -0.42, 0.38),
    'car': (0.2, 0.62, -0.62, 0.5),
}
