"""Outdoor scenery, painted in a scene's own colors."""

import numpy as np

from .canvas import Canvas, shade
from .scenery import GOODS, Scenery


def street(
    scene: Scenery, canvas: Canvas, w: float, h: float, top: float
) -> None:
    """Draw houses, a pavement, a dashed lane and a lamp."""
    dice = scene.dice
    x = -dice.uniform(0, 20)
    while x < w:
        width = dice.uniform(34, 58)
        roof = dice.uniform(4, 24)
        wall = dice.tint(scene.near, 34)
        canvas.rectangle(x, roof, x + width, top + 6, wall, 0.6)
        columns = int(width // 14)
        glass = shade(scene.far, 0.6) if dice.chance(0.6) else scene.accent
        for row in np.arange(roof + 6, top - 8, 14):
            for column in range(columns):
                left = x + 5 + column * 14
                canvas.rectangle(left, row, left + 7, row + 8, glass, 0.4)
        x += width
    canvas.rectangle(0, top + 4, w, top + 14, shade(scene.ground, 1.7))
    canvas.rectangle(0, top + 14, w, top + 16, shade(scene.ground, 0.7))
    lane = dice.uniform(108, 122)
    offset = dice.uniform(-20, 0)
    for left in np.arange(offset, w, 34):
        canvas.polygon(
            [
                (left, lane),
                (left + 18, lane),
                (left + 16, lane + 4),
                (left - 2, lane + 4),
            ],
            scene.accent,
            0,
        )
    post = dice.uniform(10, w - 10)
    iron = (70, 74, 80)
    canvas.limb([(post, top + 12), (post, 16), (post + 9, 13)], 1.8, iron)
    canvas.ellipse((post + 11, 15), (4, 2.4), (250, 240, 190))


def park(
    scene: Scenery, canvas: Canvas, w: float, h: float, top: float
) -> None:
    """Draw hills, trees, a path and grass."""
    dice = scene.dice
    canvas.ellipse(
        (dice.uniform(0, w), top + 6),
        (dice.uniform(60, 110), dice.uniform(14, 26)),
        shade(scene.ground, 0.86),
        edge=0,
    )
    x = dice.uniform(-5, 12)
    while x < w:
        size, base = dice.uniform(13, 21), top + dice.uniform(2, 9)
        crown = dice.tint(scene.near, 22)
        canvas.rectangle(x - 2, base - 24, x + 2, base, (112, 82, 58), 0.4)
        if dice.chance(0.6):
            for dx, dy in ((-0.5, 0), (0.5, 0), (0, -0.6)):
                canvas.ellipse(
                    (x + dx * size, base - 28 + dy * size),
                    (size * 0.7, size * 0.62),
                    crown,
                )
        else:
            for lift in (0, 11, 22):
                canvas.polygon(
                    [
                        (x - size * 0.8 + lift * 0.2, base - 14 - lift),
                        (x + size * 0.8 - lift * 0.2, base - 14 - lift),
                        (x, base - 34 - lift),
                    ],
                    crown,
                )
        x += dice.uniform(22, 42)
    canvas.rectangle(0, top + 8, w, top + 10, shade(scene.ground, 0.8))
    start, end = dice.uniform(20, w - 20), dice.uniform(-20, w + 20)
    bend = (start + end) / 2 + dice.uniform(-40, 40)
    canvas.polygon(
        [
            (start - 3, top + 10),
            (start + 3, top + 10),
            (bend + 20, 118),
            (end + 40, h),
            (end - 30, h),
            (bend - 12, 118),
        ],
        scene.accent,
        0,
    )
    for _ in range(26):
        x, y = dice.uniform(0, w), dice.uniform(top + 14, h)
        blade = shade(scene.ground, dice.pick((0.75, 1.35)))
        canvas.limb([(x - 2, y - 3), (x, y), (x + 2, y - 3)], 0.7, blade, 0)


def track(
    scene: Scenery, canvas: Canvas, w: float, h: float, top: float
) -> None:
    """Draw stands, flags, barriers, lanes and a checkered line."""
    dice = scene.dice
    for step, y in enumerate(np.arange(20, top - 4, 9)):
        color = shade(scene.near, 1.0 + 0.14 * step)
        canvas.rectangle(0, y, w, y + 9, color, 0.4)
        for x in np.arange(dice.uniform(0, 6), w, 6.5):
            if dice.chance(0.75):
                canvas.ellipse(
                    (x, y + 3), (1.9, 2.2), dice.pick(GOODS), edge=0
                )
    for x in np.arange(dice.uniform(4, 30), w, 44):
        canvas.limb([(x, 20), (x, 4)], 1.0, (90, 90, 96), 0)
        canvas.polygon([(x, 4), (x + 11, 7), (x, 11)], dice.pick(GOODS))
    canvas.rectangle(0, top - 3, w, top + 4, (238, 238, 236), 0.5)
    for x in np.arange(dice.uniform(0, 12), w, 24):
        canvas.rectangle(x, top - 3, x + 12, top + 4, (200, 66, 60))
    slope = dice.uniform(-0.05, 0.05)
    y, gap = top + 10.0, 9.0
    while y < h + 12:
        left, right = y - slope * w / 2, y + slope * w / 2
        canvas.limb([(-4, left), (w + 4, right)], 1.3, scene.accent, 0)
        y += gap
        gap *= 1.3
    if dice.chance(0.6):
        x = dice.uniform(10, w - 30)
        for row in range(18):
            y = top + 6 + row * 5.4
            for column in range(2):
                tone = (30, 30, 32) if (row + column) % 2 else (244, 244, 244)
                left = x + column * 6 - row * 1.2
                canvas.rectangle(left, y, left + 6, y + 5.4, tone)


def beach(
    scene: Scenery, canvas: Canvas, w: float, h: float, top: float
) -> None:
    """Draw the sun, sea, boats, foam, a palm and sand."""
    dice = scene.dice
    sea = top - dice.uniform(20, 28)
    canvas.ellipse(
        (dice.uniform(20, w - 20), dice.uniform(10, 20)),
        (8, 8),
        (255, 236, 150),
        edge=0,
    )
    canvas.rectangle(0, sea, w, top + 10, scene.near)
    for y in np.arange(sea + 4, top + 2, 6):
        for x in np.arange(dice.uniform(-10, 6), w, 22):
            canvas.limb(
                [(x, y), (x + 4, y - 1.6), (x + 8, y)],
                0.9,
                shade(scene.near, 1.5),
                0,
            )
    for _ in range(dice.integer(1, 2)):
        x = dice.uniform(20, w - 20)
        canvas.polygon(
            [
                (x - 10, sea + 1),
                (x + 10, sea + 1),
                (x + 6, sea + 5),
                (x - 6, sea + 5),
            ],
            (200, 90, 80),
        )
        canvas.polygon(
            [(x, sea), (x, sea - 17), (x + 10, sea - 2)], scene.accent
        )
    foam = [(0.0, top + 6)]
    foam += [
        (x, top + 8 + 2.5 * np.sin(x / 11 + sea))
        for x in np.arange(0, w + 8, 6)
    ]
    canvas.polygon(foam + [(w, top + 13), (0, top + 13)], scene.accent, 0)
    canvas.rectangle(0, top + 13, w, top + 17, shade(scene.ground, 0.88))
    x = dice.pick((dice.uniform(6, 24), dice.uniform(w - 24, w - 6)))
    canvas.limb([(x, top + 22), (x + 4, 44), (x + 2, 22)], 4, (150, 112, 74))
    for dx, dy in ((-20, 4), (-15, -9), (0, -15), (16, -9), (20, 5)):
        canvas.limb(
            [(x + 2, 22), (x + dx * 0.6, 19 + dy * 0.8), (x + dx, 24 + dy)],
            3.2,
            (84, 150, 84),
        )
    for _ in range(14):
        spot = dice.uniform(0, w), dice.uniform(top + 20, h)
        canvas.ellipse(spot, (1.6, 1.0), shade(scene.ground, 0.78), edge=0)
