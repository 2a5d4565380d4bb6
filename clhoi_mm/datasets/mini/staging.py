"""How each arrangement is staged, and what is left lying about.

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
    'mount': mount, 'lead': lead, 'push': push, 'leash': leash, 'feed': feed,
    'wash': partial(work, task='wash'),
    'repair': partial(work, task='repair'), 'point': point, 'hold': in_hand,
    'read': read, 'drink': drink,
    'kick': partial(play, verb='kick'),
    'head': partial(play, verb='head'),
    'throw': partial(toss, verb='throw'),
    'catch': partial(toss, verb='catch'), 'hug': hug,
}

# how far a group reaches behind and before its spot, in person heights
REACH: dict[str, tuple[float, float]] = {
    'mount': (.6, .6), 'lead': (.6, .9), 'push': (.5, .5), 'leash': (.5, .9),
    'feed': (.6, 1.3), 'wash': (.8, .8), 'repair': (.7, .7),
    'point': (.2, 1.5), 'hold': (.25, .4), 'read': (.2, .45),
    'drink': (.2, .35), 'kick': (.3, .6), 'head': (.3, .4),
    'throw': (.3, 1.2), 'catch': (.3, 1.2), 'hug': (.3, .5),
}


def lie_idle(spot: Spot, kind: str) -> tuple[Group, Thing]:
    """A thing that nobody uses."""
    dice, group = spot.dice, Group(spot.y)
    if kind in ('cup', 'book'):
        height = dice.uniform(.3, .5)
        group.step(PROP, stool(spot.frame(), height, dice))
        thing = thing_at(spot, kind, v=height)
    elif kind == 'ball':
        thing = thing_at(spot, kind, v=.13)
    elif kind == 'umbrella':
        thing = thing_at(spot, kind, u=-.3, v=.16,
                         tilt=dice.pick((-62., 62.)))
    else:
        thing = thing_at(spot, kind)
        thing.soapy = kind in ('car', 'horse') and dice.chance(0.1)
    group.add_thing(thing)
    return group, thing
