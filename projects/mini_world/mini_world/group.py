from collections.abc import Callable
from dataclasses import dataclass, field

from .canvas import Canvas
from .dice import Dice
from .frame import Frame
from .people import Person
from .things import Thing


@dataclass
class Spot:
    """A place on the ground where a group is to be built.

    Args:
        x (float): Picture position.
        y (float): Picture position of the ground.
        unit (float): Pixels of a person's height at this depth.
        facing (int): 1 or -1.
        scene (str): Name of the scene.
        dice (Dice): Source of chance.
    """

    x: float
    y: float
    unit: float
    facing: int
    scene: str
    dice: Dice

    def frame(
        self,
        u: float = 0.0,
        v: float = 0.0,
        facing: int | None = None,
        size: float = 1.0,
        tilt: float = 0.0,
    ) -> Frame:
        """A frame that stands at local (u, v) of this spot."""
        return Frame(
            self.x + self.facing * u * self.unit,
            self.y - v * self.unit,
            self.unit * size,
            self.facing if facing is None else facing,
            tilt,
        )


@dataclass
class Group:
    """People and things that are drawn together, back to front.

    Args:
        depth (float): Ground line: groups further down are nearer.
    """

    depth: float
    kinds: list[str] = field(default_factory=list)
    relations: list[tuple[int, str, int]] = field(default_factory=list)
    steps: list[tuple[int, Callable[[Canvas], None]]] = field(
        default_factory=list
    )

    @property
    def num_people(self) -> int:
        """Return the number of people in the group."""
        return self.kinds.count('person')

    @property
    def num_things(self) -> int:
        """Return the number of objects in the group."""
        return len(self.kinds) - self.num_people

    def add(self, kind: str) -> int:
        """Register a person or a thing; returns its index in the group."""
        self.kinds.append(kind)
        return len(self.kinds) - 1

    def step(self, index: int, draw: Callable[[Canvas], None]) -> None:
        """Append a step of drawing that belongs to a member, or -1."""
        self.steps.append((index, draw))

    def add_thing(self, thing: Thing) -> int:
        """Register a thing and draw it next."""
        index = self.add(thing.kind)
        self.step(index, thing.draw)
        return index

    def add_person(
        self,
        person: Person,
        far: tuple[tuple[int, Callable], ...] = (),
        near: tuple[tuple[int, Callable], ...] = (),
    ) -> int:
        """Register a person and draw it next.

        ``far`` and ``near`` are steps for what each hand holds; they come
        just before that arm.
        """
        index = self.add('person')
        self.steps.extend(far)
        self.step(index, person.draw_far)
        self.step(index, person.draw_body)
        self.steps.extend(near)
        self.step(index, person.draw_near)
        return index

    def relate(self, person: int, verbs: tuple[str, ...], thing: int) -> None:
        """Say what the person does with the thing."""
        self.relations.extend((person, verb, thing) for verb in verbs)
