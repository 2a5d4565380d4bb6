"""Arrangements of feeding, washing and repairing."""

from . import poses
from .basics import PROP, Step, rest, thing_at
from .catalog import verbs_of
from .frame import Frame
from .group import Group, Spot
from .people import Person
from .props import carrot, sponge, wrench
from .things import Thing


def feeder(group: Group, spot: Spot, thing: Thing, index: int) -> None:
    """Add a person who feeds an animal of the group."""
    dice, mouth = spot.dice, thing.anchor('mouth')
    front = thing.frame.facing
    low = thing.kind == 'dog'
    posture = poses.crouch(dice) if low else poses.stance(dice)
    away = dice.uniform(0.40, 0.5) if low else dice.uniform(0.36, 0.46)
    place = Frame(
        mouth[0] + front * away * spot.unit,
        spot.y + dice.uniform(0, 2),
        spot.unit,
        -front,
    )
    person = Person(place, rest(spot, posture), dice)
    goal = (
        mouth[0] + front * 0.09 * spot.unit,
        mouth[1] - dice.uniform(0, 0.04) * spot.unit,
    )
    person.move_arm('near', ('to', goal))
    hand = person.hand('near')
    food = carrot(Frame(*hand, spot.unit * 1.35, -front, dice.around(0, 20)))
    actor = group.add_person(person, near=((PROP, food),))
    group.relate(actor, verbs_of('feed', thing.kind, spot.scene), index)


def feed(spot: Spot, kind: str) -> Group:
    """Make a person who feeds an animal."""
    group = Group(spot.y)
    thing = thing_at(spot, kind)
    feeder(group, spot, thing, group.add_thing(thing))
    return group


def worker(
    group: Group, spot: Spot, thing: Thing, index: int, task: str | None
) -> None:
    """Add a person who works on or touches a thing."""
    dice = spot.dice
    if thing.kind == 'bicycle':
        goal = thing.frame.at(
            dice.pick((-0.24, 0.0, 0.2)), dice.around(0.34, 0.1)
        )
    else:
        low, high = (0.6, 0.8) if thing.kind == 'horse' else (0.36, 0.52)
        goal = thing.frame.at(
            dice.uniform(-0.5, 0.35), dice.uniform(low, high)
        )
    side = dice.sign()
    bent = thing.kind != 'horse'
    posture = poses.crouch(dice) if bent else poses.stance(dice, False)
    place = Frame(
        goal[0] - side * dice.uniform(0.36, 0.44) * spot.unit,
        spot.y + dice.uniform(2, 4),
        spot.unit,
        side,
    )
    person = Person(place, rest(spot, posture), dice)
    person.move_arm('near', ('to', goal))
    hand = person.hand('near')
    tools = {'wash': sponge, 'repair': wrench}
    near: tuple[Step, ...] = ()
    if task is not None:
        tool = tools[task](
            Frame(*hand, spot.unit * 1.5, side, dice.around(15, 25))
        )
        near = ((PROP, tool),)
    actor = group.add_person(person, near=near)
    if task is not None:
        group.relate(actor, verbs_of(task, thing.kind, spot.scene), index)


def work(spot: Spot, kind: str, task: str | None) -> Group:
    """Make a person who washes, repairs or touches a thing."""
    dice, group = spot.dice, Group(spot.y)
    thing = thing_at(spot, kind)
    thing.soapy = task == 'wash' or (
        task is None and kind in ('car', 'horse') and dice.chance(0.3)
    )
    index = group.add_thing(thing)
    worker(group, spot, thing, index, task)
    if task is not None and dice.chance(0.4):
        worker(group, spot, thing, index, task)
    return group
