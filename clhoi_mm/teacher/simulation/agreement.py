from dataclasses import dataclass
from typing import List, Sequence

import numpy as np

from .image_labels import ImageLabels, label_mask


@dataclass(frozen=True)
class Agreement:
    """Agreement of several teachers about the same images.

    Attributes:
        precision (List[float]): Precision of the labels that at least 1, 2,
            ... teachers name; 0 without such labels.
        recall (List[float]): Their recall.
        repeated_true (float): Probability that another teacher repeats a
            true label of a teacher.
        repeated_false (float): The same for a false label.
    """

    precision: List[float]
    recall: List[float]
    repeated_true: float
    repeated_false: float


def measure_agreement(
    images: Sequence[ImageLabels],
    teachers: Sequence[Sequence[Sequence[int]]],
    num_classes: int,
) -> Agreement:
    """Measure how often teachers name the same classes.

    Args:
        images (Sequence[ImageLabels]): The truth of N images.
        teachers (Sequence[Sequence[Sequence[int]]]): Of each teacher, the
            HOI classes that it names in each image.
        num_classes (int): Number of classes.

    Returns:
        Agreement: Probabilities.

    Raises:
        ValueError: There is no teacher.
    """
    if not teachers:
        raise ValueError('Agreement needs at least one teacher.')
    truth = label_mask([image.hois for image in images], num_classes)
    counts = np.zeros(truth.shape, np.int32)
    for labels in teachers:
        counts += label_mask(labels, num_classes)
    precision, recall = [], []
    for least in range(1, len(teachers) + 1):
        named = counts >= least
        hits = int((named & truth).sum())
        precision.append(hits / max(int(named.sum()), 1))
        recall.append(hits / max(int(truth.sum()), 1))
    return Agreement(
        precision,
        recall,
        _repeated(counts[truth], len(teachers)),
        _repeated(counts[~truth], len(teachers)),
    )


def _repeated(counts: np.ndarray, num_teachers: int) -> float:
    """Probability that a second teacher names what a first one names."""
    pairs = int((counts * (counts - 1)).sum())
    return pairs / max(int(counts.sum()) * (num_teachers - 1), 1)
