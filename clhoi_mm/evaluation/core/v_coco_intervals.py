"""How much V-COCO's figures owe to which images were photographed."""

from typing import Dict, Tuple

import numpy as np

from .v_coco_matching import RoleMatches, match_persons, match_roles, rank_rows
from .v_coco_tables import RolePredictions, VCOCOActions, VCOCOTruth


def v_coco_intervals(
    truth: VCOCOTruth,
    pred: RolePredictions,
    actions: VCOCOActions,
    resamples: int,
    share: float = 0.95,
    seed: int = 0,
) -> Dict[str, float]:
    """Intervals of the means over 24 roles, by the bootstrap over images.

    Images are drawn with replacement, as many as there are; an image that is
    drawn twice counts twice. Classes that a draw has no annotation of are
    left out of its mean, as they are of the figures.

    Args:
        truth (VCOCOTruth): Annotated persons and roles.
        pred (RolePredictions): Predicted rows.
        actions (VCOCOActions): What the verbs stand for.
        resamples (int): Number of draws.
        share (float): Share of the draws within the interval.
        seed (int): Of the draws.

    Returns:
        dict[str, float]: ``AP_role_s1_low``, ``AP_role_s1_high`` and those of
        ``AP_role_s2``, in percent.
    """
    matches = match_persons(truth, pred, actions)
    roles = match_roles(truth, matches, actions)
    # What is not annotated in any image cannot be drawn.
    images = 1 + max(
        truth.image_inds.max(initial=0), pred.image_inds.max(initial=0)
    )
    gt = np.zeros((images, len(actions.actions)))
    np.add.at(gt, truth.image_inds, matches.acts)
    scenarios = [_ranked(roles, strict) for strict in (True, False)]
    rng = np.random.default_rng(seed)
    means = np.empty((resamples, 2))
    for row in means:
        weights = np.bincount(
            rng.integers(images, size=images), minlength=images
        )
        num_gt = (weights @ gt)[actions.action_inds]
        kept = actions.counts & (num_gt > 0)
        for i, ranked in enumerate(scenarios):
            row[i] = _areas(*ranked, weights, num_gt)[kept].mean() * 100
    tails = np.quantile(means, [(1 - share) / 2, (1 + share) / 2], axis=0)
    return {
        f'AP_role_{name}_{end}': float(tails[j, i])
        for i, name in enumerate(('s1', 's2'))
        for j, end in enumerate(('low', 'high'))
    }


def _ranked(
    roles: RoleMatches, strict: bool
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, classes and hits of the rows, in the order of the ranking."""
    pred = roles.pred
    order = rank_rows(pred.image_inds, pred.verb_labels, pred.scores)
    return (
        pred.image_inds[order],
        pred.verb_labels[order],
        roles.true_positives(strict)[order],
    )


def _areas(
    image_inds: np.ndarray,
    labels: np.ndarray,
    hits: np.ndarray,
    weights: np.ndarray,
    num_gt: np.ndarray,
) -> np.ndarray:
    """Area under the envelope of each class, where images count several
    times, (V,); :func:`area_under_envelope` where each counts once."""
    rows = np.append(0, np.cumsum(weights[image_inds]))
    found = np.flatnonzero(hits & (weights[image_inds] > 0))
    times = weights[image_inds[found]]
    right = np.append(0, np.cumsum(times))
    areas = np.zeros(len(num_gt))
    starts = np.searchsorted(labels, np.arange(len(num_gt)))
    firsts = np.searchsorted(labels[found], np.arange(len(num_gt) + 1))
    for label in np.flatnonzero(num_gt):
        part = slice(firsts[label], firsts[label + 1])
        precision = (right[1:][part] - right[firsts[label]]) / (
            rows[found[part] + 1] - rows[starts[label]]
        )
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        areas[label] = (envelope * times[part]).sum() / num_gt[label]
    return areas
