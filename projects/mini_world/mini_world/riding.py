"""Arrangements with vehicles and animals."""

from . import poses
from .basics import PROP, rest, thing_at
from .catalog import verbs_of
from .group import Group, Spot
from .holding import carry_along, hold
from .people import Person, Posture
from .props import line
from .working import feeder


def mount(spot: Spot, kind: str) -> Group:
    """Make a person on a horse, bicycle or skateboard."""
    dice, group = spot.dice, Group(spot.y)
    if kind == 'skateboard':
        thing = thing_at(spot, kind)
        up = 0.13 * thing.frame.unit / spot.unit
        person = Person(spot.frame(v=up), rest(spot, poses.stance(dice)), dice)
        mounted = group.add_thing(thing)
        rider = carry_along(group, spot, person, 0.3)
    else:
        thing = thing_at(spot, kind)
        lean = dice.around(8, 8) if kind == 'horse' else dice.around(26, 9)
        posture = Posture(lean=lean, nod=0.02)
        foot = thing.anchor('foot')
        swing = dice.around(0, 0.06) * spot.unit
        feet = [
            (foot[0] - swing, foot[1] - abs(swing)),
            (foot[0] + swing, foot[1]),
        ]
        person = Person(
            spot.frame(size=dice.uniform(0.84, 0.94)),
            rest(spot, posture),
            dice,
            thing.anchor('seat'),
            feet,
        )
        person.move_arm('far', ('to', thing.anchor('grip')))
        person.move_arm('near', ('to', thing.anchor('grip')))
        rider = group.add('person')
        group.step(rider, person.draw_far)
        mounted = group.add_thing(thing)
        held = None
        if dice.chance(0.3):
            item = dice.pick(('umbrella', 'cup', 'ball'))
            carried = group.add(item)
            held, step = hold(group, spot, person, 'near', item, carried)
            group.relate(rider, verbs_of('hold', item, spot.scene), carried)
        group.step(rider, person.draw_body)
        if held is not None:
            group.steps.append(step)
        group.step(rider, person.draw_near)
    group.relate(rider, verbs_of('mount', kind, spot.scene), mounted)
    if kind == 'horse' and dice.chance(0.35):
        feeder(group, spot, thing, mounted)
    return group


def lead(spot: Spot, kind: str) -> Group:
    """Make a person who leads a horse by a rein."""
    dice, group = spot.dice, Group(spot.y)
    thing = thing_at(spot, kind)
    led = group.add_thing(thing)
    place = spot.frame(u=dice.uniform(0.42, 0.7), v=-0.05)
    person = Person(place, rest(spot, poses.stance(dice)), dice)
    bridle = thing.anchor('bridle')
    goal = person.frame.at(0.22, dice.around(0.62, 0.05))
    person.move_arm('near', ('to', goal))
    group.step(PROP, line(bridle, person.hand('near'), 1.5))
    group.relate(
        carry_along(group, spot, person, 0.3),
        verbs_of('lead', kind, spot.scene),
        led,
    )
    if dice.chance(0.3):
        feeder(group, spot, thing, led)
    return group


def push(spot: Spot, kind: str) -> Group:
    """Make a person who pushes a bicycle."""
    dice, group = spot.dice, Group(spot.y)
    thing = thing_at(spot, kind)
    place = spot.frame(u=dice.uniform(-0.12, 0.02), v=0.05)
    person = Person(place, poses.stance(dice), dice)
    grip = thing.anchor('grip')
    for side in ('far', 'near'):
        person.move_arm(side, ('to', grip))
    actor = group.add('person')
    group.step(actor, person.draw_far)
    group.step(actor, person.draw_body)
    pushed = group.add_thing(thing)
    group.step(actor, person.draw_near)
    group.relate(actor, verbs_of('push', kind, spot.scene), pushed)
    return group


def leash(spot: Spot, kind: str) -> Group:
    """Make a person with a dog on a leash."""
    dice, group = spot.dice, Group(spot.y)
    place = dice.uniform(0.5, 0.85) * (1 if dice.chance(0.7) else -1)
    thing = thing_at(spot, kind, u=place, v=dice.around(0, 0.06))
    walked = group.add_thing(thing)
    person = Person(spot.frame(), rest(spot, poses.stance(dice)), dice)
    reach = (0.2 if place > 0 else -0.12, dice.around(0.56, 0.04))
    person.move_arm('near', ('to', person.frame.at(*reach)))
    actor = carry_along(group, spot, person, 0.3)
    group.step(
        PROP,
        line(thing.anchor('collar'), person.hand('near'), dice.uniform(1, 5)),
    )
    group.relate(actor, verbs_of('leash', kind, spot.scene), walked)
    if place > 0 and thing.frame.facing == spot.facing and dice.chance(0.45):
        feeder(group, spot, thing, walked)
    return group
