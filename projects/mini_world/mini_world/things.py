"""Objects of the world.

Lengths are in heights of a person at the same depth.
"""

from .canvas import Canvas, Color, Point
from .dice import Dice
from .frame import Frame
from .thing_drawings import DRAW

_PAINT: dict[str, tuple[Color, ...]] = {
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

# Width and height of each kind.
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

# Range of soap: low, high, left, right.
_SOAP: dict[str, tuple[float, float, float, float]] = {
    'horse': (0.56, 0.84, -0.42, 0.38),
    'car': (0.2, 0.62, -0.62, 0.5),
}


class Thing:
    """Object of the mini world.

    Args:
        kind (str): One of ``KINDS``.
        frame (Frame): Origin on the ground below its center (its center for
            a ball, the handle's foot for an umbrella).
        dice (Dice): Random number generator of its appearance.
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
        """Return the picture position of a named part."""
        return self.frame.at(*_ANCHORS[self.kind][name])

    def draw(self, canvas: Canvas) -> None:
        """Draw the thing with its soap, if any."""
        DRAW[self.kind](self, canvas, self.frame)
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
