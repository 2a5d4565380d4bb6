"""Jointed figures of people, their appearance and postures.

Lengths are in body heights, angles in degrees from hanging straight down,
positive to the front.
"""

from dataclasses import dataclass, field

import numpy as np

from .canvas import Canvas, Point, shade
from .dice import Dice
from .frame import Frame

_SKIN = (
    (250, 214, 182),
    (232, 184, 144),
    (196, 142, 100),
    (150, 100, 68),
    (104, 70, 50),
)
_HAIR = (
    (40, 32, 30),
    (92, 58, 36),
    (150, 96, 50),
    (214, 170, 90),
    (120, 116, 114),
    (160, 70, 40),
)
_SHIRT = (
    (208, 62, 62),
    (60, 112, 186),
    (70, 150, 92),
    (238, 190, 70),
    (150, 86, 160),
    (240, 240, 236),
    (64, 68, 84),
    (236, 130, 70),
    (90, 176, 186),
    (226, 120, 160),
)
_TROUSERS = (
    (52, 66, 110),
    (74, 74, 82),
    (124, 96, 70),
    (40, 44, 50),
    (150, 146, 136),
    (96, 50, 60),
    (70, 96, 80),
)

THIGH = SHIN = 0.235
TORSO = 0.29
UPPER = FORE = 0.17
HEAD = 0.1


@dataclass
class Posture:
    """Joint angles of one figure.

    Args:
        lean (float): Forward lean of the torso.
        thighs (tuple): Angles of the far and near thigh.
        knees (tuple): Angle of each shin backward from its thigh.
        arms (dict): 'far' and 'near' to (upper arm, forearm) angles, or to
            the hand's target in the picture.
        nod (float): Forward shift of the head in body heights.
    """

    lean: float = 0.0
    thighs: tuple[float, float] = (-6.0, 6.0)
    knees: tuple[float, float] = (3.0, 3.0)
    arms: dict[str, Point | tuple[str, Point]] = field(default_factory=dict)
    nod: float = 0.0


def _direction(angle: float) -> Point:
    turn = np.deg2rad(angle)
    return float(np.sin(turn)), float(-np.cos(turn))


class Person:
    """Jointed figure of a person.

    Args:
        frame (Frame): Origin on the ground below the hip; its unit is the
            body height.
        posture (Posture): Joint angles.
        dice (Dice): Random number generator of the appearance.
        seat (tuple, optional): Picture position of the hip, such as a
            saddle's. Defaults to None: the lower foot is on the ground.
        feet (list, optional): Picture positions of far and near foot.
    """

    def __init__(
        self,
        frame: Frame,
        posture: Posture,
        dice: Dice,
        seat: Point | None = None,
        feet: list[Point] | None = None,
    ) -> None:
        self.frame = frame
        self.posture = posture
        self.skin = dice.tint(dice.pick(_SKIN), 10)
        self.hair = dice.tint(dice.pick(_HAIR), 10)
        self.shirt = dice.tint(dice.pick(_SHIRT), 16)
        self.trousers = dice.tint(dice.pick(_TROUSERS), 12)
        self.shoes = dice.tint(dice.pick(_HAIR), 10)
        self.long_sleeves = dice.chance(0.5)
        self.hair_style = dice.integer(0, 3)
        self.stout = dice.uniform(0.9, 1.15)
        self._pose(seat, feet)

    def _pose(self, seat: Point | None, feet: list[Point] | None) -> None:
        posture, frame = self.posture, self.frame
        knees, ends = [], []
        for thigh, bend in zip(posture.thighs, posture.knees):
            a, b = _direction(thigh), _direction(thigh - bend)
            knees.append((THIGH * a[0], THIGH * a[1]))
            ends.append(
                (knees[-1][0] + SHIN * b[0], knees[-1][1] + SHIN * b[1])
            )
        if seat is None:
            hip = (0.0, 0.03 - min(end[1] for end in ends))
        else:
            hip = frame.local(seat)
        self.hip = hip
        self.knees = [(hip[0] + u, hip[1] + v) for u, v in knees]
        self.feet = [(hip[0] + u, hip[1] + v) for u, v in ends]
        if feet is not None:
            self.feet = [frame.local(foot) for foot in feet]
            self.knees = [
                _bend(hip, foot, THIGH, SHIN, forward=True)
                for foot in self.feet
            ]
        up = _direction(180 - posture.lean)
        self.shoulder = (hip[0] + TORSO * up[0], hip[1] + TORSO * up[1])
        reach = TORSO + 0.125
        self.head = (
            hip[0] + reach * up[0] + posture.nod,
            hip[1] + reach * up[1] - 0.3 * abs(posture.nod),
        )
        self.hands, self.elbows = {}, {}
        for side in ('far', 'near'):
            self.move_arm(side, posture.arms.get(side, (0.0, 10.0)))

    def move_arm(self, side: str, arm: tuple) -> None:
        """Pose an arm by angles, or by ('to', picture position)."""
        s = self.shoulder
        if arm[0] == 'to':
            target = self.frame.local(arm[1])
            reach = np.hypot(target[0] - s[0], target[1] - s[1])
            most = 0.985 * (UPPER + FORE)
            ratio = min(1.0, most / max(reach, 1e-6))
            hand = (
                s[0] + (target[0] - s[0]) * ratio,
                s[1] + (target[1] - s[1]) * ratio,
            )
            self.hands[side] = hand
            self.elbows[side] = _bend(s, hand, UPPER, FORE, forward=False)
            return
        a, b = _direction(arm[0]), _direction(arm[1])
        elbow = (s[0] + UPPER * a[0], s[1] + UPPER * a[1])
        self.elbows[side] = elbow
        self.hands[side] = (elbow[0] + FORE * b[0], elbow[1] + FORE * b[1])

    def hand(self, side: str) -> Point:
        """Return the picture position of a hand."""
        return self.frame.at(*self.hands[side])

    def place(self, name: str) -> Point:
        """Return the position of 'head', 'mouth', 'shoulder' or 'hip'."""
        if name == 'mouth':
            return self.frame.at(self.head[0] + HEAD, self.head[1] - 0.04)
        return self.frame.at(*getattr(self, name))

    def draw_far(self, canvas: Canvas) -> None:
        """Draw the arm and leg behind the body."""
        self._draw_arm(canvas, 'far', 0.82)
        self._draw_leg(canvas, 0, 0.82)

    def draw_body(self, canvas: Canvas) -> None:
        """Draw the near leg, the torso and the head."""
        h = self.frame.unit
        self._draw_leg(canvas, 1, 1.0)
        low = (self.hip[0], self.hip[1] + 0.02)
        high = (
            self.shoulder[0] + (low[0] - self.shoulder[0]) * 0.12,
            self.shoulder[1] - 0.035,
        )
        canvas.limb(
            self.frame.all([low, high]), 0.165 * self.stout * h, self.shirt
        )
        self._draw_head(canvas)

    def draw_near(self, canvas: Canvas) -> None:
        """Draw the arm in front of the body."""
        self._draw_arm(canvas, 'near', 1.0)

    def _draw_head(self, canvas: Canvas) -> None:
        h, at = self.frame.unit, self.frame.at
        u, v = self.head
        canvas.limb(
            [at(*self.shoulder), at(u, v - 0.03)], 0.06 * h, self.skin, 0.4
        )
        if self.hair_style == 1:
            canvas.limb(
                self.frame.all([(u - 0.06, v + 0.02), (u - 0.09, v - 0.14)]),
                0.09 * h,
                self.hair,
            )
        canvas.ellipse(at(u, v), (HEAD * h, HEAD * h), self.skin)
        angles = np.deg2rad(np.linspace(40, 235, 12))
        cap = [
            (u + 1.06 * HEAD * np.cos(a), v + 1.06 * HEAD * np.sin(a))
            for a in angles
        ]
        if self.hair_style == 3:
            canvas.polygon(self.frame.all(cap[:9]), self.shirt, 0.5)
            canvas.limb(
                self.frame.all([(u + 0.04, v + 0.06), (u + 0.15, v + 0.055)]),
                0.03 * h,
                self.shirt,
                0.4,
            )
        else:
            canvas.polygon(
                self.frame.all(cap + [(u - 0.01, v - 0.01)]), self.hair, 0.5
            )
        canvas.ellipse(
            at(u + 0.055, v + 0.005),
            (0.014 * h, 0.018 * h),
            (30, 24, 24),
            edge=0,
        )
        canvas.limb(
            self.frame.all([(u + 0.045, v - 0.05), (u + 0.085, v - 0.045)]),
            0.014 * h,
            shade(self.skin, 0.6),
            0,
        )

    def _draw_leg(self, canvas: Canvas, index: int, tone: float) -> None:
        h, foot = self.frame.unit, self.feet[index]
        canvas.limb(
            self.frame.all([self.hip, self.knees[index], foot]),
            0.085 * self.stout * h,
            shade(self.trousers, tone),
        )
        canvas.limb(
            self.frame.all(
                [
                    (foot[0], foot[1] - 0.005),
                    (foot[0] + 0.065, foot[1] - 0.012),
                ]
            ),
            0.05 * h,
            shade(self.shoes, tone),
        )

    def _draw_arm(self, canvas: Canvas, side: str, tone: float) -> None:
        h, elbow, hand = self.frame.unit, self.elbows[side], self.hands[side]
        shoulder = (self.shoulder[0], self.shoulder[1] - 0.02)
        width = 0.062 * h
        lower = self.shirt if self.long_sleeves else self.skin
        canvas.limb(
            self.frame.all([shoulder, elbow, hand]), width, shade(lower, tone)
        )
        canvas.limb(
            self.frame.all([shoulder, elbow]),
            width * 1.08,
            shade(self.shirt, tone),
            0.4,
        )
        canvas.ellipse(
            self.frame.at(*hand),
            (0.036 * h, 0.036 * h),
            shade(self.skin, tone),
            edge=0.4,
        )


def _bend(
    start: Point, end: Point, first: float, second: float, forward: bool
) -> Point:
    """Find the joint of two limbs between start and end."""
    du, dv = end[0] - start[0], end[1] - start[1]
    reach = max(float(np.hypot(du, dv)), 1e-6)
    along = (first**2 - second**2 + reach**2) / (2 * reach)
    along = min(along, reach / 2 if reach >= first + second else along)
    across = float(np.sqrt(max(first**2 - along**2, 0.0)))
    if reach >= first + second:
        across = 0.0
    side = (-dv / reach, du / reach)
    # Elbows bend downward or backward, knees forward.
    wanted = side[0] if forward else -side[1]
    if wanted < 0:
        side = (-side[0], -side[1])
    return (
        start[0] + du / reach * along + side[0] * across,
        start[1] + dv / reach * along + side[1] * across,
    )
