"""Bootstrap confidence intervals of V-COCO's metrics over images."""

from typing import Dict, Optional, Sequence

import numpy as np

from clhoi_mm.annotations import AnnotationFile

from .bootstrap import bootstrap_interval
from .ground_truth import v_coco_ground_truth
from .predictions import Predictions
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
    """Estimate confidence intervals of the means over 24 roles.

    See :func:`bootstrap_interval`.

    Args:
        truth (VCOCOTruth): Annotated persons and roles.
        pred (RolePredictions): Predicted rows.
        actions (VCOCOActions): Actions and roles of the verbs.
        resamples (int): Number of draws.
        share (float): Confidence level, the fraction of draws within the
            interval.
        seed (int): Seed of the draws.

    Returns:
        dict[str, float]: ``AP_role_s1_low``, ``AP_role_s1_high`` and those of
        ``AP_role_s2``, in percent.
    """
    weighted = WeightedVCOCO(truth, pred, actions)
    ends = bootstrap_interval(
        weighted.means, weighted.num_images, resamples, share, seed
    )
    return {
        f'AP_role_{name}_{end}': float(ends[j, i])
        for i, name in enumerate(('s1', 's2'))
        for j, end in enumerate(('low', 'high'))
    }


def v_coco_difference(
    annotations: AnnotationFile,
    own: Sequence[Predictions],
    other: Sequence[Predictions],
    resamples: int,
    share: float = 0.95,
    seed: int = 0,
) -> Dict[str, float]:
    """Estimate the difference of two models by a paired bootstrap.

    Each draw of images scores all predictions, so that what makes images
    easy or hard for both models cancels out. A model with several seeds has
    the mean over its predictions.

    Args:
        annotations (AnnotationFile): Annotations of the images.
        own (Sequence[Predictions]): One per seed.
        other (Sequence[Predictions]): Of the model to compare with.
        resamples (int): Number of draws.
        share (float): Confidence level, the fraction of draws within the
            interval.
        seed (int): Seed of the draws.

    Returns:
        dict[str, float]: ``AP_role_s1``, the mean of ``own`` less that of
        ``other`` in percent, its interval ``AP_role_s1_low`` and
        ``AP_role_s1_high``, and those of ``AP_role_s2``.
    """
    truth, actions = v_coco_ground_truth(annotations)
    num_images = len(annotations.image_ids)
    models = [
        [
            WeightedVCOCO(truth, p.roles(annotations), actions, num_images)
            for p in predictions
        ]
        for predictions in (own, other)
    ]

    def difference(weights: np.ndarray) -> np.ndarray:
        means = [
            np.mean([model.means(weights) for model in seeds], axis=0)
            for seeds in models
        ]
        return means[0] - means[1]

    once = difference(np.ones(num_images, np.int64))
    low, high = bootstrap_interval(
        difference, num_images, resamples, share, seed
    )
    return {
        f'AP_role_{name}{end}': float(values[i])
        for i, name in enumerate(('s1', 's2'))
        for end, values in (('', once), ('_low', low), ('_high', high))
    }


class WeightedVCOCO:
    """V-COCO metrics with a weight for each image.

    Boxes are matched once.

    Args:
        truth (VCOCOTruth): Annotated persons and roles.
        pred (RolePredictions): Predicted rows.
        actions (VCOCOActions): Actions and roles of the verbs.
        num_images (int, optional): Number of images. Defaults to one more
            than the last image with an annotation or a prediction.
    """

    def __init__(
        self,
        truth: VCOCOTruth,
        pred: RolePredictions,
        actions: VCOCOActions,
        num_images: Optional[int] = None,
    ) -> None:
        matches = match_persons(truth, pred, actions)
        roles = match_roles(truth, matches, actions)
        self.actions = actions
        self.num_images = num_images or 1 + max(
            truth.image_inds.max(initial=0), pred.image_inds.max(initial=0)
        )
        self.annotated = np.zeros((self.num_images, len(actions.actions)))
        np.add.at(self.annotated, truth.image_inds, matches.acts)
        self._rank(roles)

    def means(self, weights: np.ndarray) -> np.ndarray:
        """Compute the means over the 24 roles in percent, (2,).

        The two are scenarios 1 and 2; roles without annotations are left out.

        Args:
            weights (np.ndarray): Multiplicity of each image, (I,) int.
        """
        num_gt = (weights @ self.annotated)[self.actions.action_inds]
        num_gt[~self.actions.counts] = 0
        # Number of rows up to each one, preceded by 0.
        rows = np.append(0, np.cumsum(weights[self.image_inds]))
        return np.array(
            [
                100 * self._mean(hits, rows, weights, num_gt)
                for hits in self.hits
            ]
        )

    def _rank(self, roles: RoleMatches) -> None:
        pred = roles.pred
        order = rank_rows(pred.image_inds, pred.verb_labels, pred.scores)
        self.image_inds = pred.image_inds[order]
        self.labels = pred.verb_labels[order]
        self.starts = np.searchsorted(
            self.labels, np.arange(len(self.actions.verbs))
        )
        self.hits = [
            np.flatnonzero(roles.true_positives(strict)[order])
            for strict in (True, False)
        ]

    def _mean(
        self,
        hits: np.ndarray,
        rows: np.ndarray,
        weights: np.ndarray,
        num_gt: np.ndarray,
    ) -> float:
        """Average the area under the interpolated precision-recall curve."""
        times = weights[self.image_inds[hits]]
        hits, times = hits[times > 0], times[times > 0]
        num_found = np.append(0, np.cumsum(times))
        ends = np.searchsorted(
            self.labels[hits], np.arange(len(self.starts) + 1)
        )
        areas = []
        for label in np.flatnonzero(num_gt):
            part = slice(ends[label], ends[label + 1])
            precision = (num_found[1:][part] - num_found[part.start]) / (
                rows[hits[part] + 1] - rows[self.starts[label]]
            )
            best = np.maximum.accumulate(precision[::-1])[::-1]
            areas.append((best * times[part]).sum() / num_gt[label])
        return float(np.mean(areas)) if areas else np.nan
