"""Classes that zero-shot training must not see."""
from typing import Dict, Optional, Sequence, Union

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary, load_zero_shot_split


def unseen_classes(zero_shot: Optional[Union[str, Sequence[int]]],
                   vocabulary: HOIVocabulary) -> Optional[np.ndarray]:
    """Flags the classes that training must not see.

    Args:
        zero_shot (str | Sequence[int], optional): A protocol of HICO-DET, as
            :func:`load_zero_shot_split` takes it, or labels of classes.
        vocabulary (HOIVocabulary): Has the classes.

    Returns:
        np.ndarray | None: (C, ) bool, None where nothing is unseen.

    Raises:
        ValueError: The protocol is unknown or another data set's, or a label
            is out of range.
    """
    if zero_shot is None:
        return None
    if isinstance(zero_shot, str):
        if vocabulary != HOIVocabulary.load('hico_det'):
            raise ValueError(f'zero_shot={zero_shot!r} names classes of '
                             f'HICO-DET, but the vocabulary is '
                             f'{vocabulary.name!r}; give labels.')
        zero_shot = load_zero_shot_split(zero_shot)
    labels = np.asarray(zero_shot, np.int64)
    if ((labels < 0) | (labels >= vocabulary.num_hois)).any():
        raise ValueError('zero_shot: labels must lie in '
                         f'0..{vocabulary.num_hois - 1}.')
    unseen = np.zeros(vocabulary.num_hois, bool)
    unseen[labels] = True
    return unseen


def without_unseen_pairs(hois: Dict[str, np.ndarray],
                         unseen: np.ndarray) -> Dict[str, np.ndarray]:
    """The rows of pairs of boxes that carry no unseen class.

    Args:
        hois (dict): An image's, as ``HOIAnnotationFile.image_hois`` gives
            them.
        unseen (np.ndarray): (C, ) bool.
    """
    labels = hois['hoi_labels']
    hit = (labels >= 0) & unseen[labels]
    pairs = np.stack([hois['human_rows'], hois['object_rows']], 1)
    hidden = (pairs[:, None] == pairs[hit]).all(-1).any(-1)
    return {key: values[~hidden] for key, values in hois.items()}
