"""Drawings of the objects of the world.

Lengths are in heights of a person at the same depth.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .canvas import Canvas, shade
from .frame import Frame

if TYPE_CHECKING:
    from .things import Thing


def _horse(thing: 'Thing', canvas: Canvas, f: Frame) -> None:
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


def _bicycle(thing: 'Thing', canvas: Canvas, f: Frame) -> None:
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


def _skateboard(thing: 'Thing', canvas: Canvas, f: Frame) -> None:
    h = f.unit
    for u in (-0.18, 0.18):
        canvas.ellipse(f.at(u, 0.04), (0.045 * h, 0.045 * h), (245, 240, 220))
    canvas.limb(
        f.all([(-0.28, 0.15), (-0.2, 0.1), (0.2, 0.1), (0.28, 0.15)]),
        0.055 * h,
        thing.paint,
    )
    canvas.limb(f.all([(-0.12, 0.1), (0.12, 0.1)]), 0.025 * h, thing.second, 0)


def _dog(thing: 'Thing', canvas: Canvas, f: Frame) -> None:
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


def _car(thing: 'Thing', canvas: Canvas, f: Frame) -> None:
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


def _ball(thing: 'Thing', canvas: Canvas, f: Frame) -> None:
    r = 0.13 * f.unit
    canvas.ellipse((f.x, f.y), (r, r), thing.paint)
    mark = (40, 40, 46) if thing.pattern == 0 else shade(thing.second, 0.8)
    turn = thing.sway * 3
    for k in range(3):
        a = turn + k * 2.1
        spot = (f.x + 0.55 * r * np.cos(a), f.y + 0.55 * r * np.sin(a))
        canvas.ellipse(spot, (0.26 * r, 0.26 * r), mark, edge=0)


def _umbrella(thing: 'Thing', canvas: Canvas, f: Frame) -> None:
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


def _book(thing: 'Thing', canvas: Canvas, f: Frame) -> None:
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


def _cup(thing: 'Thing', canvas: Canvas, f: Frame) -> None:
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


def _suitcase(thing: 'Thing', canvas: Canvas, f: Frame) -> None:
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


DRAW: dict[str, Callable[['Thing', Canvas, Frame], None]] = {
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
