"""Why HICO-DET's score is not higher.

In the manner of TIDE (Bolya et al., ECCV 2020): each false prediction and
each missed pair has one reason, and what a reason costs is the mAP that is
gained where its false predictions are taken away and its missed pairs are
forgiven, all else as it is. The gains do not add up.
"""

from dataclasses import dataclass
from typing import List, Tuple

import numpy as np

from .average_precision import average_precision
from .hico_det import match_hico_det
from .matching import candidate_pairs
from .pair_table import PairTable
from .protocols import HICO_DET_PROTOCOLS

# Reasons in the order in which they are asked for, with what they say of a
# false prediction and of a missed pair.
(
    MISSED_HUMAN,
    MISSED_OBJECT,
    WRONG_BOX,
    WRONG_PAIRING,
    WRONG_VERB,
    DUPLICATE,
    LOW_SCORE,
) = range(7)
REASONS = (
    ('missed human', '', 'no predicted person lies there'),
    ('missed object', '', 'no predicted object of its kind lies there'),
    ('wrong box', 'the person or the object is not annotated in any pair', ''),
    (
        'wrong pairing',
        'both are annotated, but not with each other',
        'both are predicted, but not with each other',
    ),
    ('wrong verb', 'the pair is annotated, but does something else', ''),
    ('duplicate', 'the pair was found before', ''),
    (
        'low score',
        '',
        'the pair is predicted, but not with its verb: it is '
        'not among the predictions that were kept',
    ),
)


@dataclass(frozen=True)
class ErrorReport:
    """What each of `REASONS` costs.

    Args:
        ap (np.ndarray): AP of each class as a fraction, (C,).
        num_gt (np.ndarray): Annotated pairs of each class, (C,).
        mean_ap (float): mAP in percent.
        false_positives (np.ndarray): False predictions by reason, (7,).
        missed (np.ndarray): Missed pairs by reason, (7,).
        lost (np.ndarray): mAP in percent that each reason costs, (7,).
        lost_to_false_positives (float): The same of all false predictions.
        lost_to_missed (float): The same of all missed pairs.
    """

    ap: np.ndarray
    num_gt: np.ndarray
    mean_ap: float
    false_positives: np.ndarray
    missed: np.ndarray
    lost: np.ndarray
    lost_to_false_positives: float
    lost_to_missed: float

    def rows(self) -> List[Tuple[str, int, int, float]]:
        """Reason, false predictions, missed pairs, lost mAP."""
        rows = [
            (name, int(fp), int(fn), float(lost))
            for (name, _, _), fp, fn, lost in zip(
                REASONS, self.false_positives, self.missed, self.lost
            )
        ]
        return rows + [
            (
                'all false predictions',
                int(self.false_positives.sum()),
                0,
                self.lost_to_false_positives,
            ),
            (
                'all missed pairs',
                0,
                int(self.missed.sum()),
                self.lost_to_missed,
            ),
        ]


def classify_errors(
    gt: PairTable,
    pred: PairTable,
    hoi_objects: np.ndarray,
    protocol: str = 'official',
) -> ErrorReport:
    """Finds the reason of each error.

    Args:
        gt (PairTable): Annotated pairs of all images.
        pred (PairTable): Predicted pairs, sorted by image.
        hoi_objects (np.ndarray): Object of each class, (C,) int.
        protocol (str): A key of `HICO_DET_PROTOCOLS`.

    Returns:
        ErrorReport: In the Default setting.
    """
    rules = HICO_DET_PROTOCOLS[protocol]
    num_hois = len(hoi_objects)
    pred, matches, true_positive = match_hico_det(gt, pred, num_hois, rules)
    found = np.zeros(len(gt), dtype=bool)
    found[matches[true_positive]] = True

    pred_inds, gt_inds = candidate_pairs(pred.image_inds, gt.image_inds)
    human = rules.is_match(
        rules.overlaps(pred.human_bboxes[pred_inds], gt.human_bboxes[gt_inds])
    )
    obj = rules.is_match(
        rules.overlaps(
            pred.object_bboxes[pred_inds], gt.object_bboxes[gt_inds]
        )
    )
    obj &= (
        hoi_objects[pred.hoi_labels[pred_inds]]
        == hoi_objects[gt.hoi_labels[gt_inds]]
    )
    seen = dict(human=human, obj=obj, both=human & obj)
    of_pred, of_gt = (
        {
            name: np.bincount(inds[mask], minlength=number) > 0
            for name, mask in seen.items()
        }
        for inds, number in ((pred_inds, len(pred)), (gt_inds, len(gt)))
    )

    false_reasons = np.select(
        [
            true_positive,
            matches >= 0,
            of_pred['both'],
            of_pred['human'] & of_pred['obj'],
        ],
        [-1, DUPLICATE, WRONG_VERB, WRONG_PAIRING],
        WRONG_BOX,
    )
    missed_reasons = np.select(
        [found, ~of_gt['human'], ~of_gt['obj'], ~of_gt['both']],
        [-1, MISSED_HUMAN, MISSED_OBJECT, WRONG_PAIRING],
        LOW_SCORE,
    )
    num_gt = np.bincount(gt.hoi_labels, minlength=num_hois)

    def mean_ap(away: np.ndarray, forgiven: np.ndarray) -> float:
        left = num_gt - np.bincount(
            gt.hoi_labels[forgiven], minlength=num_hois
        )
        ap = average_precision(
            pred.hoi_labels[~away], true_positive[~away], left, rules.levels
        )
        ap[(left == 0) & (num_gt > 0)] = 1  # nothing is left to be found
        if not rules.empty_classes:
            ap = ap[num_gt > 0]
        return float(ap.mean() * 100) if len(ap) else 0.0

    no_pred, no_gt = np.zeros(len(pred), bool), np.zeros(len(gt), bool)
    base = mean_ap(no_pred, no_gt)
    number = len(REASONS)
    return ErrorReport(
        average_precision(
            pred.hoi_labels, true_positive, num_gt, rules.levels
        ),
        num_gt,
        base,
        np.bincount(false_reasons[false_reasons >= 0], minlength=number),
        np.bincount(missed_reasons[missed_reasons >= 0], minlength=number),
        np.array(
            [
                mean_ap(false_reasons == reason, missed_reasons == reason)
                - base
                for reason in range(number)
            ]
        ),
        mean_ap(~true_positive, no_gt) - base,
        mean_ap(no_pred, ~found) - base,
    )
