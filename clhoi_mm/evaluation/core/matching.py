"""Matching of predictions to ground truth as segment operations."""

from typing import Tuple

import numpy as np


def candidate_pairs(
    pred_keys: np.ndarray, gt_keys: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Join predictions with the ground truth of the same key.

    Args:
        pred_keys (np.ndarray): Integer key of each prediction, (N,), such as
            one of an image and a class.
        gt_keys (np.ndarray): Integer key of each ground truth, (M,).

    Returns:
        tuple[np.ndarray, np.ndarray]: Row indices of predictions and of ground
        truths, (K,) each. Sorted by prediction; the ground truths of one
        prediction keep their order.
    """
    order = np.argsort(gt_keys, kind='stable')
    sorted_keys = gt_keys[order]
    starts = np.searchsorted(sorted_keys, pred_keys, side='left')
    counts = np.searchsorted(sorted_keys, pred_keys, side='right') - starts
    pred_inds = np.repeat(np.arange(len(pred_keys)), counts)
    # Offset from a position in the join to one in `sorted_keys`.
    shifts = starts - (np.cumsum(counts) - counts)
    gt_inds = order[np.arange(len(pred_inds)) + np.repeat(shifts, counts)]
    return pred_inds, gt_inds


def best_matches(
    pred_inds: np.ndarray,
    gt_inds: np.ndarray,
    overlaps: np.ndarray,
    num_preds: int,
) -> Tuple[np.ndarray, np.ndarray]:
    """Find the ground truth that each prediction overlaps most.

    Args:
        pred_inds (np.ndarray): Rows of predictions from `candidate_pairs`,
            (K,), sorted.
        gt_inds (np.ndarray): Rows of ground truths, (K,).
        overlaps (np.ndarray): Overlap of each candidate, (K,).
        num_preds (int): Number of predictions, N.

    Returns:
        tuple[np.ndarray, np.ndarray]: (N,) int64 rows of ground truths, -1
        without a candidate, and (N,) overlaps, -1 there. Of equal overlaps
        the first one counts, even if all overlaps are 0.
    """
    matches = np.full(num_preds, -1, dtype=np.int64)
    best = np.full(num_preds, -1, dtype=np.float64)
    if len(pred_inds):
        matched, starts = np.unique(pred_inds, return_index=True)
        best[matched] = np.maximum.reduceat(overlaps, starts)
        winners = np.flatnonzero(overlaps == best[pred_inds])[::-1]
        # Written from last to first, so that the first one is kept.
        matches[pred_inds[winners]] = gt_inds[winners]
    return matches, best


def assign_true_positives(
    matches: np.ndarray, order: np.ndarray
) -> np.ndarray:
    """Mark the first prediction that matches each ground truth.

    Args:
        matches (np.ndarray): Rows of ground truths, -1 without a match, (N,).
        order (np.ndarray): Order in which predictions are considered, (N,).

    Returns:
        np.ndarray: True for the first match of a ground truth, (N,) bool.
    """
    matched_gts, first = np.unique(matches[order], return_index=True)
    true_positive = np.zeros(len(matches), dtype=bool)
    true_positive[order[first[matched_gts >= 0]]] = True
    return true_positive
