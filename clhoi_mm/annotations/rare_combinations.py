"""Zero-shot split of the rarest annotated classes."""

import os
from typing import List, Union

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

from .annotation_file import AnnotationFile


def rare_combinations(
    ann_file: Union[str, os.PathLike],
    number: int,
    vocabulary: Union[str, HOIVocabulary] = 'hico_det',
) -> List[int]:
    """Select the classes with the fewest annotated interactions.

    As in RF-UC each verb and each object keeps another class that is trained,
    and no_interaction classes and classes without annotations are not chosen.

    Args:
        ann_file (str | PathLike): File in the project's format.
        number (int): Number of classes.
        vocabulary (str | HOIVocabulary): Vocabulary of the file.

    Returns:
        List[int]: Labels of the classes, ascending.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is invalid or has too few such classes.
    """
    vocab = HOIVocabulary.load(vocabulary)
    file = AnnotationFile.read(ann_file)
    pair_classes = file.pair_labels(vocab)
    counts = np.bincount(
        pair_classes[pair_classes >= 0], minlength=vocab.num_hois
    )
    verb_counts = np.bincount(vocab.hoi_verbs, minlength=vocab.num_verbs)
    object_counts = np.bincount(vocab.hoi_objects, minlength=vocab.num_objects)
    object_counts -= np.bincount(
        vocab.hoi_objects[vocab.no_interaction_mask],
        minlength=vocab.num_objects,
    )
    rare: List[int] = []
    for hoi in np.argsort(counts, kind='stable').tolist():
        verb, obj = vocab.hoi_verbs[hoi], vocab.hoi_objects[hoi]
        if (
            len(rare) < number
            and counts[hoi]
            and verb_counts[verb] > 1
            and object_counts[obj] > 1
            and not vocab.no_interaction_mask[hoi]
        ):
            rare.append(hoi)
            verb_counts[verb] -= 1
            object_counts[obj] -= 1
    if len(rare) < number:
        raise ValueError(
            f'{ann_file}: only {len(rare)} classes with an annotated '
            'interaction, whose verb and object have another class, where '
            f'{number} are asked for; ask for fewer.'
        )
    return sorted(rare)
