"""Captions as weighted sums of their sentences."""

from typing import Tuple

import numpy as np

from .pseudo_labels import PseudoLabels

# Equal sentences share their weight.
_SAME = 1e-4


def is_sum(row: PseudoLabels) -> bool:
    """Check that a caption consists of its sentences."""
    return row.caption.split() == ' '.join(row.sentences).split()


def caption_weights(
    captions: np.ndarray, sentences: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Fit weights of sentences to a caption.

    That is the caption itself where the encoder adds up words or averages
    sentences, as those do that can read a sentence at a time only.

    Args:
        captions (np.ndarray): N captions, (N, d).
        sentences (np.ndarray): K sentences of each, (N, K, d).

    Returns:
        Tuple[np.ndarray, np.ndarray]: (N, K) weights, and (N,) cosines
        between captions and sums.
    """
    captions, sentences = np.float64(captions), np.float64(sentences)
    gram = sentences @ sentences.transpose(0, 2, 1)
    along = sentences @ captions[..., None]
    weights = np.linalg.pinv(gram, _SAME, hermitian=True) @ along
    length = np.sqrt(weights.transpose(0, 2, 1) @ gram @ weights)
    weights /= np.where(length > 1e-6, length, np.inf)
    cosines = (weights * along).sum((1, 2))
    return weights[..., 0], cosines
