"""HICO-DET evaluation by the protocols of published results."""

from dataclasses import dataclass
from typing import Dict, NamedTuple, Optional, Sequence

import numpy as np

from .average_precision import average_precision, rank_in_class
from .hoi_classes import class_subsets
from .matching import assign_true_positives, best_matches, candidate_pairs
from .pair_table import ImageLabelTable, PairTable
from .protocols import HICO_DET_PROTOCOLS, HICODetProtocol


class Matches(NamedTuple):
    """Predictions matched to annotated pairs.

    Args:
        pred (PairTable): Counted predictions, by class and descending score.
        gt_inds (np.ndarray): Row of the annotated pair that each prediction
            matches, -1 without one, (N,).
        true_positive (np.ndarray): Whether a prediction is the first match of
            its pair, (N,) bool.
    """

    pred: PairTable
    gt_inds: np.ndarray
    true_positive: np.ndarray


@dataclass(frozen=True)
class HICODetResult:
    """Average precision of each class, as fractions.

    Args:
        ap (np.ndarray): Default setting, (C,) in [0, 1].
        ap_ko (np.ndarray, optional): Known-Object setting, (C,).
        num_gt (np.ndarray): Annotated pairs of each class, (C,) int64.
        num_pred (int): Total number of predicted pairs.
        empty_classes (bool): Whether classes without annotated pairs count,
            with AP 0, in means.
    """

    ap: np.ndarray
    ap_ko: Optional[np.ndarray]
    num_gt: np.ndarray
    num_pred: int
    empty_classes: bool = True

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
            dict[str, float]: ``mAP``, ``mAP_rare``, ``mAP_non_rare``,
            ``mAP_unseen``, ``mAP_seen`` and, in the Known-Object setting, the
            same with ``mAP_ko``.
        """
        subsets = class_subsets(len(self.ap), rare, unseen)
        if not self.empty_classes:
            subsets = {k: v & (self.num_gt > 0) for k, v in subsets.items()}
        settings = {'mAP': self.ap, 'mAP_ko': self.ap_ko}
        return {
            f'{setting}{subset}': float(ap[members].mean() * 100)
            for setting, ap in settings.items()
            if ap is not None
            for subset, members in subsets.items()
            if members.any()
        }

    def classwise(self, names: Sequence[str]) -> Dict[str, float]:
        """Map names to the AP of each class in percent.

        Keys are ``AP/ride bicycle`` and, in the Known-Object setting,
        ``AP_ko/ride bicycle``.

        Args:
            names (Sequence[str]): Names of the classes, C.
        """
        settings = {'AP': self.ap, 'AP_ko': self.ap_ko}
        return {
            f'{setting}/{name}': float(value) * 100
            for setting, ap in settings.items()
            if ap is not None
            for name, value in zip(names, ap)
        }


def match_hico_det(
    gt: PairTable, pred: PairTable, num_hois: int, protocol: HICODetProtocol
) -> Matches:
    """Match predictions to annotated pairs.

    Args:
        gt (PairTable): Annotated pairs, M rows.
        pred (PairTable): Predicted pairs.
        num_hois (int): Number of classes.
        protocol (HICODetProtocol): Matching rules.

    Returns:
        Matches: Of the predictions that the protocol counts.
    """
    if protocol.max_per_img is not None:
        pred = _best_of_each_image(pred, protocol.max_per_img)
    if not protocol.unannotated_images:
        pred = pred[np.isin(pred.image_inds, gt.image_inds)]
    pred = pred[rank_in_class(pred.hoi_labels, pred.scores)]
    pred_inds, gt_inds = candidate_pairs(
        pred.image_inds * num_hois + pred.hoi_labels,
        gt.image_inds * num_hois + gt.hoi_labels,
    )
    overlaps = np.minimum(
        protocol.overlaps(
            pred.human_bboxes[pred_inds], gt.human_bboxes[gt_inds]
        ),
        protocol.overlaps(
            pred.object_bboxes[pred_inds], gt.object_bboxes[gt_inds]
        ),
    )
    matches, overlaps = best_matches(pred_inds, gt_inds, overlaps, len(pred))
    matches[~protocol.is_match(overlaps)] = -1
    return Matches(
        pred, matches, assign_true_positives(matches, np.arange(len(pred)))
    )


def evaluate_hico_det(
    gt: PairTable,
    pred: PairTable,
    image_labels: ImageLabelTable,
    hoi_objects: np.ndarray,
    protocol: str = 'official',
    known_object: bool = True,
) -> HICODetResult:
    """Evaluate the predictions of all images.

    The Known-Object setting counts a class's predictions only on images
    annotated with any interaction with the class's object. Matching is local
    to an image, so both settings share it.

    Args:
        gt (PairTable): Annotated pairs of all images.
        pred (PairTable): Predicted pairs, sorted by image; ties in score keep
            their order.
        image_labels (ImageLabelTable): Image-level annotations.
        hoi_objects (np.ndarray): Object of each class, (C,) int.
        protocol (str): A key of ``HICO_DET_PROTOCOLS``.
        known_object (bool): Whether to evaluate that setting as well.

    Returns:
        HICODetResult: AP of each class.
    """
    rules = HICO_DET_PROTOCOLS[protocol]
    num_hois = len(hoi_objects)
    num_gt = np.bincount(gt.hoi_labels, minlength=num_hois)
    ranked, _, true_positive = match_hico_det(gt, pred, num_hois, rules)
    ap = average_precision(
        ranked.hoi_labels, true_positive, num_gt, rules.levels
    )
    ap_ko = None
    if known_object:
        is_known = known_object_mask(ranked, image_labels, hoi_objects)
        ap_ko = average_precision(
            ranked.hoi_labels[is_known],
            true_positive[is_known],
            num_gt,
            rules.levels,
        )
    return HICODetResult(ap, ap_ko, num_gt, len(pred), rules.empty_classes)


def known_object_mask(
    pred: PairTable, image_labels: ImageLabelTable, hoi_objects: np.ndarray
) -> np.ndarray:
    """Select predictions on images annotated with their object, (N,)."""
    num_objects = hoi_objects.max(initial=0) + 1
    return np.isin(
        pred.image_inds * num_objects + hoi_objects[pred.hoi_labels],
        image_labels.image_inds * num_objects
        + hoi_objects[image_labels.hoi_labels],
    )


def _best_of_each_image(pred: PairTable, number: int) -> PairTable:
    """Keep each image's `number` best scores."""
    counts = np.bincount(pred.image_inds)
    if counts.max(initial=0) <= number:
        return pred
    order = rank_in_class(pred.image_inds, pred.scores)
    firsts = np.cumsum(counts) - counts
    ranks = np.arange(len(pred)) - firsts[pred.image_inds[order]]
    return pred[np.sort(order[ranks < number])]
