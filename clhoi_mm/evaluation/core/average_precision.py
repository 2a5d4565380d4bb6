"""Average precision of all classes, vectorized."""

from typing import Tuple

import numpy as np

# Recall levels of the 11-point AP, rounded as MATLAB's ``0:0.1:1`` and
# ``torch.linspace(0, 1, 11)`` are.
_FROM_ZERO = np.arange(5) * 0.1
RECALL_LEVELS = np.concatenate([_FROM_ZERO, [0.5], 1 - _FROM_ZERO[::-1]])
# With numpy's rounding: 0.6000000000000001 and 0.7000000000000001, which a
# recall of 6/10 or 7/10 does not reach.
RISING_RECALL_LEVELS = np.arange(0, 1.1, 0.1)


def rank_in_class(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Sort by class, then by descending score, stably.

    Args:
        labels (np.ndarray): Classes, (N,) int.
        scores (np.ndarray): Scores, (N,) float.

        np.ndarray: Row indices, (N,).
        np.ndarray: (N,) row numbers.
    """
    return np.lexsort((-scores, labels))


def average_precision(
    labels: np.ndarray,
    true_positive: np.ndarray,
    num_gt: np.ndarray,
    levels: np.ndarray = RECALL_LEVELS,
) -> np.ndarray:
    """Compute each class's interpolated AP at given recall levels.

    Mean, over recall levels, of the maximum precision at that recall or more.
    Precision decreases between true positives, so that its maximum over any
    recall range is attained at a true positive and only those are evaluated.

    Args:
        labels (np.ndarray): Classes of the predictions, (N,) int, in the
            order of `rank_in_class`.
        true_positive (np.ndarray): (N,) bool in the same order.
        num_gt (np.ndarray): Number of ground truths of each class, (C,) int.
        levels (np.ndarray): Recall levels, ascending, the first one 0, (L,).

    Returns:
        np.ndarray: (C,) float64 in [0, 1]; 0 for classes without ground
        truth or without true positives.
    """
    tp_labels, precision, hits = precisions(labels, true_positive, len(num_gt))
    recall = hits / num_gt[tp_labels]

    # best[c, l]: the maximum precision where exactly the first l + 1 levels
    # are reached; its running maximum from the right is the envelope.
    best = np.zeros((len(num_gt), len(levels)))
    reached = np.searchsorted(levels, recall, side='right') - 1
    np.maximum.at(best, (tp_labels, reached), precision)
    envelope = np.maximum.accumulate(best[:, ::-1], axis=1)
    return envelope.mean(axis=1)


def area_under_envelope(
    labels: np.ndarray, true_positive: np.ndarray, num_gt: np.ndarray
) -> np.ndarray:
    """Compute the area under the interpolated precision-recall curve.

    Args:
        labels (np.ndarray): Classes of the predictions, (N,) int, sorted,
            and by descending score within a class.
        true_positive (np.ndarray): (N,) bool in the same order.
        num_gt (np.ndarray): Number of ground truths of each class, (C,) int.

    Returns:
        np.ndarray: (C,) float64 in [0, 1]; NaN for classes without ground
        truth.
    """
    tp_labels, precision, _ = precisions(labels, true_positive, len(num_gt))
    area = np.zeros(len(num_gt))
    for label in np.unique(tp_labels):
        rows = precision[tp_labels == label]
        area[label] = np.maximum.accumulate(rows[::-1]).sum()
    return np.divide(
        area, num_gt, out=np.full_like(area, np.nan), where=num_gt > 0
    )


def precisions(
    labels: np.ndarray, true_positive: np.ndarray, num_classes: int
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the class, precision and rank of each true positive.

    Args:
        labels (np.ndarray): Classes of the predictions, (N,) int, in the
            order of `rank_in_class`.
        true_positive (np.ndarray): (N,) bool in the same order, K of them.
        num_classes (int): Number of classes.

    Returns:
        tuple: Class, precision and number of true positives so far, (K,) each.
    """
    starts = np.searchsorted(labels, np.arange(num_classes))
    hits_before = np.concatenate([[0], np.cumsum(true_positive)])
    is_tp = np.flatnonzero(true_positive)
    tp_labels = labels[is_tp]
    starts = starts[tp_labels]
    hits = hits_before[is_tp + 1] - hits_before[starts]
    return tp_labels, hits / (is_tp + 1 - starts), hits
