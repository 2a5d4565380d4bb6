"""Builders of all arrangements, and of unused things.

A builder takes a spot and a kind of object and returns a group.
"""

from collections.abc import Callable
from functools import partial

from .basics import PROP, thing_at
from .group import Group, Spot
from .holding import drink, in_hand, read
from .playing import hug, play, point, toss
from .props import stool
from .riding import lead, leash, mount, push
from .things import Thing
from .working import feed, work

BUILDERS: dict[str, Callable[[Spot, str], Group]] = {
    'mount': mount,
    'lead': lead,
    'push': push,
    'leash': leash,
    'feed': feed,
    'wash': partial(work, task='wash'),
    'repair': partial(work, task='repair'),
    'point': point,
    'hold': in_hand,
    'read': read,
    'drink': drink,
    'kick': partial(play, verb='kick'),
    'head': partial(play, verb='head'),
    'throw': partial(toss, verb='throw'),
    'catch': partial(toss, verb='catch'),
    'hug': hug,
}

# Extent of a group behind and before its spot in person heights.
REACH: dict[str, tuple[float, float]] = {
    'mount': (0.6, 0.6),
    'lead': (0.6, 0.9),
    'push': (0.5, 0.5),
    'leash': (0.5, 0.9),
    'feed': (0.6, 1.3),
    'wash': (0.8, 0.8),
    'repair': (0.7, 0.7),
    'point': (0.2, 1.5),
    'hold': (0.25, 0.4),
    'read': (0.2, 0.45),
    'drink': (0.2, 0.35),
    'kick': (0.3, 0.6),
    'head': (0.3, 0.4),
    'throw': (0.3, 1.2),
    'catch': (0.3, 1.2),
    'hug': (0.3, 0.5),
}


def lie_idle(spot: Spot, kind: str) -> tuple[Group, Thing]:
    """Make an unused thing."""
    dice, group = spot.dice, Group(spot.y)
    if kind in ('cup', 'book'):
        height = dice.uniform(0.3, 0.5)
        group.step(PROP, stool(spot.frame(), height, dice))
        thing = thing_at(spot, kind, v=height)
    elif kind == 'ball':
        thing = thing_at(spot, kind, v=0.13)
    elif kind == 'umbrella':
        thing = thing_at(
            spot, kind, u=-0.3, v=0.16, tilt=dice.pick((-62.0, 62.0))
        )
    else:
        thing = thing_at(spot, kind)
        thing.soapy = kind in ('car', 'horse') and dice.chance(0.1)
    group.add_thing(thing)
    return group, thing
