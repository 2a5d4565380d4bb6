"""Backgrounds of six kinds of scene.

Structure (lane lines, shelves, windows, trees, stands, waves) is the same in
all splits; palettes and textures differ between splits.
"""

from collections.abc import Callable

import cv2
import numpy as np

from .canvas import Canvas, Color
from .dice import Dice
from .indoors import home, shop
from .outdoors import beach, park, street, track
from .palettes import palettes
from .scenery import Scenery

_PAINTERS: dict[str, Callable[..., None]] = {
    'street': street,
    'park': park,
    'track': track,
    'shop': shop,
    'home': home,
    'beach': beach,
}
SCENES = tuple(_PAINTERS)

_TEXTURES = {
    'train': ('grain', 'blotch', 'streaks'),
    'val': ('checks', 'bars', 'clouds'),
    'test': ('dots', 'weave', 'ripples'),
}


class Scene:
    """Background of one kind.

    Args:
        name (str): One of ``SCENES``.
        split (str): Split whose palettes and textures are used.
        dice (Dice): Random number generator.
    """

    def __init__(self, name: str, split: str, dice: Dice) -> None:
        if name not in SCENES:
            raise ValueError(
                f'unknown scene {name!r}: choose one of {", ".join(SCENES)}'
            )
        self.name = name
        self.dice = dice
        self.horizon = dice.uniform(62, 74)
        palette = dice.pick(palettes(name, split))
        self.scenery = Scenery(
            dice, *(dice.tint(color, 10) for color in palette)
        )
        self.texture = dice.pick(_TEXTURES[split])
        self.strength = dice.uniform(5, 10)

    def draw(self, canvas: Canvas) -> None:
        """Draw the background."""
        width, height, top = canvas.width, canvas.height, self.horizon
        canvas.begin(0)
        self._gradient(canvas, 0, top, self.scenery.far)
        self._gradient(canvas, top, height, self.scenery.ground)
        _PAINTERS[self.name](
            self.scenery, canvas, float(width), float(height), top
        )
        self._roughen(canvas)
        canvas.end()

    def _gradient(
        self, canvas: Canvas, y1: float, y2: float, color: Color
    ) -> None:
        rows = slice(int(y1 * canvas.scale), int(y2 * canvas.scale))
        count = rows.stop - rows.start
        ramp = np.linspace(1.04, 0.93, count)[:, None] * np.asarray(color)
        ramp = np.clip(ramp, 0, 255).astype(np.uint8)[:, None]
        canvas.colors[rows] = cv2.resize(
            ramp,
            (canvas.colors.shape[1], count),
            interpolation=cv2.INTER_NEAREST,
        )

    def _roughen(self, canvas: Canvas) -> None:
        """Add the texture to the picture."""
        h, w = canvas.height, canvas.width
        ys, xs = np.mgrid[0:h, 0:w].astype(np.float32)
        phase, period = self.dice.uniform(0, 6.28), self.dice.uniform(5, 9)
        k = 2 * np.pi / period
        if self.texture == 'grain':
            field = self.dice.grid(h, w) * 2 - 1
        elif self.texture == 'blotch':
            coarse = (self.dice.grid(10, 14) * 2 - 1).astype(np.float32)
            field = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)
        elif self.texture == 'streaks':
            coarse = (self.dice.grid(h // 2, 12) * 2 - 1).astype(np.float32)
            field = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR)
        elif self.texture == 'checks':
            field = np.sign(np.sin(k * xs + phase) * np.sin(k * ys)) * 0.5
        elif self.texture == 'bars':
            field = np.sin(k * xs + phase)
        elif self.texture == 'clouds':
            coarse = (self.dice.grid(30, 42) * 2 - 1).astype(np.float32)
            field = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)
        elif self.texture == 'dots':
            field = np.sin(k * xs + phase) * np.sin(k * ys) * 1.4
        elif self.texture == 'weave':
            field = (
                np.sign(np.sin(k * (xs + ys) + phase)) * 0.4
                + np.sign(np.sin(k * (xs - ys))) * 0.4
            )
        else:
            field = np.sin(k * ys + 2 * np.sin(xs / 14 + phase))
        field = (field * self.strength).astype(np.float32)
        size = (w * canvas.scale, h * canvas.scale)
        field = cv2.resize(field, size, interpolation=cv2.INTER_LINEAR)
        field = np.round(field).astype(np.int16)
        canvas.colors[:] = cv2.add(
            canvas.colors, cv2.merge([field] * 3), dtype=cv2.CV_8U
        )
