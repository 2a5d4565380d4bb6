"""HICO-DET's official protocol."""
from dataclasses import dataclass
from typing import Dict, Optional, Sequence

import numpy as np

from .average_precision import average_precision, rank_in_class
from .boxes import pair_overlaps
from .matching import best_matches, candidate_pairs, first_claims
from .samples import HOIRecord, stack_records

IOU_THR = 0.5


@dataclass(frozen=True)
class HICODetResult:
    """Average precision of each class, as fractions.

    Args:
        ap (np.ndarray): Default setting, (C,) in [0, 1].
        ap_ko (np.ndarray, optional): Known-Object setting, (C,).
        num_gt (np.ndarray): Annotated pairs of each class, (C,) int64.
        num_pred (int): Predicted pairs in all.
    """
    ap: np.ndarray
    ap_ko: Optional[np.ndarray]
    num_gt: np.ndarray
    num_pred: int

    def summary(self, rare: Optional[np.ndarray] = None) -> Dict[str, float]:
        """Means over classes, in percent.

        A class without ground truth counts with AP 0, as in the official
        script. A mean over no class is left out.

        Args:
            rare (np.ndarray, optional): Which classes are rare, (C,) bool.

        Returns:
            dict[str, float]: ``mAP``, ``mAP_rare``, ``mAP_non_rare`` and,
            in the Known-Object setting, the same with ``mAP_ko``.
        """
        subsets = {'': np.ones(len(self.ap), dtype=bool)}
        if rare is not None:
            subsets.update(_rare=rare, _non_rare=~rare)
        settings = {'mAP': self.ap, 'mAP_ko': self.ap_ko}
        return {
            f'{setting}{subset}': float(ap[members].mean() * 100)
            for setting, ap in settings.items() if ap is not None
            for subset, members in subsets.items() if members.any()
        }


def evaluate_hico_det(records: Sequence[HOIRecord],
                      hoi_objects: np.ndarray,
                      known_object: bool = True) -> HICODetResult:
    """Scores all images by HICO-DET's official protocol.

    For each class, predictions are taken by falling score, equal scores in
    their order. Each belongs to the annotated pair of its image and class
    for which the smaller of the two IoUs is largest, and finds it where that
    is at least 0.5; to find a pair again is a false positive. AP is
    11-point, and a class without annotated pairs has AP 0. Predictions are
    not capped, and those on images without annotations count.

    Known-Object counts a class's predictions only on images annotated with
    any interaction with the class's object. Which annotated pair a
    prediction finds does not depend on other images, so that both settings
    share the matching.

    After ``VOCevaldet_bboxpair.m`` and ``eval_one.m`` of Chao et al.,
    *Learning to Detect Human-Object Interactions*, WACV 2018.

    Args:
        records (Sequence[HOIRecord]): All images, in the data set's order.
        hoi_objects (np.ndarray): Object of each class, (C,) int.
        known_object (bool): Whether to score that setting as well.

    Returns:
        HICODetResult: AP of each class.
    """
    num_hois = len(hoi_objects)
    gt, pred, label_images, labels = stack_records(records)
    num_gt = np.bincount(gt.hoi_labels, minlength=num_hois)

    pred_inds, gt_inds = candidate_pairs(
        pred.image_inds * num_hois + pred.hoi_labels,
        gt.image_inds * num_hois + gt.hoi_labels)
    overlaps = pair_overlaps(pred.sub_bboxes[pred_inds],
                             pred.obj_bboxes[pred_inds],
                             gt.sub_bboxes[gt_inds], gt.obj_bboxes[gt_inds])
    matches = best_matches(pred_inds, gt_inds, overlaps, len(pred), IOU_THR)

    order = rank_in_class(pred.hoi_labels, pred.scores)
    true_positive = first_claims(matches, order)[order]
    pred_labels = pred.hoi_labels[order]
    ap = average_precision(pred_labels, true_positive, num_gt)
    ap_ko = None
    if known_object:
        num_objects = hoi_objects.max(initial=0) + 1
        known = np.isin(
            pred.image_inds[order] * num_objects + hoi_objects[pred_labels],
            label_images * num_objects + hoi_objects[labels])
        ap_ko = average_precision(pred_labels[known], true_positive[known],
                                  num_gt)
    return HICODetResult(ap, ap_ko, num_gt, len(pred))
