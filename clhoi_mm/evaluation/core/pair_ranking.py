"""Ranking of candidate pairs of given boxes by class."""

from dataclasses import dataclass
from typing import Dict, Optional, Sequence, Tuple

import numpy as np

from clhoi_mm.utils.boxes import aligned_ious

from .average_precision import rank_in_class
from .hoi_classes import class_subsets
from .matching import candidate_pairs
from .pair_table import PairTable

MIN_IOU = 0.5


@dataclass(frozen=True)
class PairRankingResult:
    """Average precision of each class, as fractions.

    Args:
        ap (np.ndarray): Over all candidate pairs, (C,) in [0, 1]; NaN for
            classes without a positive pair.
        ap_multi (np.ndarray): AP over the pairs whose image has several with
            the class's object, so that pairs must be told apart, (C,).
        num_pairs (int): Number of candidate pairs.
        num_positive (np.ndarray): Positive pairs of each class, (C,) int.
    """

    ap: np.ndarray
    ap_multi: np.ndarray
    num_pairs: int
    num_positive: np.ndarray

    def summary(
        self,
        rare: Optional[np.ndarray] = None,
        unseen: Optional[np.ndarray] = None,
    ) -> Dict[str, float]:
        """Average over subsets of classes, in percent, if not empty.

        Args:
            rare (np.ndarray, optional): Rare classes, (C,) bool.
            unseen (np.ndarray, optional): Classes held out of zero-shot
                training, (C,) bool.

        Returns:
            dict[str, float]: ``AP``, ``AP_rare``, ``AP_non_rare``,
            ``AP_unseen``, ``AP_seen``, and the same with ``AP_multi``.
        """
        subsets = class_subsets(len(self.ap), rare, unseen)
        metrics = {}
        for name, ap in (('AP', self.ap), ('AP_multi', self.ap_multi)):
            for subset, members in subsets.items():
                members = members & ~np.isnan(ap)
                if members.any():
                    metrics[name + subset] = float(ap[members].mean() * 100)
        return metrics

    def classwise(self, names: Sequence[str]) -> Dict[str, float]:
        """Map ``AP/<class>`` to the AP in percent.

        Args:
            names (Sequence[str]): Names of the classes, C.
        """
        settings = {'AP': self.ap, 'AP_multi': self.ap_multi}
        return {
            f'{setting}/{name}': float(value) * 100
            for setting, ap in settings.items()
            for name, value in zip(names, ap)
            if not np.isnan(value)
        }


@dataclass(frozen=True)
class RankedPairs:
    """Candidate pairs of all classes, ranked by score within a class.

    Attributes:
        labels (np.ndarray): Class of each row, sorted, (N,) int.
        positive (np.ndarray): Whether the pair is positive for it, (N,) bool.
        several (np.ndarray): Whether its image has several pairs with the
            class's object, (N,) bool.
        image_inds (np.ndarray): Image of each row, (N,) int.
        num_pairs (int): Number of candidate pairs.
        num_hois (int): Number of classes C.
    """

    labels: np.ndarray
    positive: np.ndarray
    several: np.ndarray
    image_inds: np.ndarray
    num_pairs: int
    num_hois: int

    def result(self) -> PairRankingResult:
        """Compute the AP of each class."""
        return PairRankingResult(
            *self.mean_precisions(),
            num_pairs=self.num_pairs,
            num_positive=np.bincount(
                self.labels[self.positive], minlength=self.num_hois
            ),
        )

    def mean_precisions(
        self, weights: Optional[np.ndarray] = None
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Average the precision at each class's positive rows.

        Args:
            weights (np.ndarray, optional): Multiplicity of each image, (I,)
                int; the copies of a row share the precision behind the last
                of them. Defaults to None: one each.

        Returns:
            tuple[np.ndarray, np.ndarray]: Over all pairs and over those of
            several, (C,) each; NaN for classes without a positive row.
        """
        times = np.ones(len(self.labels), np.int64)
        if weights is not None:
            times = weights[self.image_inds]
        return (
            self._mean_precision(times),
            self._mean_precision(times * self.several),
        )

    def _mean_precision(self, times: np.ndarray) -> np.ndarray:
        starts = np.searchsorted(self.labels, np.arange(self.num_hois))
        rows, hits = (
            np.append(0, np.cumsum(count))
            for count in (times, times * self.positive)
        )
        used = np.flatnonzero(self.positive & (times > 0))
        labels, start = self.labels[used], starts[self.labels[used]]
        precision = (hits[used + 1] - hits[start]) / (
            rows[used + 1] - rows[start]
        )
        counts = np.bincount(labels, times[used], self.num_hois)
        return np.divide(
            np.bincount(labels, precision * times[used], self.num_hois),
            counts,
            out=np.full(self.num_hois, np.nan),
            where=counts > 0,
        )


def rank_pairs(
    gt: PairTable, pred: PairTable, hoi_objects: np.ndarray
) -> RankedPairs:
    """Rank the candidate pairs of a class's object.

    Candidate pairs are the distinct (image, human box, object box, object)
    among the predictions; boxes are given, so there is no one-to-one
    matching. A pair is positive for a class if the smaller of its two IoUs
    with any annotated pair of the class is at least 0.5.

    Args:
        gt (PairTable): Annotated pairs.
        pred (PairTable): Predictions, sorted by image. Ties in score keep
            their order; a candidate pair without a row for one of its
            object's classes is ranked last there, in the order of the pairs'
            first rows.
        hoi_objects (np.ndarray): Object of each class, (C,) int.

    Returns:
        RankedPairs: The rows of all classes.
    """
    num_hois = len(hoi_objects)
    pair, first = _distinct_pairs(pred, hoi_objects)
    missing_pair, missing = _missing_rows(
        pair, pred.hoi_labels, first, hoi_objects
    )
    source = first[missing_pair]
    rows = PairTable(
        np.concatenate([pred.image_inds, pred.image_inds[source]]),
        np.concatenate([pred.human_bboxes, pred.human_bboxes[source]]),
        np.concatenate([pred.object_bboxes, pred.object_bboxes[source]]),
        np.concatenate([pred.hoi_labels, missing]),
        np.concatenate([pred.scores, np.full(len(missing), -np.inf)]),
    )
    positive = _positive(rows, gt, num_hois)

    # Pairs with the same object category in the same image.
    bags = (
        pred.image_inds[first] * (hoi_objects.max(initial=0) + 1)
        + hoi_objects[pred.hoi_labels[first]]
    )
    _, bag, sizes = np.unique(bags, return_inverse=True, return_counts=True)
    several = (sizes[bag] > 1)[np.concatenate([pair, missing_pair])]

    order = rank_in_class(rows.hoi_labels, rows.scores)
    return RankedPairs(
        labels=rows.hoi_labels[order],
        positive=positive[order],
        several=several[order],
        image_inds=rows.image_inds[order],
        num_pairs=len(first),
        num_hois=num_hois,
    )


def _distinct_pairs(
    pred: PairTable, hoi_objects: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Find the pair of each row, and each pair's first."""
    columns = np.column_stack(
        [
            pred.image_inds,
            hoi_objects[pred.hoi_labels],
            pred.human_bboxes,
            pred.object_bboxes,
        ]
    )
    order = np.lexsort(columns.T)
    columns = columns[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (columns[1:] != columns[:-1]).any(axis=1)
    first, number = np.unique(order[new], return_inverse=True)
    pair = np.empty(len(order), dtype=np.int64)
    pair[order] = number[np.cumsum(new) - 1]
    return pair, first


def _missing_rows(
    pair: np.ndarray,
    labels: np.ndarray,
    first: np.ndarray,
    hoi_objects: np.ndarray,
) -> Tuple[np.ndarray, np.ndarray]:
    """List pairs and classes that have no row, (K,) each."""
    pairs, classes = candidate_pairs(hoi_objects[labels[first]], hoi_objects)
    num_hois = len(hoi_objects)
    has_row = np.zeros(len(first) * num_hois, dtype=bool)
    has_row[pair * num_hois + labels] = True
    missing = ~has_row[pairs * num_hois + classes]
    return pairs[missing], classes[missing]


def _positive(rows: PairTable, gt: PairTable, num_hois: int) -> np.ndarray:
    """Mark rows that match an annotated pair, (N,) bool."""
    row, truth = candidate_pairs(
        rows.image_inds * num_hois + rows.hoi_labels,
        gt.image_inds * num_hois + gt.hoi_labels,
    )
    overlaps = np.minimum(
        aligned_ious(rows.human_bboxes[row], gt.human_bboxes[truth]),
        aligned_ious(rows.object_bboxes[row], gt.object_bboxes[truth]),
    )
    positive = np.zeros(len(rows), dtype=bool)
    positive[row[overlaps >= MIN_IOU]] = True
    return positive
