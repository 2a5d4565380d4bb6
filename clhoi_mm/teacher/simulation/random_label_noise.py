"""A noisy teacher's image-level words, drawn from clean ones."""

from dataclasses import dataclass
from typing import Iterator, Tuple

import numpy as np

# Images whose random numbers are in memory at a time.
_CHUNK = 256


@dataclass(frozen=True)
class RandomLabelNoise:
    """Leaves true words out and adds wrong verbs of present objects.

    Each true word is kept with the probability ``recall``. To these come as
    many wrong ones as ``precision`` asks for, verbs of objects that another
    true word of the image names; fewer where there are not so many. Half of
    them are systematic: each class is mistaken for one fixed other verb of
    its object wherever it occurs. Such errors do not average out.

    The numbers are drawn over dense (image, object, verb) arrays, in this
    order: what is kept, which verb each class is mistaken for, where it is,
    the other errors.

    Attributes:
        precision (float): Share of the words that are true, in (0, 1].
        recall (float): Share of the true words that are said, in (0, 1].
        seed (int): Of all draws. Defaults to 0.
        confuse (bool): Whether half of the errors are systematic; without,
            all are independent. Defaults to True.

    Raises:
        ValueError: A share is out of range.
    """

    precision: float
    recall: float
    seed: int = 0
    confuse: bool = True

    def __post_init__(self) -> None:
        for name in ('precision', 'recall'):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(
                    f'{name}={getattr(self, name)!r} must lie in (0, 1].'
                )

    def say(
        self,
        images: np.ndarray,
        objects: np.ndarray,
        verbs: np.ndarray,
        num_images: int,
        valid: np.ndarray,
    ) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw what the teacher says.

        Args:
            images (np.ndarray): Image of each true word, (N,) int.
            objects (np.ndarray): Its object, (N,) int.
            verbs (np.ndarray): Its verb, (N,) int.
            num_images (int): Images, those without true words included.
            valid (np.ndarray): Which verbs an object can have, (O, V) bool.

        Returns:
            tuple: Image, object and verb of each word that is said, sorted
            in this order, (M,) int64 each; nothing is said twice.
        """
        shape = (num_images, *valid.shape)
        generator = np.random.default_rng(self.seed)
        true = np.unique(np.ravel_multi_index((images, objects, verbs), shape))
        said = true[self._kept(generator, true, shape)]
        wrong = int(len(said) * (1 - self.precision) / self.precision)

        # Rows are the (image, object) that some true word names.
        width = valid.shape[1]
        named, row = np.unique(true // width, return_inverse=True)
        free = valid[named % len(valid)]
        free[row, true % width] = False
        errors = []
        if self.confuse:
            mistaken = self._mistaken_for(generator, valid)
            other = mistaken[true // width % len(valid), true % width]
            hit = other >= 0
            row, other = row[hit], other[hit]
            open_ = np.flatnonzero(free[row, other])
            picked = generator.permutation(open_)[: wrong // 2]
            row, other = row[picked], other[picked]
            free[row, other] = False
            errors.append(named[row] * width + other)
            # Two classes may be mistaken for the same verb: counted twice.
            wrong -= len(picked)
        row, verb = np.nonzero(free)
        candidates = named[row] * width + verb
        errors.append(generator.permutation(candidates)[:wrong])
        said = np.unique(np.concatenate([said, *errors]))
        return np.unravel_index(said, shape)

    def _kept(
        self,
        generator: np.random.Generator,
        true: np.ndarray,
        shape: Tuple[int, int, int],
    ) -> np.ndarray:
        """Which of the sorted true words are said, (N,) bool."""
        kept = np.zeros(len(true), bool)
        size = shape[1] * shape[2]
        for first, last in _chunks(shape[0]):
            draws = generator.random((last - first) * size)
            begin, end = np.searchsorted(true, [first * size, last * size])
            kept[begin:end] = (
                draws[true[begin:end] - first * size] < self.recall
            )
        return kept

    @staticmethod
    def _mistaken_for(
        generator: np.random.Generator, valid: np.ndarray
    ) -> np.ndarray:
        """Which verb each class is taken for, (O, V); -1 for none."""
        other = np.full(valid.shape, -1)
        for label, row in enumerate(valid):
            verbs = np.flatnonzero(row)
            for verb in verbs:
                rest = verbs[verbs != verb]
                if len(rest):
                    other[label, verb] = generator.choice(rest)
        return other


def _chunks(count: int) -> Iterator[Tuple[int, int]]:
    for first in range(0, count, _CHUNK):
        yield first, min(first + _CHUNK, count)
