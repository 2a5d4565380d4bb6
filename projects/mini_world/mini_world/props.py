"""Unannotated things: tools, food, lines, stools, occluders."""

from collections.abc import Callable

from .canvas import Canvas, Point, shade
from .dice import Dice
from .frame import Frame

Draw = Callable[[Canvas], None]


def carrot(frame: Frame) -> Draw:
    """Draw a carrot that points forward, held at the origin."""

    def draw(canvas: Canvas) -> None:
        h = frame.unit
        canvas.polygon(
            frame.all([(-0.02, 0.045), (0.15, 0.0), (-0.02, -0.045)]),
            (244, 122, 30),
        )
        for v in (-0.05, 0, 0.05):
            canvas.limb(
                frame.all([(-0.02, 0), (-0.1, v)]), 0.03 * h, (64, 160, 60), 0
            )

    return draw


def sponge(frame: Frame) -> Draw:
    """Draw a yellow sponge with foam."""

    def draw(canvas: Canvas) -> None:
        h = frame.unit
        canvas.polygon(
            frame.all(
                [
                    (-0.07, -0.045),
                    (0.07, -0.045),
                    (0.07, 0.045),
                    (-0.07, 0.045),
                ]
            ),
            (252, 222, 70),
        )
        for u, v in ((0.06, 0.05), (0.08, -0.02), (-0.02, 0.06)):
            canvas.ellipse(
                frame.at(u, v),
                (0.032 * h, 0.032 * h),
                (246, 252, 255),
                edge=0.4,
            )

    return draw


def wrench(frame: Frame) -> Draw:
    """Draw a steel wrench that points forward."""

    def draw(canvas: Canvas) -> None:
        h = frame.unit
        canvas.limb(
            frame.all([(-0.04, -0.02), (0.12, 0.04)]),
            0.042 * h,
            (176, 184, 196),
        )
        canvas.limb(
            frame.all([(0.2, 0.12), (0.13, 0.09), (0.13, 0.02), (0.2, 0.01)]),
            0.038 * h,
            (176, 184, 196),
        )

    return draw


TOOLS = (carrot, sponge, wrench)


def line(start: Point, end: Point, slack: float) -> Draw:
    """Draw a rein or leash that sags by ``slack`` pixels."""

    def draw(canvas: Canvas) -> None:
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + slack)
        canvas.limb([start, middle, end], 1.7, (120, 40, 40), 0.3)

    return draw


def stool(frame: Frame, height: float, dice: Dice) -> Draw:
    """Draw a stool below a small thing."""
    wood = dice.tint((170, 126, 84), 24)

    def draw(canvas: Canvas) -> None:
        h = frame.unit
        for u in (-0.12, 0.12):
            canvas.limb(
                frame.all([(u * 0.8, height - 0.03), (u, 0.01)]),
                0.04 * h,
                shade(wood, 0.8),
            )
        canvas.limb(
            frame.all([(-0.15, height - 0.03), (0.15, height - 0.03)]),
            0.06 * h,
            wood,
        )

    return draw


def occluder(x: float, y: float, scene: str, dice: Dice) -> Draw:
    """Draw an occluder: a bush outdoors, a crate indoors."""
    size = dice.uniform(9, 14)
    leaves = dice.tint((88, 140, 76), 24)
    wood = dice.tint((178, 140, 92), 24)

    def bush(canvas: Canvas) -> None:
        for du, dv in (
            (-0.8, 0.4),
            (0.8, 0.4),
            (0, 0.9),
            (-0.3, 0.4),
            (0.4, 0.5),
        ):
            canvas.ellipse(
                (x + du * size, y - dv * size),
                (size * 0.75, size * 0.6),
                leaves,
            )

    def crate(canvas: Canvas) -> None:
        canvas.rectangle(x - size, y - 1.6 * size, x + size, y, wood, 0.7)
        canvas.limb(
            [(x - size, y), (x + size, y - 1.6 * size)],
            1.6,
            shade(wood, 0.75),
            0,
        )

    return crate if scene in ('shop', 'home') else bush
