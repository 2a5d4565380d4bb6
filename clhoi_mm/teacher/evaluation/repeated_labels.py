"""Agreement of teachers that described different images."""

from collections import Counter
from typing import Mapping, Optional, Sequence, Set, Tuple


def repeated_labels(
    teachers: Sequence[Mapping[str, Set[int]]],
    true: Mapping[str, Sequence[int]],
) -> Tuple[Optional[float], Optional[float]]:
    """Compute how often another teacher of an image repeats a label.

    Args:
        teachers (Sequence[Mapping[str, Set[int]]]): For each teacher, the
            labels of its images, by key.
        true (Mapping[str, Sequence[int]]): The true labels of these images.

    Returns:
        Tuple[float | None, float | None]: Probability that another teacher
        names a teacher's true, and a teacher's false label, in percent; None
        if no image with such a label has two teachers.
    """
    asked = Counter(key for labels in teachers for key in labels)
    named = Counter(
        (key, label)
        for labels in teachers
        for key, row in labels.items()
        for label in row
    )
    repeats, chances = Counter(), Counter()
    for (key, label), count in named.items():
        is_true = label in true[key]
        repeats[is_true] += count * (count - 1)
        chances[is_true] += count * (asked[key] - 1)
    shares = [
        100 * repeats[x] / chances[x] if chances[x] else None
        for x in (True, False)
    ]
    return shares[0], shares[1]
