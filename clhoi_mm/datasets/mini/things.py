"""The objects of the world and how they are drawn.

Lengths are in heights of a person who stands at the same depth.
"""
from collections.abc import Callable

import numpy as np

from .canvas import Canvas, Colour, Point, shade
from .dice import Dice
from .frame import Frame

_PAINT: dict[str, tuple[Colour, ...]] = {
    'horse': ((134, 84, 48), (92, 58, 40), (196, 150, 98), (226, 220, 210),
              (70, 62, 60), (168, 104, 60)),
    'bicycle': ((206, 50, 54), (40, 104, 186), (44, 148, 96), (232, 164, 40),
                (130, 70, 160), (50, 54, 60)),
    'skateboard': ((226, 96, 60), (60, 150, 170), (150, 90, 190),
                   (236, 190, 60), (90, 170, 90), (214, 80, 130)),
    'dog': ((176, 122, 70), (226, 198, 150), (96, 74, 62), (240, 236, 228),
            (66, 64, 70), (204, 140, 80)),
    'car': ((204, 56, 56), (60, 110, 190), (240, 196, 64), (80, 160, 120),
            (226, 226, 232), (230, 130, 60)),
    'ball': ((240, 240, 240), (236, 90, 60), (250, 200, 60), (90, 150, 230),
             (120, 200, 100), (220, 100, 170)),
    'umbrella': ((210, 60, 80), (60, 90, 180), (240, 180, 60), (70, 150, 120),
                 (140, 80, 160), (60, 66, 84)),
    'book': ((180, 50, 50), (50, 80, 150), (60, 120, 80), (220, 160, 50),
             (110, 70, 130), (40, 130, 140)),
    'cup': ((250, 250, 248), (220, 80, 70), (90, 150, 210), (250, 210, 90),
            (130, 190, 130), (60, 70, 90)),
    'suitcase': ((150, 96, 58), (190, 60, 60), (60, 100, 140), (90, 90, 100),
                 (70, 130, 110), (220, 170, 70)),
}

KINDS = tuple(_PAINT)

# how wide and high a thing is when it stands by itself
EXTENT: dict[str, Point] = {
    'horse': (1.35, 1.2), 'bicycle': (0.98, 0.66), 'skateboard': (0.62, 0.17),
    'dog': (0.72, 0.5), 'car': (1.6, 0.66), 'ball': (0.27, 0.27),
    'umbrella': (0.8, 0.85), 'book': (0.34, 0.26), 'cup': (0.25, 0.22),
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
            spot = self.frame.at(left + a * (right - left),
                                 low + b * (high - low))
            radius = (0.028 + 0.04 * c) * self.frame.unit
            canvas.ellipse(spot, (radius, radius), (244, 250, 255), edge=0.5)


def _horse(thing: Thing, canvas: Canvas, f: Frame) -> None:
    coat, dark, s = thing.paint, shade(thing.paint, 0.62), thing.sway * 0.06
    h = f.unit
    for u, du, tone in ((-.36, -.08, .8), (.30, .08, .8)):
        canvas.limb(f.all([(u, .52), (u + du + s, .28), (u + du - s, .03)]),
                    .085 * h, shade(coat, tone))
    canvas.limb(f.all([(-.47, .76), (-.58, .62), (-.58 + s, .38)]), .07 * h,
                dark)
    canvas.limb(f.all([(.34, .72), (.5, .98)]), .2 * h, coat)
    canvas.ellipse(f.at(0, .66), (.5 * h, .19 * h), coat)
    canvas.limb(f.all([(.36, .72), (.5, .98)]), .18 * h, coat, 0)
    for u, du in ((-.40, .04), (.34, -.04)):
        canvas.limb(f.all([(u, .56), (u + du - s, .28), (u + du + s, .03)]),
                    .09 * h, coat)
        canvas.limb(f.all([(u + du + s, .05), (u + du + s, .02)]), .1 * h,
                    (50, 42, 40), 0)
    canvas.limb(f.all([(.5, 1.02), (.68, .88)]), .14 * h, coat)
    canvas.polygon(f.all([(.44, 1.06), (.47, 1.2), (.54, 1.08)]), coat)
    canvas.limb(f.all([(.27, .86), (.36, .98), (.44, 1.1)]), .07 * h, dark, 0)
    canvas.ellipse(f.at(.56, 1.02), (.02 * h, .02 * h), (20, 16, 16), edge=0)


def _bicycle(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h, tyre = f.unit, (44, 44, 48)
    for u in (-.28, .28):
        canvas.ring(f.at(u, .2), .19 * h, .045 * h, tyre)
        for angle in (0.4, 1.45, 2.5):
            a = angle + thing.sway
            du, dv = .17 * np.cos(a), .17 * np.sin(a)
            canvas.limb(f.all([(u - du, .2 - dv), (u + du, .2 + dv)]),
                        .012 * h, (170, 172, 178), 0)
    bar = .042 * h
    canvas.limb(f.all([(-.28, .2), (-.02, .18), (.22, .48), (-.1, .44),
                       (-.28, .2)]), bar, thing.paint)
    canvas.limb(f.all([(-.02, .18), (-.12, .52)]), bar, thing.paint)
    canvas.limb(f.all([(.28, .2), (.2, .6), (.27, .64)]), bar, thing.paint)
    canvas.limb(f.all([(-.2, .54), (-.05, .54)]), .05 * h, (40, 36, 36))
    canvas.ellipse(f.at(-.02, .18), (.05 * h, .05 * h), (90, 92, 98))


def _skateboard(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h = f.unit
    for u in (-.18, .18):
        canvas.ellipse(f.at(u, .04), (.045 * h, .045 * h), (245, 240, 220))
    canvas.limb(f.all([(-.28, .15), (-.2, .1), (.2, .1), (.28, .15)]),
                .055 * h, thing.paint)
    canvas.limb(f.all([(-.12, .1), (.12, .1)]), .025 * h, thing.second, 0)


def _dog(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h, coat, s = f.unit, thing.paint, thing.sway * 0.03
    for u in (-.14, .14):
        canvas.limb(f.all([(u + .04, .2), (u + .04 - s, .02)]), .06 * h,
                    shade(coat, .8))
    canvas.limb(f.all([(-.2, .27), (-.3, .36), (-.31, .44 + s)]), .045 * h,
                coat)
    canvas.ellipse(f.at(0, .25), (.23 * h, .1 * h), coat)
    for u in (-.17, .13):
        canvas.limb(f.all([(u, .22), (u + s, .02)]), .065 * h, coat)
    canvas.ellipse(f.at(.24, .38), (.095 * h, .085 * h), coat)
    canvas.limb(f.all([(.28, .36), (.37, .34)]), .075 * h, shade(coat, 1.2))
    canvas.ellipse(f.at(.4, .355), (.022 * h, .02 * h), (24, 20, 22), edge=0)
    canvas.limb(f.all([(.17, .43), (.15, .32)]), .055 * h, shade(coat, .6))
    canvas.ellipse(f.at(.27, .4), (.016 * h, .016 * h), (20, 16, 16), edge=0)


def _car(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h = f.unit
    canvas.polygon(f.all([(-.5, .36), (-.36, .62), (.16, .62), (.4, .36)]),
                   thing.paint)
    canvas.polygon(f.all([(-.42, .38), (-.32, .58), (-.1, .58), (-.1, .38)]),
                   (178, 214, 230))
    canvas.polygon(f.all([(-.05, .38), (-.05, .58), (.13, .58), (.31, .38)]),
                   (178, 214, 230))
    canvas.polygon(f.all([(-.76, .14), (-.77, .34), (-.68, .4), (.46, .4),
                          (.74, .32), (.78, .14)]), thing.paint)
    canvas.limb(f.all([(-.7, .2), (.72, .2)]), .02 * h,
                shade(thing.paint, .7), 0)
    canvas.ellipse(f.at(.72, .29), (.035 * h, .035 * h), (255, 246, 180))
    for u in (-.44, .46):
        canvas.ellipse(f.at(u, .135), (.135 * h, .135 * h), (42, 42, 46))
        canvas.ellipse(f.at(u, .135), (.06 * h, .06 * h), (200, 202, 208))


def _ball(thing: Thing, canvas: Canvas, f: Frame) -> None:
    r = .13 * f.unit
    canvas.ellipse((f.x, f.y), (r, r), thing.paint)
    mark = (40, 40, 46) if thing.pattern == 0 else shade(thing.second, 0.8)
    turn = thing.sway * 3
    for k in range(3):
        a = turn + k * 2.1
        spot = (f.x + .55 * r * np.cos(a), f.y + .55 * r * np.sin(a))
        canvas.ellipse(spot, (.26 * r, .26 * r), mark, edge=0)


def _umbrella(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h = f.unit
    canvas.limb(f.all([(0, -.04), (0, .58)]), .028 * h, (80, 70, 66), 0)
    canvas.limb(f.all([(0, -.04), (.04, -.08), (.07, -.04)]), .028 * h,
                (80, 70, 66), 0)
    angles = np.linspace(0, np.pi, 13)
    dome = [(.4 * np.cos(a), .5 + .26 * np.sin(a)) for a in angles]
    hem = [(-.4 + .1 * k, .5 if k % 2 == 0 else .535) for k in range(9)]
    canvas.polygon(f.all(dome + hem[1:-1]), thing.paint)
    rib = thing.second if thing.pattern else shade(thing.paint, 1.5)
    canvas.polygon(f.all([(-.13, .53), (-.09, .68), (0, .76), (.09, .68),
                          (.13, .53), (0, .5)]), rib, 0.3)
    canvas.limb(f.all([(0, .75), (0, .79)]), .03 * h, (80, 70, 66), 0)


def _book(thing: Thing, canvas: Canvas, f: Frame) -> None:
    if thing.opened:
        for side in (-1, 1):
            canvas.polygon(f.all([(0, 0), (side * .17, .05), (side * .17, .26),
                                  (0, .21)]), thing.paint)
            canvas.polygon(f.all([(0, .03), (side * .14, .07),
                                  (side * .14, .25), (0, .21)]),
                           (250, 248, 236), 0.4)
        return
    canvas.polygon(f.all([(-.11, 0), (.11, 0), (.11, .27), (-.11, .27)]),
                   thing.paint)
    canvas.polygon(f.all([(.11, 0), (.14, .03), (.14, .29), (.11, .27)]),
                   (246, 242, 228), 0.4)
    canvas.polygon(f.all([(-.06, .16), (.06, .16), (.06, .21), (-.06, .21)]),
                   (250, 236, 180), 0)


def _cup(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h = f.unit
    canvas.ring(f.at(-.1, .11), .055 * h, .032 * h, thing.paint)
    canvas.polygon(f.all([(-.08, 0), (.08, 0), (.1, .21), (-.1, .21)]),
                   thing.paint)
    canvas.polygon(f.all([(-.09, .08), (.09, .08), (.095, .13),
                          (-.095, .13)]), thing.second, 0)
    canvas.ellipse(f.at(0, .21), (.1 * h, .03 * h), (96, 62, 44))


def _suitcase(thing: Thing, canvas: Canvas, f: Frame) -> None:
    h = f.unit
    canvas.limb(f.all([(-.08, .33), (-.08, .42), (.08, .42), (.08, .33)]),
                .03 * h, (60, 52, 48), 0)
    canvas.polygon(f.all([(-.2, .02), (.2, .02), (.2, .34), (-.2, .34)]),
                   thing.paint)
    for u in (-.12, .12):
        canvas.polygon(f.all([(u - .02, .02), (u + .02, .02), (u + .02, .34),
                              (u - .02, .34)]), shade(thing.paint, .6), 0)
    for u in (-.14, .14):
        canvas.ellipse(f.at(u, .01), (.025 * h, .025 * h), (40, 40, 42))


_DRAW: dict[str, Callable[[Thing, Canvas, Frame], None]] = {
    'horse': _horse, 'bicycle': _bicycle, 'skateboard': _skateboard,
    'dog': _dog, 'car': _car, 'ball': _ball, 'umbrella': _umbrella,
    'book': _book, 'cup': _cup, 'suitcase': _suitcase,
}

_ANCHORS: dict[str, dict[str, Point]] = {
    'horse': {'seat': (-.04, .86), 'foot': (.08, .46), 'grip': (.3, .98),
              'mouth': (.76, .84), 'flank': (-.2, .7), 'bridle': (.6, .86),
              'middle': (0, .7)},
    'bicycle': {'seat': (-.12, .56), 'foot': (.02, .13), 'grip': (.26, .66),
                'flank': (-.12, .4), 'middle': (0, .35)},
    'skateboard': {'deck': (0, .13), 'middle': (0, .1)},
    'dog': {'mouth': (.42, .36), 'collar': (.17, .31), 'middle': (0, .28)},
    'car': {'flank': (-.62, .4), 'middle': (0, .4)},
}

# where soap may be: low, high, left, right
_SOAP: dict[str, tuple[float, float, float, float]] = {
    'horse': (.56, .84, -.42, .38), 'car': (.2, .62, -.62, .5),
}
