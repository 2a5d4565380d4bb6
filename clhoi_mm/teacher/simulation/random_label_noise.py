"""Noisy image-level labels, drawn from clean ones."""

from dataclasses import dataclass
from typing import Callable, ClassVar, Iterator, List, Sequence, Tuple

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

from .image_labels import ImageLabels

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
    is confused, the other errors. Several teachers of one seed share a part
    of each of these draws.

    Attributes:
        precision (float): Share of the labels that are true, in (0, 1].
        recall (float): Share of the true labels that are kept, in (0, 1].
        seed (int): Seed of all teachers. Defaults to 0.
        confuse (bool): Whether half of the errors are systematic; without,
            all are independent. Defaults to True.
        teacher (int): Number of the teacher, from 0. Defaults to 0.
        shared_errors (float): Share in [0, 1] of the draws that all teachers
            of the seed have in common. Defaults to 0.

    Raises:
        ValueError: A share is out of range.
    """

    names_no_interaction: ClassVar[bool] = True

    precision: float
    recall: float
    seed: int = 0
    confuse: bool = True
    teacher: int = 0
    shared_errors: float = 0.0

    def __post_init__(self) -> None:
        for name in ('precision', 'recall'):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(
                    f'{name}={getattr(self, name)!r} must lie in (0, 1].'
                )
        if self.teacher < 0:
            raise ValueError(f'teacher={self.teacher!r} must be 0 or more.')
        if not 0 <= self.shared_errors <= 1:
            raise ValueError(
                f'shared_errors={self.shared_errors!r} must lie in [0, 1].'
            )

    def draw(
        self, images: Sequence[ImageLabels], vocabulary: HOIVocabulary
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Draw the labels of all images.

        Args:
            images (Sequence[ImageLabels]): The data set at image level.
            vocabulary (HOIVocabulary): Its classes.

        Returns:
            tuple: Image of each label and its HOI class, (M,) int each.
        """
        rows = np.repeat(
            np.arange(len(images)), [len(image.hois) for image in images]
        )
        hois = np.array(
            [hoi for image in images for hoi in image.hois], np.int64
        )
        rows, objects, verbs = self.apply(
            rows,
            vocabulary.hoi_objects[hois],
            vocabulary.hoi_verbs[hois],
            len(images),
            vocabulary.valid.T,
        )
        return rows, vocabulary.hoi_lookup[verbs, objects]

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
        draws = _Draws(self.seed, self.teacher, self.shared_errors)
        true = np.unique(np.ravel_multi_index((images, objects, verbs), shape))
        labels = true[draws.mix(lambda rng: self._kept(rng, true, shape))]
        wrong = int(len(labels) * (1 - self.precision) / self.precision)
        errors = self._draw_errors(draws, true, wrong, valid)
        labels = np.unique(np.concatenate([labels, *errors]))
        return np.unravel_index(labels, shape)

    def _draw_errors(
        self, draws: '_Draws', true: np.ndarray, wrong: int, valid: np.ndarray
    ) -> List[np.ndarray]:
        """Draw flat indices of wrong labels for sorted true ones."""
        # Rows are the (image, object) that some true word names.
        width = valid.shape[1]
        named, row = np.unique(true // width, return_inverse=True)
        free = valid[named % len(valid)]
        free[row, true % width] = False
        errors = []
        if self.confuse:
            confused = draws.mix(lambda rng: self._draw_confusions(rng, valid))
            other = confused[true // width % len(valid), true % width]
            hit = other >= 0
            is_open = hit & free[row, other]
            picked = draws.pick(is_open, wrong // 2)
            row, other = row[picked], other[picked]
            free[row, other] = False
            errors.append(named[row] * width + other)
            # Two classes may be confused with the same verb: counted twice.
            wrong -= len(picked)
        row, verb = np.divmod(draws.pick(free.ravel(), wrong), width)
        return [*errors, named[row] * width + verb]

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


class _Draws:
    """Random draws, a share of them common to all teachers of a seed."""

    def __init__(self, seed: int, teacher: int, shared: float) -> None:
        self.shared = shared
        self._own = np.random.default_rng([seed, teacher])
        self._common = np.random.default_rng([seed, 0, 1])

    def mix(
        self, draw: Callable[[np.random.Generator], np.ndarray]
    ) -> np.ndarray:
        own = draw(self._own)
        if not self.shared:
            return own
        common = draw(self._common)
        mask = self._common.random(own.shape) < self.shared
        return np.where(mask, common, own)

    def pick(self, mask: np.ndarray, count: int) -> np.ndarray:
        """Pick at most ``count`` indices of a mask's true values."""
        found = np.flatnonzero(mask)
        if not self.shared:
            return self._own.permutation(found)[:count]
        priority = self.mix(lambda rng: rng.random(len(mask)))
        return found[np.argsort(priority[found])[:count]]


def _chunks(count: int) -> Iterator[Tuple[int, int]]:
    for first in range(0, count, _CHUNK):
        yield first, min(first + _CHUNK, count)
