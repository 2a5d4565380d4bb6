"""Helpers of all arrangements."""

from . import poses
from .group import Spot
from .people import Posture
from .props import Draw
from .things import Thing

Step = tuple[int, Draw]
PROP = -1  # the owner of steps that draw unannotated things


def rest(spot: Spot, posture: Posture) -> Posture:
    """Set arms without a pose to idle ones."""
    for side in ('far', 'near'):
        posture.arms.setdefault(side, poses.idle_arm(spot.dice))
    return posture


def thing_at(spot: Spot, kind: str, **where: float) -> Thing:
    """Make a thing of random size at a local position."""
    size = spot.dice.uniform(0.9, 1.12)
    return Thing(kind, spot.frame(size=size, **where), spot.dice)
