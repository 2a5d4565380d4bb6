"""Error analysis of HICO-DET's mAP.

After TIDE (Bolya et al., ECCV 2020): each false positive and each missed pair
has one error type. The cost of a type is the mAP gained if its false positives
are removed and its missed pairs are not counted, all else being equal. The
gains do not add up.
"""

from dataclasses import dataclass
from typing import List, Tuple

import numpy as np

from .average_precision import average_precision
from .hico_det import match_hico_det
from .matching import candidate_pairs
from .pair_table import PairTable
from .protocols import HICO_DET_PROTOCOLS

# Error types in order of precedence, with their meaning for a false positive
# and for a missed pair.
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
    ('wrong verb', 'the pair is annotated, but not with this verb', ''),
    ('duplicate', 'the pair was matched before', ''),
    (
        'low score',
        '',
        'the pair is predicted, but not with its verb: it is '
        'not among the predictions that were kept',
    ),
)


@dataclass(frozen=True)
class ErrorReport:
    """Counts and mAP costs of the error types.

    Args:
        ap (np.ndarray): AP of each class as a fraction, (C,).
        num_gt (np.ndarray): Annotated pairs of each class, (C,).
        mean_ap (float): mAP in percent.
        false_positives (np.ndarray): False positives of each type, (7,).
        missed (np.ndarray): Missed pairs of each type, (7,).
        lost (np.ndarray): mAP in percent lost to each type, (7,).
        lost_to_false_positives (float): mAP lost to all false positives.
        lost_to_missed (float): mAP lost to all missed pairs.
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
        """List error type, false positives, missed pairs and lost mAP."""
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
    """Assign an error type to each error.

    Args:
        gt (PairTable): Annotated pairs of all images.
        pred (PairTable): Predicted pairs, sorted by image.
        hoi_objects (np.ndarray): Object of each class, (C,) int.
        protocol (str): A key of ``HICO_DET_PROTOCOLS``.

    Returns:
        ErrorReport: Of the Default setting.
    """
    rules = HICO_DET_PROTOCOLS[protocol]
    num_hois = len(hoi_objects)
    pred, matches, true_positive = match_hico_det(gt, pred, num_hois, rules)
    is_found = np.zeros(len(gt), dtype=bool)
    is_found[matches[true_positive]] = True

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
    matched = dict(human=human, obj=obj, both=human & obj)
    pred_matches, gt_matches = (
        {
            name: np.bincount(inds[mask], minlength=number) > 0
            for name, mask in matched.items()
        }
        for inds, number in ((pred_inds, len(pred)), (gt_inds, len(gt)))
    )

    false_reasons = np.select(
        [
            true_positive,
            matches >= 0,
            pred_matches['both'],
            pred_matches['human'] & pred_matches['obj'],
        ],
        [-1, DUPLICATE, WRONG_VERB, WRONG_PAIRING],
        WRONG_BOX,
    )
    missed_reasons = np.select(
        [
            is_found,
            ~gt_matches['human'],
            ~gt_matches['obj'],
            ~gt_matches['both'],
        ],
        [-1, MISSED_HUMAN, MISSED_OBJECT, WRONG_PAIRING],
        LOW_SCORE,
    )
    num_gt = np.bincount(gt.hoi_labels, minlength=num_hois)

    def mean_ap(is_removed: np.ndarray, is_ignored: np.ndarray) -> float:
        num_left = num_gt - np.bincount(
            gt.hoi_labels[is_ignored], minlength=num_hois
        )
        ap = average_precision(
            pred.hoi_labels[~is_removed],
            true_positive[~is_removed],
            num_left,
            rules.levels,
        )
        ap[(num_left == 0) & (num_gt > 0)] = 1  # every pair is ignored
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
        mean_ap(no_pred, ~is_found) - base,
    )
