"""How well the pairs of given boxes are told apart, class by class."""

from dataclasses import dataclass
from typing import Dict, Optional, Sequence, Tuple

import numpy as np

from .average_precision import precisions, rank_in_class
from .boxes import aligned_ious
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
        ap_multi (np.ndarray): Likewise over pairs of which the image has
            several with this object: there choosing is the task.
        num_pairs (int): Candidate pairs.
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
        """Means over classes, in percent; one over no class is left out.

        Args:
            rare (np.ndarray, optional): Which classes are rare, (C,) bool.
            unseen (np.ndarray, optional): Which ones zero-shot training did
                without, (C,) bool.

        Returns:
            dict[str, float]: ``AP``, ``AP_rare``, ``AP_non_rare``,
            ``AP_unseen``, ``AP_seen``, and the same with ``AP_multi``.
        """
        subsets = class_subsets(len(self.ap), rare, unseen)
        figures = {}
        for name, ap in (('AP', self.ap), ('AP_multi', self.ap_multi)):
            for subset, members in subsets.items():
                members = members & ~np.isnan(ap)
                if members.any():
                    figures[name + subset] = float(ap[members].mean() * 100)
        return figures

    def classwise(self, names: Sequence[str]) -> Dict[str, float]:
        """AP of each class that has one, in percent, as in ``AP/ride horse``.

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


def evaluate_pair_ranking(
    gt: PairTable, pred: PairTable, hoi_objects: np.ndarray
) -> PairRankingResult:
    """Rank all candidate pairs of a class's object by the class's score.

    Candidate pairs are the distinct (image, person's box, object's box,
    object) among the predictions; boxes are given, not found, so that
    nothing is matched one to one. A pair is positive for a class if the
    smaller of the IoUs with the two boxes of any annotated pair of the class
    is 0.5 or more. A class's AP is the mean, over its positive pairs, of the
    share of positive ones among the pairs up to it.

    Args:
        gt (PairTable): Annotated pairs of all images.
        pred (PairTable): Predictions, sorted by image. Of equal scores the
            first row goes first; a candidate pair without a row for one of
            its object's classes goes last there, in the order of the pairs'
            first rows.
        hoi_objects (np.ndarray): Object of each class, (C,) int.

    Returns:
        PairRankingResult: AP of each class.
    """
    num_hois = len(hoi_objects)
    pair, first = _distinct_pairs(pred, hoi_objects)
    unsaid_pair, unsaid = _unsaid(pair, pred.hoi_labels, first, hoi_objects)
    source = first[unsaid_pair]
    rows = PairTable(
        np.concatenate([pred.image_inds, pred.image_inds[source]]),
        np.concatenate([pred.human_bboxes, pred.human_bboxes[source]]),
        np.concatenate([pred.object_bboxes, pred.object_bboxes[source]]),
        np.concatenate([pred.hoi_labels, unsaid]),
        np.concatenate([pred.scores, np.full(len(unsaid), -np.inf)]),
    )
    positive = _positive(rows, gt, num_hois)

    # Pairs with the same object in the same image.
    bags = (
        pred.image_inds[first] * (hoi_objects.max(initial=0) + 1)
        + hoi_objects[pred.hoi_labels[first]]
    )
    _, bag, sizes = np.unique(bags, return_inverse=True, return_counts=True)
    several = (sizes[bag] > 1)[np.concatenate([pair, unsaid_pair])]

    order = rank_in_class(rows.hoi_labels, rows.scores)
    labels, positive, several = (
        x[order] for x in (rows.hoi_labels, positive, several)
    )
    return PairRankingResult(
        ap=_mean_precision(labels, positive, num_hois),
        ap_multi=_mean_precision(labels[several], positive[several], num_hois),
        num_pairs=len(first),
        num_positive=np.bincount(labels[positive], minlength=num_hois),
    )


def _distinct_pairs(
    pred: PairTable, hoi_objects: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Pair of each row, (N,), and the first row of each pair, (U,) rising."""
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


def _unsaid(
    pair: np.ndarray,
    labels: np.ndarray,
    first: np.ndarray,
    hoi_objects: np.ndarray,
) -> Tuple[np.ndarray, np.ndarray]:
    """Pairs and classes of their objects without a row, (K,) each."""
    pairs, classes = candidate_pairs(hoi_objects[labels[first]], hoi_objects)
    num_hois = len(hoi_objects)
    said = np.zeros(len(first) * num_hois, dtype=bool)
    said[pair * num_hois + labels] = True
    unsaid = ~said[pairs * num_hois + classes]
    return pairs[unsaid], classes[unsaid]


def _positive(rows: PairTable, gt: PairTable, num_hois: int) -> np.ndarray:
    """Which rows lie on an annotated pair of their class, (N,) bool."""
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


def _mean_precision(
    labels: np.ndarray, positive: np.ndarray, num_hois: int
) -> np.ndarray:
    """Mean precision at the positive rows of each class, (C,)."""
    found, precision, _ = precisions(labels, positive, num_hois)
    counts = np.bincount(found, minlength=num_hois)
    return np.divide(
        np.bincount(found, precision, num_hois),
        counts,
        out=np.full(num_hois, np.nan),
        where=counts > 0,
    )
