import hashlib
import json
from typing import Any, List, Tuple

import numpy as np


class TeacherRandom:
    """Random numbers of one of several simulated teachers, by name.

    Teachers of one seed are numbered. They have a share of their normal
    draws in common, and draw the rest independently. The first teacher
    without a share has the numbers of a teacher without a number.

    Args:
        seed (int): Seed of all teachers.
        teacher (int): Number of the teacher, from 0. Defaults to 0.
        shared (float): Share in [0, 1] of the draws that all teachers of the
            seed have in common. Defaults to 0.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(
        self, seed: int, teacher: int = 0, shared: float = 0.0
    ) -> None:
        if teacher < 0:
            raise ValueError(f'teacher={teacher!r} must be 0 or more.')
        if not 0 <= shared <= 1:
            raise ValueError(f'shared_errors={shared!r} must lie in [0, 1].')
        self.seed = seed
        self.teacher = teacher
        self.shared = shared

    def own(self, what: str, name: str) -> np.random.Generator:
        """Get the teacher's own generator.

        Args:
            what (str): What is drawn.
            name (str): For which image or vocabulary.

        Returns:
            np.random.Generator: The same for the same arguments.
        """
        parts = [self.teacher] if self.teacher else []
        return _generator(self.seed, what, name, *parts)

    def common(self, what: str, name: str) -> np.random.Generator:
        """Get the generator that all teachers of the seed have in common.

        Args:
            what (str): What is drawn.
            name (str): For which image or vocabulary.

        Returns:
            np.random.Generator: The same for the same arguments.
        """
        return _generator(self.seed, what, name, 'common')

    def normal(
        self, what: str, name: str, *shapes: Tuple[int, ...], axis: int = -1
    ) -> List[np.ndarray]:
        """Draw normal numbers, some of them in common.

        Args:
            what (str): What is drawn.
            name (str): For which image or vocabulary.
            *shapes (Tuple[int, ...]): Shapes to draw, one after the other.
            axis (int): Slices along this axis are in common as a whole.
                Defaults to -1.

        Returns:
            List[np.ndarray]: An array of each shape.
        """
        own = self.own(what, name)
        if not self.shared:
            return [own.standard_normal(shape) for shape in shapes]
        common = self.common(what, name)
        draws = []
        for shape in shapes:
            sizes = [1] * len(shape)
            sizes[axis] = shape[axis]
            mask = common.random(sizes) < self.shared
            draws.append(
                np.where(
                    mask,
                    common.standard_normal(shape),
                    own.standard_normal(shape),
                )
            )
        return draws


def _generator(*parts: Any) -> np.random.Generator:
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return np.random.Generator(
        np.random.PCG64(int.from_bytes(digest, 'little'))
    )
