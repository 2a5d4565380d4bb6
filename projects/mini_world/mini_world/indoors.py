"""Indoor scenery, painted in a scene's own colors."""

import numpy as np

from .canvas import Canvas, shade
from .scenery import GOODS, Scenery


def shop(
    scene: Scenery, canvas: Canvas, w: float, h: float, top: float
) -> None:
    """Draw shelves with goods, an awning, tiles and a counter."""
    dice = scene.dice
    left = dice.uniform(-10, 10)
    for board in np.arange(24, top + 2, 16.5):
        canvas.rectangle(0, board + 14, w, board + 17, scene.near, 0.5)
        x = left
        while x < w:
            width, tall = dice.uniform(5, 11), dice.uniform(7, 12)
            if dice.chance(0.85):
                ware = dice.tint(dice.pick(GOODS), 20)
                canvas.rectangle(
                    x, board + 14 - tall, x + width, board + 14, ware, 0.5
                )
            x += width + 1.5
    for x in np.arange(left, w + 20, 56):
        canvas.rectangle(
            x - 2, 18, x + 2, top + 5, shade(scene.near, 0.8), 0.5
        )
    canvas.rectangle(0, 0, w, 11, scene.accent, 0.5)
    for x in np.arange(0, w, 14):
        canvas.polygon(
            [(x, 11), (x + 14, 11), (x + 12, 17), (x + 7, 19), (x + 2, 17)],
            (250, 248, 240) if int(x / 14) % 2 else scene.accent,
        )
    line = shade(scene.ground, 0.82)
    y, gap = top + 8.0, 7.0
    while y < h:
        canvas.limb([(0, y), (w, y)], 0.7, line, 0)
        y += gap
        gap *= 1.35
    for k in range(-7, 8):
        canvas.limb(
            [(w / 2 + k * 14, top + 6), (w / 2 + k * 36, h)], 0.7, line, 0
        )
    x = dice.pick((dice.uniform(4, 20), dice.uniform(w - 56, w - 42)))
    canvas.rectangle(x, top - 3, x + 40, top + 22, scene.near, 0.7)
    canvas.rectangle(x - 2, top - 6, x + 42, top, shade(scene.near, 1.6), 0.6)
    canvas.rectangle(x + 10, top - 17, x + 25, top - 6, (70, 76, 84), 0.6)
    canvas.rectangle(x + 12, top - 15, x + 23, top - 10, (150, 220, 180))


def home(
    scene: Scenery, canvas: Canvas, w: float, h: float, top: float
) -> None:
    """Draw a window, a picture, a lamp, floorboards, a rug."""
    dice = scene.dice
    stripe = shade(scene.far, 0.94)
    for x in np.arange(dice.uniform(0, 12), w, 14):
        canvas.rectangle(x, 0, x + 6, top, stripe)
    x = dice.uniform(14, 70)
    wide = dice.uniform(44, 58)
    canvas.rectangle(x, 8, x + wide, top - 14, (250, 248, 242), 0.7)
    canvas.rectangle(x + 3, 11, x + wide - 3, top - 17, scene.near)
    middle = x + wide / 2
    canvas.rectangle(middle - 1, 11, middle + 1, top - 17, (250, 248, 242))
    canvas.rectangle(x + 3, 30, x + wide - 3, 32, (250, 248, 242))
    for a, b in ((x - 6, x + 8), (x + wide - 8, x + wide + 6)):
        canvas.rectangle(a, 5, b, top - 9, scene.accent, 0.6)
    canvas.limb([(x - 9, 5), (x + wide + 9, 5)], 1.6, (110, 84, 62))
    x = x + wide + dice.uniform(16, 34)
    canvas.rectangle(x, 14, x + 24, 36, (120, 88, 58), 0.6)
    canvas.rectangle(x + 3, 17, x + 21, 33, dice.pick(GOODS))
    canvas.polygon(
        [(x + 3, 33), (x + 11, 22), (x + 16, 33)], (96, 130, 100), 0
    )
    x += dice.uniform(38, 52)
    canvas.limb([(x, top + 6), (x, 30)], 1.5, (90, 76, 66))
    canvas.polygon(
        [(x - 9, 33), (x + 9, 33), (x + 5, 19), (x - 5, 19)], (250, 226, 160)
    )
    canvas.rectangle(0, top - 4, w, top + 1, (248, 244, 236), 0.5)
    line = shade(scene.ground, 0.8)
    y, gap = top + 6.0, 7.0
    while y < h:
        canvas.limb([(0, y), (w, y)], 0.7, line, 0)
        for x in np.arange(dice.uniform(0, 60), w, 72):
            canvas.limb([(x, y), (x - 4, y + gap)], 0.7, line, 0)
        y += gap
        gap *= 1.25
    rug = (dice.uniform(60, w - 60), dice.uniform(118, 132))
    canvas.ellipse(rug, (62, 17), shade(scene.accent, 1.25))
    canvas.ellipse(rug, (50, 12), shade(scene.accent, 1.7), edge=0)
