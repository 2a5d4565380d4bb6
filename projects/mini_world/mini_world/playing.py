"""Arrangements with balls and between people."""

import numpy as np

from . import poses
from .basics import rest
from .canvas import Canvas
from .catalog import verbs_of
from .group import Group, Spot
from .holding import carry_along
from .people import Person
from .things import Thing


def play(spot: Spot, kind: str, verb: str) -> Group:
    """Make a person who kicks or heads a ball."""
    dice, group = spot.dice, Group(spot.y)
    person = Person(spot.frame(), poses.sporty(dice), dice)
    if verb == 'kick':
        foot = max(person.feet)
        where = (
            foot[0] + dice.uniform(0.15, 0.22),
            max(0.13, foot[1] + dice.uniform(0, 0.08)),
        )
    else:
        where = (
            person.head[0] + dice.uniform(0.1, 0.19),
            person.head[1] + dice.uniform(0.12, 0.18),
        )
    ball = Thing(kind, spot.frame(*where, size=dice.uniform(0.9, 1.1)), dice)
    actor = group.add_person(person)
    group.relate(actor, (verb,), group.add_thing(ball))
    return group


def toss(spot: Spot, kind: str, verb: str | None) -> Group:
    """Make a person before a ball in the air."""
    dice, group = spot.dice, Group(spot.y)
    makers = {
        'throw': poses.throwing,
        'catch': poses.catching,
        None: poses.idle,
    }
    away, up = dice.uniform(0.5, 0.85), dice.uniform(0.68, 1.0)
    person = Person(spot.frame(), makers[verb](dice), dice)
    actor = group.add_person(person)
    ball = Thing(kind, spot.frame(away, up, size=dice.uniform(0.9, 1.1)), dice)
    index = group.add_thing(ball)
    if verb is None:
        return group
    group.relate(actor, (verb,), index)
    if dice.chance(0.6):
        other = 'catch' if verb == 'throw' else 'throw'
        place = spot.frame(away + dice.uniform(0.5, 0.85), facing=-spot.facing)
        partner = Person(place, makers[other](dice), dice)
        group.relate(group.add_person(partner), (other,), index)
    return group


def point(spot: Spot, kind: str) -> Group:
    """Make a person who points at a distant thing."""
    dice, group = spot.dice, Group(spot.y)
    half = {'car': 0.8, 'dog': 0.36, 'person': 0.15}[kind]
    away = half + dice.uniform(0.5, 0.75)
    if kind == 'person':
        other = Person(
            spot.frame(u=away, facing=dice.sign()), poses.idle(dice), dice
        )
        target = group.add_person(other)
        goal = other.place('head')
    else:
        thing = Thing(kind, spot.frame(u=away, facing=dice.sign()), dice)
        target = group.add_thing(thing)
        goal = thing.anchor('middle')
    person = Person(spot.frame(), rest(spot, poses.stance(dice)), dice)
    shoulder = person.place('shoulder')
    aim = np.subtract(goal, shoulder)
    aim = aim / np.hypot(*aim) * spot.unit
    tip = (shoulder[0] + float(aim[0]), shoulder[1] + float(aim[1]) * 0.7)
    person.move_arm('near', ('to', tip))
    hand = person.hand('near')
    finger = (hand[0] + float(aim[0]) * 0.07, hand[1] + float(aim[1]) * 0.05)

    def draw_finger(canvas: Canvas) -> None:
        canvas.limb([hand, finger], 0.035 * spot.unit, person.skin, 0.4)

    actor = carry_along(group, spot, person, 0.25)
    group.step(actor, draw_finger)
    group.relate(actor, verbs_of('point', kind, spot.scene), target)
    return group


def hug(spot: Spot, kind: str) -> Group:
    """Make two people who hug each other."""
    dice, group = spot.dice, Group(spot.y)
    gap = dice.uniform(0.19, 0.25)
    pair = []
    for u, facing in ((0, spot.facing), (gap, -spot.facing)):
        posture = poses.stance(dice, False)
        posture.lean = dice.around(5, 3)
        frame = spot.frame(u=u, facing=facing, size=dice.uniform(0.93, 1.03))
        pair.append(Person(frame, posture, dice))
    first, second = pair
    for one, other in ((first, second), (second, first)):
        back, height = other.shoulder[0], other.shoulder[1]
        one.move_arm(
            'near',
            (
                'to',
                other.frame.at(back - 0.07, height - dice.uniform(0.02, 0.1)),
            ),
        )
        one.move_arm(
            'far',
            (
                'to',
                other.frame.at(back - 0.04, height - dice.uniform(0.08, 0.16)),
            ),
        )
    a, b = group.add('person'), group.add('person')
    for index, person in ((a, first), (b, second)):
        group.step(index, person.draw_far)
        group.step(index, person.draw_body)
    group.step(b, second.draw_near)
    group.step(a, first.draw_near)
    group.relate(a, ('hug',), b)
    group.relate(b, ('hug',), a)
    return group
