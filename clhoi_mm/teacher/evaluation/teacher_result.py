"""Comparison of a teacher's labels with annotations."""

from dataclasses import dataclass
from pathlib import Path
from typing import (
    Any,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

import numpy as np

from clhoi_mm.utils.key_matching import no_match_message
from clhoi_mm.vocabulary import HOIVocabulary

from ..simulation.image_level import ImageLevelResult, evaluate_image_level
from .annotated_images import AnnotatedImages
from .false_labels import count_false_labels
from .label_reader import read_keys, read_labels

# Annotated images of a class from which the next group begins.
_FREQUENCIES = (1, 10, 30, 100)


@dataclass(frozen=True)
class TeacherResult:
    """Statistics of one teacher.

    Attributes:
        source (str): The teacher's folder or file.
        vocabulary (HOIVocabulary): The vocabulary.
        metrics (ImageLevelResult): Counts and AP of each class.
        labels (Dict[str, Set[int]]): Labels of each image, by key.
        false_labels (Dict[str, int]): See :func:`count_false_labels`.
        frequencies (np.ndarray): Images of each class in the whole
            annotation file, (C,) int.
        not_asked (int): Annotated images that the teacher lacks.
        not_annotated (int): The teacher's images that are not annotated, or
            left out of the comparison.
        outside (int): Interactions outside the vocabulary.
    """

    source: str
    vocabulary: HOIVocabulary
    metrics: ImageLevelResult
    labels: Dict[str, Set[int]]
    false_labels: Dict[str, int]
    frequencies: np.ndarray
    not_asked: int
    not_annotated: int
    outside: int

    def by_verb(self) -> Dict[str, Dict[str, Any]]:
        """Summarize each verb that is annotated or predicted."""
        verbs = self.vocabulary.hoi_verbs
        rows = {
            verb: self.metrics.summary(verbs == label)
            for label, verb in enumerate(self.vocabulary.verbs)
        }
        return {
            verb: row
            for verb, row in rows.items()
            if row['true'] or row['predicted']
        }

    def by_frequency(self) -> Dict[str, Dict[str, Any]]:
        """Summarize classes by the number of their annotated images."""
        groups = np.searchsorted(_FREQUENCIES, self.frequencies, 'right')
        ends = (*(f'-{x - 1}' for x in _FREQUENCIES[1:]), '+')
        return {
            f'{first}{last}': self.metrics.summary(groups == group)
            for group, (first, last) in enumerate(zip(_FREQUENCIES, ends), 1)
        }

    def labels_per_image(self) -> float:
        """Compute the mean number of labels of an image."""
        return float(
            self.metrics.num_predicted.sum() / self.metrics.num_images
        )

    def num_unlabeled(self) -> int:
        """Count the images without a label."""
        return sum(not labels for labels in self.labels.values())

    def to_dict(self) -> Dict[str, Any]:
        """Return all statistics, for JSON."""
        vocabulary, metrics = self.vocabulary, self.metrics
        classes = [
            dict(
                verb=vocabulary.verbs[verb],
                object=vocabulary.objects[obj],
                true=int(metrics.num_true[i]),
                predicted=int(metrics.num_predicted[i]),
                correct=int(metrics.num_correct[i]),
                AP=100 * metrics.ap[i] if metrics.num_true[i] else None,
            )
            for i, (verb, obj) in enumerate(
                zip(vocabulary.hoi_verbs, vocabulary.hoi_objects)
            )
        ]
        return dict(
            source=self.source,
            images=metrics.num_images,
            images_not_asked=self.not_asked,
            images_not_annotated=self.not_annotated,
            outside_vocabulary=self.outside,
            images_unlabeled=self.num_unlabeled(),
            labels_per_image=self.labels_per_image(),
            all=metrics.summary(),
            false_labels=self.false_labels,
            frequencies=self.by_frequency(),
            verbs=self.by_verb(),
            classes=classes,
        )


def evaluate_teacher(
    source: Path,
    annotated: AnnotatedImages,
    vocabulary: HOIVocabulary,
    objects: Optional[Mapping[str, Sequence[int]]] = None,
) -> TeacherResult:
    """Compare a teacher's labels with annotations, image by image.

    Only images that both have count; ``no_interaction`` classes do not.

    Args:
        source (Path): A pass's folder, a cache or a parsed layer.
        annotated (AnnotatedImages): The annotations.
        vocabulary (HOIVocabulary): The vocabulary.
        objects (Mapping[str, Sequence[int]], optional): Labels of the
            objects in each image, by key; images that it lacks have none.
            Defaults to None: unknown.

    Returns:
        TeacherResult: The statistics.

    Raises:
        FileNotFoundError: The teacher's file is missing.
        ValueError: They have no image in common, or a file is damaged.
    """
    read = _read(source, annotated, vocabulary)
    pairs = read.labels[:, :2].astype(np.int64)
    images, labels = pairs.T
    true = _pairs([annotated.hois[key] for key in read.keys])
    true_images, true_labels = true.T
    named = {key: set() for key in read.keys}
    for image, label in pairs:
        named[read.keys[image]].add(int(label))
    present = None
    if objects is not None:
        _require_objects(read.keys, objects, source)
        present = _pairs([objects.get(key, ()) for key in read.keys])
    return TeacherResult(
        str(source),
        vocabulary,
        evaluate_image_level(
            images,
            labels,
            read.labels[:, 2],
            true_images,
            true_labels,
            len(read.keys),
            vocabulary.num_hois,
        ),
        named,
        count_false_labels(pairs, true, vocabulary, present),
        annotated.num_images,
        len(annotated.hois) - len(read.keys),
        read.not_annotated,
        read.outside,
    )


class _Read(NamedTuple):
    """Keys of the images compared, and (image, HOI class, score) rows."""

    keys: List[str]
    labels: np.ndarray
    not_annotated: int
    outside: int


def _read(
    source: Path, annotated: AnnotatedImages, vocabulary: HOIVocabulary
) -> _Read:
    keys: Dict[str, int] = {}
    labels: List[Tuple[int, int, float]] = []
    outside = not_annotated = 0
    for row in read_labels(source, vocabulary):
        if row.key not in annotated.hois:
            not_annotated += 1
            continue
        image = keys.setdefault(row.key, len(keys))
        labels += [(image, *x) for x in zip(row.hois, row.scores)]
        outside += row.num_outside
    if not keys:
        raise ValueError(
            no_match_message(
                read_keys(source), annotated.hois, source, annotated.path
            )
        )
    rows = np.array(labels, float).reshape(-1, 3)
    rows = rows[~vocabulary.no_interaction_mask[rows[:, 1].astype(int)]]
    return _Read(list(keys), rows, not_annotated, outside)


def _pairs(labels: Sequence[Sequence[int]]) -> np.ndarray:
    """Pair the index of each image with its labels, (N, 2) int."""
    images = np.repeat(np.arange(len(labels)), [len(x) for x in labels])
    flat = np.concatenate([np.asarray(x, np.int64) for x in labels])
    return np.stack([images, flat], 1)


def _require_objects(
    keys: Sequence[str], objects: Mapping[str, Any], source: Path
) -> None:
    if not any(key in objects for key in keys):
        raise ValueError(
            no_match_message(keys, objects, source, 'the objects')
        )
