"""How each arrangement is staged: one builder for each.

A builder returns a group whose first members are the actor and, next, the
object; it draws nothing itself.
"""
from collections.abc import Callable

import numpy as np

from . import poses
from .canvas import Canvas
from .catalogue import verbs_of
from .frame import Frame
from .group import Group, Spot
from .people import Person, Posture
from .props import Draw, carrot, line, sponge, stool, wrench
from .things import Thing

Step = tuple[int, Draw]
PROP = -1


def rest(spot: Spot, posture: Posture, keep: tuple[str, ...] = ()) -> Posture:
    """Give the arms that are not kept something idle to do."""
    for side in ('far', 'near'):
        if side not in keep:
            posture.arms.setdefault(side, poses.idle_arm(spot.dice))
    return posture


def thing_at(spot: Spot, kind: str, **where: float) -> Thing:
    """A thing in a frame at a local place of the spot, size varied."""
    size = spot.dice.uniform(0.9, 1.12)
    return Thing(kind, spot.frame(size=size, **where), spot.dice)


def hold(group: Group, spot: Spot, person: Person, side: str, kind: str,
         index: int) -> tuple[Thing, Step]:
    """Put a thing into a hand; returns it and the step that draws it."""
    dice, unit = spot.dice, person.frame.unit
    facing = person.frame.facing
    reach, size, tilt = _GRIPS[kind]
    u, v = dice.around(reach[0], 0.05), dice.around(reach[1], 0.05)
    lift = person.shoulder[1] - 0.76
    person.move_arm(side, ('to', person.frame.at(
        person.shoulder[0] + u, v + lift)))
    hand = person.hand(side)
    du, dv = size
    frame = Frame(hand[0] + facing * du * unit, hand[1] - dv * unit,
                  unit * dice.uniform(0.95, 1.12), facing,
                  dice.around(tilt, 8))
    thing = Thing(kind, frame, dice)
    return thing, (index, thing.draw)


# hand (u ahead of the shoulder, v above the ground), the thing's origin
# relative to the hand, and its tilt
_GRIPS: dict[str, tuple] = {
    'cup': ((.23, .62), (.08, -.1), 0),
    'ball': ((.22, .58), (.1, .06), 0),
    'umbrella': ((.2, .70), (0, 0), 4),
    'suitcase': ((.03, .44), (0, -.42), 0),
    'skateboard': ((.06, .44), (.1, .02), 80),
    'book': ((.27, .68), (.03, -.08), 0),
}


def mount(spot: Spot, kind: str) -> Group:
    """Somebody on a horse, a bicycle or a skateboard."""
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
        swing = dice.around(0, .06) * spot.unit
        feet = [(foot[0] - swing, foot[1] - abs(swing)),
                (foot[0] + swing, foot[1])]
        person = Person(spot.frame(size=dice.uniform(.84, .94)),
                        rest(spot, posture), dice, thing.anchor('seat'), feet)
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


def carry_along(group: Group, spot: Spot, person: Person,
                chance: float) -> int:
    """Add a person who, by chance, also holds something."""
    dice = spot.dice
    if not dice.chance(chance):
        return group.add_person(person)
    item = dice.pick(('umbrella', 'cup', 'suitcase', 'ball', 'book'))
    index = group.add(item)
    _, step = hold(group, spot, person, 'far', item, index)
    actor = group.add_person(person, far=(step, ))
    arrangement = 'read' if item == 'book' else 'hold'
    if item == 'book':
        person.posture.nod = 0.04
    group.relate(actor, verbs_of(arrangement, item, spot.scene), index)
    return actor


def lead(spot: Spot, kind: str) -> Group:
    """Somebody beside a horse's head, a rein in the hand."""
    dice, group = spot.dice, Group(spot.y)
    thing = thing_at(spot, kind)
    led = group.add_thing(thing)
    place = spot.frame(u=dice.uniform(.42, .7), v=-.05)
    person = Person(place, rest(spot, poses.stance(dice)), dice)
    bridle = thing.anchor('bridle')
    person.move_arm('near', ('to', person.frame.at(.22, dice.around(.62, .05))))
    group.step(PROP, line(bridle, person.hand('near'), 1.5))
    group.relate(carry_along(group, spot, person, 0.3),
                 verbs_of('lead', kind, spot.scene), led)
    if dice.chance(0.3):
        feeder(group, spot, thing, led)
    return group


def push(spot: Spot, kind: str) -> Group:
    """Somebody beside a bicycle, hands on the handlebar."""
    dice, group = spot.dice, Group(spot.y)
    thing = thing_at(spot, kind)
    place = spot.frame(u=dice.uniform(-.12, .02), v=.05)
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
    """Somebody with a dog on a leash."""
    dice, group = spot.dice, Group(spot.y)
    place = dice.uniform(.5, .85) * (1 if dice.chance(.7) else -1)
    thing = thing_at(spot, kind, u=place, v=dice.around(0, .06))
    walked = group.add_thing(thing)
    person = Person(spot.frame(), rest(spot, poses.stance(dice)), dice)
    reach = (.2 if place > 0 else -.12, dice.around(.56, .04))
    person.move_arm('near', ('to', person.frame.at(*reach)))
    actor = carry_along(group, spot, person, 0.3)
    group.step(PROP, line(thing.anchor('collar'), person.hand('near'),
                          dice.uniform(1, 5)))
    group.relate(actor, verbs_of('leash', kind, spot.scene), walked)
    if place > 0 and thing.frame.facing == spot.facing and dice.chance(0.45):
        feeder(group, spot, thing, walked)
    return group


def feeder(group: Group, spot: Spot, thing: Thing, index: int) -> None:
    """Add somebody who feeds an animal that is already there."""
    dice, mouth = spot.dice, thing.anchor('mouth')
    front = thing.frame.facing
    low = thing.kind == 'dog'
    posture = poses.crouch(dice) if low else poses.stance(dice)
    away = dice.uniform(.40, .5) if low else dice.uniform(.36, .46)
    place = Frame(mouth[0] + front * away * spot.unit,
                  spot.y + dice.uniform(0, 2), spot.unit, -front)
    person = Person(place, rest(spot, posture), dice)
    goal = (mouth[0] + front * .09 * spot.unit,
            mouth[1] - dice.uniform(0, .04) * spot.unit)
    person.move_arm('near', ('to', goal))
    hand = person.hand('near')
    food = carrot(Frame(*hand, spot.unit * 1.35, -front, dice.around(0, 20)))
    actor = group.add_person(person, near=((PROP, food), ))
    group.relate(actor, verbs_of('feed', thing.kind, spot.scene), index)


def feed(spot: Spot, kind: str) -> Group:
    """Somebody who holds a carrot to an animal's mouth."""
    group = Group(spot.y)
    thing = thing_at(spot, kind)
    feeder(group, spot, thing, group.add_thing(thing))
    return group


def worker(group: Group, spot: Spot, thing: Thing, index: int,
           task: str | None) -> None:
    """Add somebody whose hand works on a thing; None only touches it."""
    dice = spot.dice
    if thing.kind == 'bicycle':
        goal = thing.frame.at(dice.pick((-.24, .0, .2)), dice.around(.34, .1))
    else:
        low, high = (.6, .8) if thing.kind == 'horse' else (.36, .52)
        goal = thing.frame.at(dice.uniform(-.5, .35), dice.uniform(low, high))
    side = dice.sign()
    bent = thing.kind != 'horse'
    posture = poses.crouch(dice) if bent else poses.stance(dice, False)
    place = Frame(goal[0] - side * dice.uniform(.36, .44) * spot.unit,
                  spot.y + dice.uniform(2, 4), spot.unit, side)
    person = Person(place, rest(spot, posture), dice)
    person.move_arm('near', ('to', goal))
    hand = person.hand('near')
    tools = {'wash': sponge, 'repair': wrench}
    near: tuple[Step, ...] = ()
    if task is not None:
        tool = tools[task](Frame(*hand, spot.unit * 1.5, side,
                                 dice.around(15, 25)))
        near = ((PROP, tool), )
    actor = group.add_person(person, near=near)
    if task is not None:
        group.relate(actor, verbs_of(task, thing.kind, spot.scene), index)


def work(spot: Spot, kind: str, task: str | None) -> Group:
    """Somebody who washes, repairs, or merely touches a thing."""
    dice, group = spot.dice, Group(spot.y)
    thing = thing_at(spot, kind)
    thing.soapy = task == 'wash' or (task is None and kind in ('car', 'horse')
                                     and dice.chance(0.3))
    index = group.add_thing(thing)
    worker(group, spot, thing, index, task)
    if task is not None and dice.chance(0.4):
        worker(group, spot, thing, index, task)
    return group


def wash(spot: Spot, kind: str) -> Group:
    """Somebody with a sponge at something soapy."""
    return work(spot, kind, 'wash')


def repair(spot: Spot, kind: str) -> Group:
    """Somebody with a wrench at a machine."""
    return work(spot, kind, 'repair')


def point(spot: Spot, kind: str) -> Group:
    """Somebody whose arm is stretched out at something further off."""
    dice, group = spot.dice, Group(spot.y)
    half = {'car': .8, 'dog': .36, 'person': .15}[kind]
    away = half + dice.uniform(.5, .75)
    if kind == 'person':
        other = Person(spot.frame(u=away, facing=dice.sign()),
                       poses.idle(dice), dice)
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
    tip = (shoulder[0] + float(aim[0]), shoulder[1] + float(aim[1]) * .7)
    person.move_arm('near', ('to', tip))
    hand = person.hand('near')
    finger = (hand[0] + float(aim[0]) * .07, hand[1] + float(aim[1]) * .05)

    def draw_finger(canvas: Canvas) -> None:
        canvas.limb([hand, finger], .035 * spot.unit, person.skin, 0.4)

    actor = carry_along(group, spot, person, 0.25)
    group.step(actor, draw_finger)
    group.relate(actor, verbs_of('point', kind, spot.scene), target)
    return group


def in_hand(spot: Spot, kind: str) -> Group:
    """Somebody who holds a thing."""
    dice, group = spot.dice, Group(spot.y)
    person = Person(spot.frame(), rest(spot, poses.stance(dice)), dice)
    side = 'near' if dice.chance(0.75) else 'far'
    index = group.add(kind)
    _, step = hold(group, spot, person, side, kind, index)
    actor = group.add_person(person, **{side: (step, )})
    group.relate(actor, verbs_of('hold', kind, spot.scene), index)
    return group


def read(spot: Spot, kind: str) -> Group:
    """Somebody who has a book in front of the eyes."""
    dice, group = spot.dice, Group(spot.y)
    posture = rest(spot, poses.stance(dice))
    posture.nod = 0.045
    person = Person(spot.frame(), posture, dice)
    index = group.add(kind)
    thing, step = hold(group, spot, person, 'near', kind, index)
    person.move_arm('far', ('to', person.hand('near')))
    actor = group.add_person(person, near=(step, ))
    group.relate(actor, verbs_of('read', kind, spot.scene), index)
    return group


def drink(spot: Spot, kind: str) -> Group:
    """Somebody with a cup at the mouth."""
    dice, group = spot.dice, Group(spot.y)
    posture = rest(spot, poses.stance(dice))
    person = Person(spot.frame(), posture, dice)
    mouth = person.frame.local(person.place('mouth'))
    person.move_arm('near', ('to', person.frame.at(
        mouth[0] + .1, mouth[1] - dice.uniform(.06, .1))))
    hand = person.hand('near')
    frame = Frame(hand[0] + spot.facing * .07 * spot.unit,
                  hand[1] + .04 * spot.unit, spot.unit, spot.facing,
                  dice.around(48, 10))
    thing = Thing(kind, frame, dice)
    index = group.add(kind)
    actor = group.add_person(person, near=((index, thing.draw), ))
    group.relate(actor, verbs_of('drink', kind, spot.scene), index)
    return group


def play(spot: Spot, kind: str, verb: str) -> Group:
    """Somebody in motion with the ball at a foot or at the head."""
    dice, group = spot.dice, Group(spot.y)
    person = Person(spot.frame(), poses.sporty(dice), dice)
    if verb == 'kick':
        foot = max(person.feet)
        where = (foot[0] + dice.uniform(.15, .22),
                 max(.13, foot[1] + dice.uniform(0, .08)))
    else:
        where = (person.head[0] + dice.uniform(.1, .19),
                 person.head[1] + dice.uniform(.12, .18))
    ball = Thing(kind, spot.frame(*where, size=dice.uniform(.9, 1.1)), dice)
    actor = group.add_person(person)
    group.relate(actor, (verb, ), group.add_thing(ball))
    return group


def toss(spot: Spot, kind: str, verb: str | None) -> Group:
    """A ball in the air before somebody who throws, catches or neither."""
    dice, group = spot.dice, Group(spot.y)
    makers = {'throw': poses.throwing, 'catch': poses.catching,
              None: poses.idle}
    away, up = dice.uniform(.5, .85), dice.uniform(.68, 1.0)
    person = Person(spot.frame(), makers[verb](dice), dice)
    actor = group.add_person(person)
    ball = Thing(kind, spot.frame(away, up, size=dice.uniform(.9, 1.1)), dice)
    index = group.add_thing(ball)
    if verb is None:
        return group
    group.relate(actor, (verb, ), index)
    if dice.chance(0.6):
        other = 'catch' if verb == 'throw' else 'throw'
        place = spot.frame(away + dice.uniform(.5, .85), facing=-spot.facing)
        partner = Person(place, makers[other](dice), dice)
        group.relate(group.add_person(partner), (other, ), index)
    return group


def hug(spot: Spot, kind: str) -> Group:
    """Two people with their arms around each other."""
    dice, group = spot.dice, Group(spot.y)
    gap = dice.uniform(.19, .25)
    pair = []
    for u, facing in ((0, spot.facing), (gap, -spot.facing)):
        posture = poses.stance(dice, False)
        posture.lean = dice.around(5, 3)
        frame = spot.frame(u=u, facing=facing, size=dice.uniform(.93, 1.03))
        pair.append(Person(frame, posture, dice))
    first, second = pair
    for one, other in ((first, second), (second, first)):
        back, height = other.shoulder[0], other.shoulder[1]
        one.move_arm('near', ('to', other.frame.at(
            back - .07, height - dice.uniform(.02, .1))))
        one.move_arm('far', ('to', other.frame.at(
            back - .04, height - dice.uniform(.08, .16))))
    a, b = group.add('person'), group.add('person')
    for index, person in ((a, first), (b, second)):
        group.step(index, person.draw_far)
        group.step(index, person.draw_body)
    group.step(b, second.draw_near)
    group.step(a, first.draw_near)
    group.relate(a, ('hug', ), b)
    group.relate(b, ('hug', ), a)
    return group


BUILDERS: dict[str, Callable[[Spot, str], Group]] = {
    'mount': mount, 'lead': lead, 'push': push, 'leash': leash, 'feed': feed,
    'wash': wash, 'repair': repair, 'point': point, 'hold': in_hand,
    'read': read, 'drink': drink,
    'kick': lambda spot, kind: play(spot, kind, 'kick'),
    'head': lambda spot, kind: play(spot, kind, 'head'),
    'throw': lambda spot, kind: toss(spot, kind, 'throw'),
    'catch': lambda spot, kind: toss(spot, kind, 'catch'), 'hug': hug,
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
