from typing import Iterator, List, Optional, Sequence, Tuple

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

from .error_statistics import LabelVariance
from .image_labels import ImageLabels, label_mask
from .presets import TeacherPreset
from .teacher_random import TeacherRandom

_CHUNK = 1024  # images of which all classes are in memory at a time
# A chunk's candidates are kept up to this multiple of the mean number of
# labels, and these many more.
_KEPT, _MORE = 6, 256
TRUE, OTHER_VERB, UNUSED, ABSENT = range(4)


class LatentLabelNoise:
    """Image-level noise with the statistics of real teachers.

    A probit model with random effects: a class of an image is named if a
    normal number is above the threshold of its kind. Parts of the number are
    common to the class, to the class in the image, and to the teacher
    (:class:`LabelVariance`), so that teachers of one seed repeat each other.
    The thresholds meet precision, recall and the shares of the kinds of
    errors. What a kind lacks in candidates the next one gets.

    ``no_interaction`` classes are never named, nor are persons as objects
    unless they are in an interaction.

    Args:
        preset (TeacherPreset): Precision, recall and ``errors``.
        seed (int): Seed of all teachers. Defaults to 0.
        teacher (int): Number of the teacher. Defaults to 0.
        shared_errors (float, optional): Share of the random draws that all
            teachers of the seed have in common, in place of the part of the
            class in the image. Defaults to None: as in ``preset.errors``.
    """

    names_no_interaction = False

    def __init__(
        self,
        preset: TeacherPreset,
        seed: int = 0,
        teacher: int = 0,
        shared_errors: Optional[float] = None,
    ) -> None:
        if preset.errors is None:
            raise ValueError('The preset has no statistics of errors.')
        self.precision = preset.precision
        self.recall = preset.recall
        self.errors = preset.errors
        self._as_measured = shared_errors is None
        self._random = TeacherRandom(seed, teacher, shared_errors or 0.0)

    def draw(
        self, images: Sequence[ImageLabels], vocabulary: HOIVocabulary
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Draw the labels of all images.

        Args:
            images (Sequence[ImageLabels]): The data set at image level.
            vocabulary (HOIVocabulary): Its classes.

        Returns:
            tuple: Image of each label in the order of ``images``, and its
            HOI class, (M,) int each, sorted by both; the same for any order
            of images.
        """
        order = sorted(range(len(images)), key=lambda i: images[i].key)
        images = [images[i] for i in order]
        num_true = sum(len(image.hois) for image in images)
        wanted = self._wanted(num_true)
        effects = self._class_effects(images, vocabulary)
        rate = sum(wanted) / max(len(images), 1)
        found: List[List[Tuple[np.ndarray, ...]]] = [[], [], [], []]
        num_unused = 0
        for first, chunk in _chunks(images):
            kinds, unused = _kinds(chunk, vocabulary)
            num_unused += unused
            evidence = self._evidence(chunk, kinds, effects)
            for kind, parts in enumerate(found):
                rows, hois = np.nonzero(kinds == kind)
                values = evidence[rows, hois]
                if kind != TRUE:
                    kept = int(_KEPT * rate * len(chunk)) + _MORE
                    best = _largest(values, kept)
                    rows, hois, values = rows[best], hois[best], values[best]
                parts.append((rows + first, hois, values))
        max_unused = round(self.errors.max_unused_rate * num_unused)
        labels = _select(found, wanted, max_unused)
        rows = np.array(order, np.int64)[labels[0]]
        sort = np.lexsort((labels[1], rows))
        return rows[sort], labels[1][sort]

    def _wanted(self, num_true: int) -> List[float]:
        """Compute the number of labels of each kind."""
        hits = self.recall * num_true
        wrong = hits * (1 / self.precision - 1)
        other, unused = self.errors.other_verb, self.errors.unused_object
        return [
            hits,
            other * wrong,
            unused * wrong,
            (1 - other - unused) * wrong,
        ]

    def _class_effects(
        self, images: Sequence[ImageLabels], vocabulary: HOIVocabulary
    ) -> np.ndarray:
        """Draw the classes' part of each kind, (4, C)."""
        counts = np.zeros(vocabulary.num_hois)
        for image in images:
            counts[list(image.hois)] += 1
        logs = np.log1p(counts)
        common = (logs - logs.mean()) / (logs.std() + 1e-6)
        shape = (3, vocabulary.num_hois)
        normal = self._random.common('class', vocabulary.hash).standard_normal(
            shape
        )
        effects = [
            part.frequency * common
            + np.sqrt(part.of_class - part.frequency**2) * row
            for part, row in zip(self._variances()[:3], normal)
        ]
        return np.stack([*effects, effects[UNUSED]])

    def _variances(self) -> List[LabelVariance]:
        x = self.errors
        return [x.true, x.wrong_verb, x.elsewhere, x.elsewhere]

    def _evidence(
        self,
        images: Sequence[ImageLabels],
        kinds: np.ndarray,
        effects: np.ndarray,
    ) -> np.ndarray:
        """Draw the number to compare with the kind's threshold, (N, C)."""
        variances = self._variances()
        of_label = np.array([x.of_label for x in variances])
        own = 1 - np.array([x.of_class for x in variances])
        shape = (kinds.shape[1],)
        evidence = np.take_along_axis(effects, np.maximum(kinds, 0), 0)
        if self._as_measured:
            own -= of_label
            draws = [
                self._random.common('label', image.key).standard_normal(shape)
                for image in images
            ]
            evidence += np.sqrt(of_label)[kinds] * np.stack(draws)
        draws = [
            self._random.normal('label', image.key, shape)[0]
            for image in images
        ]
        return evidence + np.sqrt(own)[kinds] * np.stack(draws)


def _kinds(
    images: Sequence[ImageLabels], vocabulary: HOIVocabulary
) -> Tuple[np.ndarray, int]:
    """Find the kind of each class in each image, and count unused objects.

    Returns:
        tuple: Kinds, (N, C) int8, -1 for classes that are not named; number
        of (image, object) whose object is in no interaction.
    """
    objects, person = vocabulary.hoi_objects, vocabulary.person_label
    true = label_mask([x.hois for x in images], vocabulary.num_hois)
    present = label_mask([x.objects for x in images], vocabulary.num_objects)
    used = np.zeros_like(present)
    rows, hois = np.nonzero(true)
    used[rows, objects[hois]] = True
    kinds = np.full(true.shape, ABSENT, np.int8)
    kinds[present[:, objects]] = UNUSED
    kinds[:, objects == person] = -1
    kinds[used[:, objects]] = OTHER_VERB
    kinds[~present[:, person]] = -1
    kinds[:, vocabulary.no_interaction_mask] = -1
    kinds[true] = TRUE
    unused = present & ~used & present[:, [person]]
    unused[:, person] = False
    return kinds, int(unused.sum())


def _select(
    found: Sequence[Sequence[Tuple[np.ndarray, ...]]],
    wanted: Sequence[float],
    max_unused: int,
) -> Tuple[np.ndarray, np.ndarray]:
    """Select each kind's labels of the highest evidence."""
    chosen: List[Tuple[np.ndarray, np.ndarray]] = []
    missing = 0.0
    for kind, parts in enumerate(found):
        if not parts:
            continue
        rows, hois, values = (np.concatenate(x) for x in zip(*parts))
        count = round(wanted[kind] + missing)
        if kind == UNUSED:
            count = min(count, max_unused)
        best = _largest(values, count)
        chosen.append((rows[best], hois[best]))
        if kind != TRUE:
            missing += wanted[kind] - len(best)
    empty = np.zeros(0, np.int64)
    rows, hois = zip(*chosen) if chosen else ([empty], [empty])
    return np.concatenate(rows), np.concatenate(hois)


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Find the indices of the largest values."""
    if count >= len(values):
        return np.arange(len(values))
    return np.argpartition(-values, count)[:count]


def _chunks(
    images: Sequence[ImageLabels],
) -> Iterator[Tuple[int, Sequence[ImageLabels]]]:
    for first in range(0, len(images), _CHUNK):
        yield first, images[first : first + _CHUNK]
