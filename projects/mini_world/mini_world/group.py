from collections.abc import Callable
from dataclasses import dataclass, field

from .canvas import Canvas
from .dice import Dice
from .frame import Frame
from .people import Person
from .things import Thing


@dataclass
class Spot:
    """Position on the ground for a group.

    Args:
        x (float): Horizontal picture position.
        y (float): Vertical picture position of the ground.
        unit (float): Height of a person at this depth in pixels.
        facing (int): 1 or -1.
        scene (str): Name of the scene.
        dice (Dice): Random number generator.
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
        """Make a frame at local (u, v) of this spot."""
        return Frame(
            self.x + self.facing * u * self.unit,
            self.y - v * self.unit,
            self.unit * size,
            self.facing if facing is None else facing,
            tilt,
        )


@dataclass
class Group:
    """People and things drawn together, back to front.

    Args:
        depth (float): Ground line; larger values are nearer.
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
        """Register a person or thing and return its index."""
        self.kinds.append(kind)
        return len(self.kinds) - 1

    def step(self, index: int, draw: Callable[[Canvas], None]) -> None:
        """Append a drawing step of a member, or of -1."""
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

        ``far`` and ``near`` are drawing steps of the objects in each hand,
        executed just before the arm's.
        """
        index = self.add('person')
        self.steps.extend(far)
        self.step(index, person.draw_far)
        self.step(index, person.draw_body)
        self.steps.extend(near)
        self.step(index, person.draw_near)
        return index

    def relate(self, person: int, verbs: tuple[str, ...], thing: int) -> None:
        """Annotate the verbs of a person and a thing."""
        self.relations.extend((person, verb, thing) for verb in verbs)
