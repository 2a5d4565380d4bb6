from dataclasses import dataclass

import numpy as np

from . import poses
from .canvas import Canvas
from .catalog import INTERACTIONS, PLACES, Interaction
from .dice import Dice
from .frame import Frame
from .group import Group, Spot
from .people import Person
from .props import TOOLS, occluder
from .scenes import Scene
from .staging import BUILDERS, PROP, REACH, lie_idle, toss, work
from .things import EXTENT

SPLITS = ('train', 'val', 'test')
_GOLDEN = 0.6180339887498949


@dataclass
class Picture:
    """Rendered image with its annotations.

    Args:
        pixels (np.ndarray): (160, 224, 3) uint8, RGB.
        scene (str): Kind of the scene.
        kinds (list[str]): Kind of each annotated instance.
        boxes (list): (x1, y1, x2, y2) of each instance in pixels.
        areas (list[float]): Visible area of each instance in pixels.
        relations (list): (person, verb, object) with instance indices.
    """

    pixels: np.ndarray
    scene: str
    kinds: list[str]
    boxes: list[list[float]]
    areas: list[float]
    relations: list[tuple[int, str, int]]


class MiniWorld:
    """Renderer of images with people and objects.

    An image depends on (seed, split, index) only, so that a larger data set
    contains the images of a smaller one.

    Args:
        seed (int): Seed of the world.
        width (int): Width of the images in pixels.
        height (int): Height of the images in pixels.
    """

    MAX_PEOPLE, MAX_THINGS = 5, 6
    MIN_SIDE, MIN_VISIBLE = 6.5, 0.3

    def __init__(
        self, seed: int = 0, width: int = 224, height: int = 160
    ) -> None:
        self.seed, self.width, self.height = seed, width, height

    def draw(self, split: str, index: int) -> Picture:
        """Draw one image of a split."""
        if split not in SPLITS:
            raise ValueError(
                f'unknown split {split!r}: choose one of {", ".join(SPLITS)}'
            )
        dice = Dice(self.seed, SPLITS.index(split), index)
        focus = self._focus(split, index)
        scene = Scene(dice.pick(focus.scenes), split, dice)
        groups = _Composition(self, scene, dice).compose(focus)
        return self._render(scene, groups, dice)

    def _focus(self, split: str, index: int) -> Interaction:
        """Choose the main interaction of an image.

        Golden-ratio low-discrepancy sampling keeps the counts of rare classes
        close to their expectation for any number of images. Outside the
        training split, rare classes are four times as frequent, so that
        their AP can be measured.
        """
        lift = 1.0 if split == 'train' else 4.0
        weights = [i.weight * (lift if i.rare else 1.0) for i in INTERACTIONS]
        start = Dice(self.seed, SPLITS.index(split)).uniform()
        at = (start + index * _GOLDEN) % 1.0 * sum(weights)
        for interaction, weight in zip(INTERACTIONS, weights):
            at -= weight
            if at < 0:
                return interaction
        return INTERACTIONS[-1]

    def _render(
        self, scene: Scene, groups: list[Group], dice: Dice
    ) -> Picture:
        canvas = Canvas(self.width, self.height)
        scene.draw(canvas)
        kinds: list[str] = []
        relations: list[tuple[int, str, int]] = []
        for group in sorted(groups, key=lambda g: g.depth):
            first = len(kinds)
            kinds.extend(group.kinds)
            relations.extend(
                (first + a, verb, first + b) for a, verb, b in group.relations
            )
            for member, draw in group.steps:
                canvas.begin(
                    Canvas.PROP if member == PROP else first + member + 1
                )
                draw(canvas)
        if dice.chance(0.25):
            canvas.begin(Canvas.PROP)
            occluder(
                dice.uniform(10, self.width - 10),
                self.height - 2,
                scene.name,
                dice,
            )(canvas)
        canvas.end()
        return self._annotate(canvas, scene, kinds, relations)

    def _annotate(
        self,
        canvas: Canvas,
        scene: Scene,
        kinds: list[str],
        relations: list[tuple[int, str, int]],
    ) -> Picture:
        kept: dict[int, int] = {}
        picture = Picture(canvas.picture(), scene.name, [], [], [], [])
        for index, kind in enumerate(kinds):
            box = canvas.box(index + 1)
            if (
                box is None
                or min(box[2] - box[0], box[3] - box[1]) < self.MIN_SIDE
            ):
                continue
            if canvas.visible_fraction(index + 1) < self.MIN_VISIBLE:
                continue
            kept[index] = len(picture.kinds)
            picture.kinds.append(kind)
            picture.boxes.append(box)
            picture.areas.append(canvas.area(index + 1))
        picture.relations = [
            (kept[a], verb, kept[b])
            for a, verb, b in relations
            if a in kept and b in kept
        ]
        return picture


class _Composition:
    """Layout of groups of people and things in a scene."""

    def __init__(self, world: MiniWorld, scene: Scene, dice: Dice) -> None:
        self.world, self.scene, self.dice = world, scene, dice
        self.base = dice.uniform(78, 96)
        self.groups: list[Group] = []
        self.taken: list[tuple[float, float, float]] = []

    def compose(self, focus: Interaction) -> list[Group]:
        """Build the groups of an image around one interaction."""
        dice, name = self.dice, self.scene.name
        self._interact(focus)
        if focus.kind != 'person':
            for _ in range(dice.pick((0, 1, 2), (4, 5, 1.5))):
                self._add_unused(focus.kind, bystander_prob=0.6)
        others = [
            i
            for i in INTERACTIONS
            if name in i.scenes and not i.rare and i.kind != focus.kind
        ]
        for _ in range(dice.pick((0, 1, 2), (5, 4, 1))):
            self._interact(dice.pick(others, [i.weight for i in others]))
        kinds = [k for k in PLACES if k != 'person' and name in PLACES[k]]
        for _ in range(dice.pick((0, 1, 2), (4, 5, 2))):
            self._add_unused(dice.pick(kinds), bystander_prob=0.35)
        for _ in range(dice.pick((0, 1), (6, 4))):
            self._bystander()
        return self.groups

    def _has_room(self, people: int, things: int) -> bool:
        now_people = sum(g.num_people for g in self.groups)
        now_things = sum(g.num_things for g in self.groups)
        return (
            now_people + people <= MiniWorld.MAX_PEOPLE
            and now_things + things <= MiniWorld.MAX_THINGS
        )

    def _add(self, group: Group) -> None:
        if self._has_room(group.num_people, group.num_things):
            self.groups.append(group)

    def _spot(self, behind: float, before: float) -> Spot:
        """Choose the least crowded of random places for a group."""
        dice, best = self.dice, None
        for _ in range(12):
            y, facing = dice.uniform(100, 154), dice.sign()
            unit = self.base * (0.64 + 0.36 * (y - 100) / 54)
            left, right = behind * unit, before * unit
            if facing < 0:
                left, right = right, left
            low, high = left - 4, self.world.width - right + 4
            x = dice.uniform(low, high) if low < high else (low + high) / 2
            span = (x - left, x + right, y)
            cost = sum(self._overlap(span, other) for other in self.taken)
            if best is None or cost < best[0]:
                best = (cost, x, y, unit, facing, span)
        _, x, y, unit, facing, span = best
        self.taken.append(span)
        return Spot(x, y, unit, facing, self.scene.name, dice)

    @staticmethod
    def _overlap(
        a: tuple[float, float, float], b: tuple[float, float, float]
    ) -> float:
        overlap = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
        return overlap * (1.0 if abs(a[2] - b[2]) < 16 else 0.7)

    def _interact(self, interaction: Interaction) -> None:
        spot = self._spot(*REACH[interaction.arrangement])
        group = BUILDERS[interaction.arrangement](spot, interaction.kind)
        self._add(group)

    def _add_unused(self, kind: str, bystander_prob: float) -> None:
        """Add an unused thing, with a bystander by chance."""
        dice, half = self.dice, EXTENT[kind][0] / 2
        if kind == 'ball' and dice.chance(0.3):
            self._add(toss(self._spot(0.3, 1.0), kind, None))
            return
        if kind in ('car', 'bicycle', 'horse') and dice.chance(0.15):
            self._add(work(self._spot(half + 0.2, half + 0.2), kind, None))
            return
        spot = self._spot(half + 0.15, half + 0.15)
        group, thing = lie_idle(spot, kind)
        if dice.chance(bystander_prob) and self._has_room(1, 1):
            self._add_adjacent(group, spot, half)
        self._add(group)

    def _add_adjacent(self, group: Group, spot: Spot, half: float) -> None:
        """Add a person next to an unused thing."""
        dice = self.dice
        place = dice.sign() * (half + dice.uniform(-0.1, 0.22))
        frame = spot.frame(u=place, v=-0.04, facing=dice.sign())
        self._idler(group, frame)

    def _bystander(self) -> None:
        spot = self._spot(0.25, 0.25)
        group = Group(spot.y)
        self._idler(group, spot.frame())
        self._add(group)

    def _idler(self, group: Group, frame: Frame) -> None:
        """Add a person without interaction, sometimes holding a tool."""
        dice, steps = self.dice, ()
        person = Person(frame, poses.idle(dice), dice)
        if dice.chance(0.12):
            person.move_arm('near', (dice.around(5, 10), dice.around(70, 20)))
            tool = dice.pick(TOOLS)
            hand = person.hand('near')
            held = Frame(
                *hand, frame.unit * 1.4, frame.facing, dice.around(30, 30)
            )
            steps = ((PROP, tool(held)),)
        group.add_person(person, near=steps)
