"""Error analysis of V-COCO's role AP."""

from typing import Tuple

import numpy as np

from clhoi_mm.utils.boxes import aligned_ious

from .average_precision import area_under_envelope
from .errors import (
    DUPLICATE,
    LOW_SCORE,
    MISSED_HUMAN,
    MISSED_OBJECT,
    REASONS,
    WRONG_BOX,
    WRONG_PAIRING,
    WRONG_VERB,
    ErrorReport,
)
from .matching import candidate_pairs
from .v_coco_matching import (
    IOU_THR,
    RoleMatches,
    inclusive_roles,
    match_persons,
    match_roles,
    rank_rows,
    role_boxes,
)
from .v_coco_tables import RolePredictions, VCOCOActions, VCOCOTruth

# `REASONS` with their meaning for V-COCO.
V_COCO_REASONS = (
    ('missed human', '', 'no predicted person lies there'),
    ('missed object', '', 'no predicted object lies there'),
    ('wrong box', 'no annotated person lies there', ''),
    (
        'wrong pairing',
        'the person has the action, but not with this object',
        'person and object are predicted, but not with each other; or the '
        'person is predicted with objects only',
    ),
    ('wrong verb', 'the person does not have the action', ''),
    ('duplicate', 'the person was matched before', ''),
    (
        'low score',
        '',
        'the person is predicted with the object, or correctly '
        'without, but not with the verb',
    ),
)


def classify_v_coco_errors(
    truth: VCOCOTruth,
    pred: RolePredictions,
    actions: VCOCOActions,
    strict: bool = True,
) -> ErrorReport:
    """Assign an error type to each error of 24 roles.

    A ground truth is a person with an action and the box of its role or,
    where the role is missing, no box: then a prediction must have no box
    (scenario 1) or may have any (scenario 2).

    Args:
        truth (VCOCOTruth): Annotated persons and roles.
        pred (RolePredictions): Predicted rows.
        actions (VCOCOActions): Actions and roles of the verbs.
        strict (bool): Whether to use scenario 1. Defaults to True.

    Returns:
        ErrorReport: Of all verbs as classes; those without a role, and
        "point", have no pairs.
    """
    persons = match_persons(truth, pred, actions)
    roles = match_roles(truth, persons, actions)
    counted = actions.counts[roles.pred.verb_labels]
    hits = roles.true_positives(strict)
    role_rows = role_boxes(truth, actions)
    false_reasons = np.select(
        [hits | ~counted, roles.fitting(strict), roles.right, roles.near],
        [-1, DUPLICATE, WRONG_PAIRING, WRONG_VERB],
        WRONG_BOX,
    )

    # Ground truths: (person, verb) rows.
    gt_persons, verbs = np.nonzero(
        persons.acts[:, actions.action_inds] & actions.counts
    )
    num_verbs = len(actions.verbs)
    is_found = np.isin(
        gt_persons * num_verbs + verbs,
        (roles.persons * num_verbs + roles.pred.verb_labels)[hits],
    )
    role = role_rows[gt_persons, verbs]
    has_human = np.isin(gt_persons, roles.persons[roles.near])
    has_object, has_pair = _predicted(truth, roles, gt_persons, role, strict)
    missed_reasons = np.select(
        [is_found, ~has_human, ~has_object, ~has_pair],
        [-1, MISSED_HUMAN, MISSED_OBJECT, WRONG_PAIRING],
        LOW_SCORE,
    )
    num_gt = np.bincount(verbs, minlength=num_verbs)
    ranking = rank_rows(
        roles.pred.image_inds, roles.pred.verb_labels, roles.pred.scores
    )
    labels, hits = roles.pred.verb_labels[ranking], hits[ranking]
    ranked_reasons = false_reasons[ranking]

    def average_precisions(
        is_removed: np.ndarray, is_ignored: np.ndarray
    ) -> np.ndarray:
        num_left = num_gt - np.bincount(verbs[is_ignored], minlength=num_verbs)
        ap = area_under_envelope(
            labels[~is_removed], hits[~is_removed], num_left
        )
        ap[(num_left == 0) & (num_gt > 0)] = 1  # every role is ignored
        return ap

    def mean_ap(is_removed: np.ndarray, is_ignored: np.ndarray) -> float:
        ap = average_precisions(is_removed, is_ignored)[num_gt > 0]
        return float(ap.mean() * 100) if len(ap) else 0.0

    no_pred, no_gt = np.zeros(len(hits), bool), np.zeros(len(is_found), bool)
    base, number = mean_ap(no_pred, no_gt), len(REASONS)
    return ErrorReport(
        average_precisions(no_pred, no_gt),
        num_gt,
        base,
        np.bincount(false_reasons[false_reasons >= 0], minlength=number),
        np.bincount(missed_reasons[missed_reasons >= 0], minlength=number),
        np.array(
            [
                mean_ap(ranked_reasons == reason, missed_reasons == reason)
                - base
                for reason in range(number)
            ]
        ),
        mean_ap(~hits, no_gt) - base,
        mean_ap(no_pred, ~is_found) - base,
    )


def _predicted(
    truth: VCOCOTruth,
    roles: RoleMatches,
    gt_persons: np.ndarray,
    role: np.ndarray,
    strict: bool,
) -> Tuple[np.ndarray, np.ndarray]:
    """Test whether each role is predicted with any verb.

    Args:
        truth (VCOCOTruth): Annotated persons and roles.
        roles (RoleMatches): Predicted rows.
        gt_persons (np.ndarray): Persons of the roles, (W,) int64.
        role (np.ndarray): Rows of their boxes, -1 for none, (W,) int64.
        strict (bool): Whether to use scenario 1.

    Returns:
        tuple[np.ndarray, np.ndarray]: Whether a box matches or none is
        required, and whether it does so in a pair with the person, (W,) bool.
    """
    boxes, object_bboxes = inclusive_roles(truth), roles.pred.object_bboxes
    images = truth.image_inds[gt_persons]
    has_box = np.flatnonzero(role >= 0)
    rows, targets = candidate_pairs(roles.pred.image_inds, images[has_box])
    hit = (
        aligned_ious(boxes[role[has_box][targets]], object_bboxes[rows], 1.0)
        >= IOU_THR
    )
    has_object = role < 0
    has_object[has_box[targets[hit]]] = True

    near = np.flatnonzero(roles.near)
    rows, targets = candidate_pairs(roles.persons[near], gt_persons)
    rows = near[rows]
    fits = roles.empty[rows] | (not strict)
    with_box = role[targets] >= 0
    fits[with_box] = (
        aligned_ious(
            boxes[role[targets[with_box]]], object_bboxes[rows[with_box]], 1.0
        )
        >= IOU_THR
    )
    has_pair = np.zeros(len(gt_persons), dtype=bool)
    has_pair[targets[fits]] = True
    return has_object, has_pair
