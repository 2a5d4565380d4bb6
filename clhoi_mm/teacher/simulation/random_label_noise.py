"""Noisy image-level labels, drawn from clean ones."""

from dataclasses import dataclass
from typing import Iterator, Tuple

import numpy as np

# Images whose random numbers are in memory at a time.
_CHUNK = 256


@dataclass(frozen=True)
class RandomLabelNoise:
    """Random removal of labels and addition of wrong verbs.

    Each true label is kept with probability ``recall``. As many wrong labels
    are added as ``precision`` requires, verbs of objects that a true label
    of the image has; fewer where there are not so many. Half of them are
    systematic: each class is confused with one fixed other verb of its
    object wherever it occurs. Such errors do not average out.

    The numbers are drawn over dense (image, object, verb) arrays, in this
    order: kept labels, the confused verb of each class, the images where it
    is confused, the other errors.

    Attributes:
        precision (float): Share of the labels that are true, in (0, 1].
        recall (float): Share of the true labels that are kept, in (0, 1].
        seed (int): Random seed. Defaults to 0.
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

    def apply(
        self,
        images: np.ndarray,
        objects: np.ndarray,
        verbs: np.ndarray,
        num_images: int,
        valid: np.ndarray,
    ) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw the noisy labels.

        Args:
            images (np.ndarray): Image of each true label, (N,) int.
            objects (np.ndarray): Its object, (N,) int.
            verbs (np.ndarray): Its verb, (N,) int.
            num_images (int): Number of images, those without labels included.
            valid (np.ndarray): Valid verbs of each object, (O, V) bool.

        Returns:
            tuple: Image, object and verb of each noisy label, sorted in this
            order, (M,) int64 each; no label occurs twice.
        """
        shape = (num_images, *valid.shape)
        generator = np.random.default_rng(self.seed)
        true = np.unique(np.ravel_multi_index((images, objects, verbs), shape))
        labels = true[self._kept(generator, true, shape)]
        wrong = int(len(labels) * (1 - self.precision) / self.precision)

        # Rows are the (image, object) that some true word names.
        width = valid.shape[1]
        named, row = np.unique(true // width, return_inverse=True)
        free = valid[named % len(valid)]
        free[row, true % width] = False
        errors = []
        if self.confuse:
            confused = self._draw_confusions(generator, valid)
            other = confused[true // width % len(valid), true % width]
            hit = other >= 0
            row, other = row[hit], other[hit]
            open_ = np.flatnonzero(free[row, other])
            picked = generator.permutation(open_)[: wrong // 2]
            row, other = row[picked], other[picked]
            free[row, other] = False
            errors.append(named[row] * width + other)
            # Two classes may be confused with the same verb: counted twice.
            wrong -= len(picked)
        row, verb = np.nonzero(free)
        candidates = named[row] * width + verb
        errors.append(generator.permutation(candidates)[:wrong])
        labels = np.unique(np.concatenate([labels, *errors]))
        return np.unravel_index(labels, shape)

    def _kept(
        self,
        generator: np.random.Generator,
        true: np.ndarray,
        shape: Tuple[int, int, int],
    ) -> np.ndarray:
        """Draw which sorted true labels are kept, (N,) bool."""
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
    def _draw_confusions(
        generator: np.random.Generator, valid: np.ndarray
    ) -> np.ndarray:
        """Draw the confused verb of each class, (O, V); -1 without."""
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
