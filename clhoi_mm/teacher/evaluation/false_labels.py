"""Kinds of false image-level labels."""

from typing import Dict, Optional

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

# Object annotated in an interaction that the teacher missed, or in none that
# it missed.
WRONG_VERB, EXTRA_VERB = 'wrong_verb', 'extra_verb'
# Object in no annotated interaction; both together where the objects of the
# images are unknown.
UNUSED_OBJECT, ABSENT_OBJECT = 'unused_object', 'absent_object'
OTHER_OBJECT = 'other_object'


def count_false_labels(
    predicted: np.ndarray,
    true: np.ndarray,
    vocabulary: HOIVocabulary,
    present: Optional[np.ndarray] = None,
) -> Dict[str, int]:
    """Count false labels by the role of their object in the image.

    Args:
        predicted (np.ndarray): (image, HOI class) pairs, (N, 2) int.
        true (np.ndarray): Annotated pairs, (M, 2) int.
        vocabulary (HOIVocabulary): The vocabulary.
        present (np.ndarray, optional): (image, object) pairs of all objects
            in the images, (K, 2) int. Defaults to None: unknown.

    Returns:
        Dict[str, int]: Numbers by kind. ``wrong_verb``: the object is
        annotated in an interaction that was not predicted; ``extra_verb``:
        all its annotated interactions were predicted as well; then
        ``unused_object`` (present, in no annotated interaction) and
        ``absent_object``, or, without ``present``, ``other_object``.
    """
    said, shown = (
        np.unique(np.asarray(x, np.int64).reshape(-1, 2), axis=0)
        for x in (predicted, true)
    )
    num_hois, num_objects = vocabulary.num_hois, len(vocabulary.objects)
    said_codes, shown_codes = (x @ (num_hois, 1) for x in (said, shown))
    objects = vocabulary.hoi_objects

    def object_codes(pairs: np.ndarray) -> np.ndarray:
        return pairs[:, 0] * num_objects + objects[pairs[:, 1]]

    false = object_codes(said[~np.isin(said_codes, shown_codes)])
    missed = shown[~np.isin(shown_codes, said_codes)]
    is_annotated = np.isin(false, object_codes(shown))
    is_missed = np.isin(false, object_codes(missed))
    counts = {
        WRONG_VERB: int(is_missed.sum()),
        EXTRA_VERB: int((is_annotated & ~is_missed).sum()),
    }
    rest = false[~is_annotated]
    if present is None:
        return {**counts, OTHER_OBJECT: len(rest)}
    pairs = np.asarray(present, np.int64).reshape(-1, 2)
    is_present = np.isin(rest, pairs @ (num_objects, 1))
    return {
        **counts,
        UNUSED_OBJECT: int(is_present.sum()),
        ABSENT_OBJECT: int((~is_present).sum()),
    }
