"""Removal of annotations of classes held out of training."""

from typing import Dict

import numpy as np


def without_unseen_pairs(
    hois: Dict[str, np.ndarray], unseen: np.ndarray
) -> Dict[str, np.ndarray]:
    """Select the rows of box pairs without an unseen class.

    Args:
        hois (dict): Interactions of an image in the form of
            ``LabeledAnnotations.hois``.
        unseen (np.ndarray): Unseen classes, (C, ) bool.
    """
    labels = hois['hoi_labels']
    is_hit = (labels >= 0) & unseen[labels]
    pairs = np.stack([hois['human_rows'], hois['object_rows']], 1)
    hidden = (pairs[:, None] == pairs[is_hit]).all(-1).any(-1)
    return {key: values[~hidden] for key, values in hois.items()}
