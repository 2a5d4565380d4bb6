"""Arrangements of people who hold things."""

from . import poses
from .basics import Step, rest
from .catalog import verbs_of
from .frame import Frame
from .group import Group, Spot
from .people import Person
from .things import Thing

# Hand (u ahead of the shoulder, v above the ground), the thing's origin
# relative to the hand, and its tilt.
_GRIPS: dict[str, tuple] = {
    'cup': ((0.23, 0.62), (0.08, -0.1), 0),
    'ball': ((0.22, 0.58), (0.1, 0.06), 0),
    'umbrella': ((0.2, 0.70), (0, 0), 4),
    'suitcase': ((0.03, 0.44), (0, -0.42), 0),
    'skateboard': ((0.06, 0.44), (0.1, 0.02), 80),
    'book': ((0.27, 0.68), (0.03, -0.08), 0),
}


def hold(
    group: Group, spot: Spot, person: Person, side: str, kind: str, index: int
) -> tuple[Thing, Step]:
    """Return a thing in a hand and its drawing step."""
    dice, unit = spot.dice, person.frame.unit
    facing = person.frame.facing
    reach, size, tilt = _GRIPS[kind]
    u, v = dice.around(reach[0], 0.05), dice.around(reach[1], 0.05)
    lift = person.shoulder[1] - 0.76
    person.move_arm(
        side, ('to', person.frame.at(person.shoulder[0] + u, v + lift))
    )
    hand = person.hand(side)
    du, dv = size
    frame = Frame(
        hand[0] + facing * du * unit,
        hand[1] - dv * unit,
        unit * dice.uniform(0.95, 1.12),
        facing,
        dice.around(tilt, 8),
    )
    thing = Thing(kind, frame, dice)
    return thing, (index, thing.draw)


def carry_along(
    group: Group, spot: Spot, person: Person, chance: float
) -> int:
    """Add a person who may also hold something."""
    dice = spot.dice
    if not dice.chance(chance):
        return group.add_person(person)
    item = dice.pick(('umbrella', 'cup', 'suitcase', 'ball', 'book'))
    index = group.add(item)
    _, step = hold(group, spot, person, 'far', item, index)
    actor = group.add_person(person, far=(step,))
    arrangement = 'read' if item == 'book' else 'hold'
    group.relate(actor, verbs_of(arrangement, item, spot.scene), index)
    return actor


def in_hand(spot: Spot, kind: str) -> Group:
    """Make a person who holds a thing."""
    dice, group = spot.dice, Group(spot.y)
    person = Person(spot.frame(), rest(spot, poses.stance(dice)), dice)
    side = 'near' if dice.chance(0.75) else 'far'
    index = group.add(kind)
    _, step = hold(group, spot, person, side, kind, index)
    actor = group.add_person(person, **{side: (step,)})
    group.relate(actor, verbs_of('hold', kind, spot.scene), index)
    return group


def read(spot: Spot, kind: str) -> Group:
    """Make a person who reads a book."""
    dice, group = spot.dice, Group(spot.y)
    posture = rest(spot, poses.stance(dice))
    posture.nod = 0.045
    person = Person(spot.frame(), posture, dice)
    index = group.add(kind)
    thing, step = hold(group, spot, person, 'near', kind, index)
    person.move_arm('far', ('to', person.hand('near')))
    actor = group.add_person(person, near=(step,))
    group.relate(actor, verbs_of('read', kind, spot.scene), index)
    return group


def drink(spot: Spot, kind: str) -> Group:
    """Make a person who drinks from a cup."""
    dice, group = spot.dice, Group(spot.y)
    posture = rest(spot, poses.stance(dice))
    person = Person(spot.frame(), posture, dice)
    mouth = person.frame.local(person.place('mouth'))
    person.move_arm(
        'near',
        (
            'to',
            person.frame.at(
                mouth[0] + 0.1, mouth[1] - dice.uniform(0.06, 0.1)
            ),
        ),
    )
    hand = person.hand('near')
    frame = Frame(
        hand[0] + spot.facing * 0.07 * spot.unit,
        hand[1] + 0.04 * spot.unit,
        spot.unit,
        spot.facing,
        dice.around(48, 10),
    )
    thing = Thing(kind, frame, dice)
    index = group.add(kind)
    actor = group.add_person(person, near=((index, thing.draw),))
    group.relate(actor, verbs_of('drink', kind, spot.scene), index)
    return group
