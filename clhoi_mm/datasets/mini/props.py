"""Small things that are never annotated: tools, food, lines, stools."""
from collections.abc import Callable

from .canvas import Canvas, Point, shade
from .dice import Dice
from .frame import Frame

Draw = Callable[[Canvas], None]


def carrot(frame: Frame) -> Draw:
    """A carrot whose tip points to the front, held at the origin."""

    def draw(canvas: Canvas) -> None:
        h = frame.unit
        canvas.polygon(frame.all([(-.02, .045), (.15, .0), (-.02, -.045)]),
                       (244, 122, 30))
        for v in (-.05, 0, .05):
            canvas.limb(frame.all([(-.02, 0), (-.1, v)]), .03 * h,
                        (64, 160, 60), 0)

    return draw


def sponge(frame: Frame) -> Draw:
    """A yellow sponge with foam."""

    def draw(canvas: Canvas) -> None:
        h = frame.unit
        canvas.polygon(frame.all([(-.07, -.045), (.07, -.045), (.07, .045),
                                  (-.07, .045)]), (252, 222, 70))
        for u, v in ((.06, .05), (.08, -.02), (-.02, .06)):
            canvas.ellipse(frame.at(u, v), (.032 * h, .032 * h),
                           (246, 252, 255), edge=0.4)

    return draw


def wrench(frame: Frame) -> Draw:
    """A steel wrench that points to the front."""

    def draw(canvas: Canvas) -> None:
        h = frame.unit
        canvas.limb(frame.all([(-.04, -.02), (.12, .04)]), .042 * h,
                    (176, 184, 196))
        canvas.limb(frame.all([(.2, .12), (.13, .09), (.13, .02),
                               (.2, 0.01)]), .038 * h, (176, 184, 196))

    return draw


TOOLS = (carrot, sponge, wrench)


def line(start: Point, end: Point, slack: float) -> Draw:
    """A rein or a leash that hangs through by ``slack`` pixels."""

    def draw(canvas: Canvas) -> None:
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + slack)
        canvas.limb([start, middle, end], 1.7, (120, 40, 40), 0.3)

    return draw


def stool(frame: Frame, height: float, dice: Dice) -> Draw:
    """A stool that a small thing stands on."""
    wood = dice.tint((170, 126, 84), 24)

    def draw(canvas: Canvas) -> None:
        h = frame.unit
        for u in (-.12, .12):
            canvas.limb(frame.all([(u * .8, height - .03), (u, .01)]),
                        .04 * h, shade(wood, .8))
        canvas.limb(frame.all([(-.15, height - .03), (.15, height - .03)]),
                    .06 * h, wood)

    return draw


def occluder(x: float, y: float, scene: str, dice: Dice) -> Draw:
    """Something that stands in front: a bush outdoors, a crate indoors."""
    size = dice.uniform(9, 14)
    leaves = dice.tint((88, 140, 76), 24)
    wood = dice.tint((178, 140, 92), 24)

    def bush(canvas: Canvas) -> None:
        for du, dv in ((-.8, .4), (.8, .4), (0, .9), (-.3, .4), (.4, .5)):
            canvas.ellipse((x + du * size, y - dv * size),
                           (size * .75, size * .6), leaves)

    def crate(canvas: Canvas) -> None:
        canvas.rectangle(x - size, y - 1.6 * size, x + size, y, wood, 0.7)
        canvas.limb([(x - size, y), (x + size, y - 1.6 * size)], 1.6,
                    shade(wood, .75), 0)

    return crate if scene in ('shop', 'home') else bush
