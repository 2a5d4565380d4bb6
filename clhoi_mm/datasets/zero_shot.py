"""Annotations that zero-shot training must not see."""

from typing import Dict

import numpy as np


def without_unseen_pairs(
    hois: Dict[str, np.ndarray], unseen: np.ndarray
) -> Dict[str, np.ndarray]:
    """The rows of pairs of boxes that carry no unseen class.

    Args:
        hois (dict): An image's, as ``LabeledAnnotations.hois`` gives
            them.
        unseen (np.ndarray): (C, ) bool.
    """
    labels = hois['hoi_labels']
    hit = (labels >= 0) & unseen[labels]
    pairs = np.stack([hois['human_rows'], hois['object_rows']], 1)
    hidden = (pairs[:, None] == pairs[hit]).all(-1).any(-1)
    return {key: values[~hidden] for key, values in hois.items()}
