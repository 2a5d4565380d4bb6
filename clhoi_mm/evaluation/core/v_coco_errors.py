"""Why V-COCO's score is not higher, in the manner of `errors`."""

from typing import Tuple

import numpy as np

from .average_precision import area_under_envelope
from .boxes import aligned_ious
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

# `REASONS` as they are meant here.
V_COCO_REASONS = (
    ('missed human', '', 'no predicted person lies there'),
    ('missed object', '', 'no predicted object lies there'),
    ('wrong box', 'nobody lies there', ''),
    (
        'wrong pairing',
        'the person does so, but not with this',
        'person and object are predicted, but not with each other; or the '
        'person never without an object',
    ),
    ('wrong verb', 'the person does not do so', ''),
    ('duplicate', 'the person was found before', ''),
    (
        'low score',
        '',
        'the person is predicted with the object, or rightly '
        'without, but not with the verb',
    ),
)


def explain_v_coco_errors(
    truth: VCOCOTruth,
    pred: RolePredictions,
    actions: VCOCOActions,
    strict: bool = True,
) -> ErrorReport:
    """Finds the reason of each error of the 24 roles.

    What is annotated is a person who does something, with the role's box or,
    where the role is absent, without: then no predicted box may stand beside
    the person (scenario 1), or any (scenario 2).

    Args:
        truth (VCOCOTruth): Annotated persons and roles.
        pred (RolePredictions): Predicted rows.
        actions (VCOCOActions): What the verbs stand for.
        strict (bool): Scenario 1. Defaults to True.

    Returns:
        ErrorReport: Its classes are all verbs; those without a role, and
        "point", have no pairs.
    """
    persons = match_persons(truth, pred, actions)
    roles = match_roles(truth, persons, actions)
    counted = actions.counts[roles.pred.verb_labels]
    hits = roles.true_positives(strict)
    role_of = role_boxes(truth, actions)
    false_reasons = np.select(
        [hits | ~counted, roles.fitting(strict), roles.right, roles.near],
        [-1, DUPLICATE, WRONG_PAIRING, WRONG_VERB],
        WRONG_BOX,
    )

    # What is to be found: (person, verb) rows.
    wanted, verbs = np.nonzero(
        persons.acts[:, actions.action_inds] & actions.counts
    )
    num_verbs = len(actions.verbs)
    found = np.isin(
        wanted * num_verbs + verbs,
        (roles.persons * num_verbs + roles.pred.verb_labels)[hits],
    )
    role = role_of[wanted, verbs]
    seen = np.isin(wanted, roles.persons[roles.near])
    covered, paired = _predicted(truth, roles, wanted, role, strict)
    missed_reasons = np.select(
        [found, ~seen, ~covered, ~paired],
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
        away: np.ndarray, forgiven: np.ndarray
    ) -> np.ndarray:
        left = num_gt - np.bincount(verbs[forgiven], minlength=num_verbs)
        ap = area_under_envelope(labels[~away], hits[~away], left)
        ap[(left == 0) & (num_gt > 0)] = 1  # nothing is left to be found
        return ap

    def mean_ap(away: np.ndarray, forgiven: np.ndarray) -> float:
        ap = average_precisions(away, forgiven)[num_gt > 0]
        return float(ap.mean() * 100) if len(ap) else 0.0

    no_pred, no_gt = np.zeros(len(hits), bool), np.zeros(len(found), bool)
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
        mean_ap(no_pred, ~found) - base,
    )


def _predicted(
    truth: VCOCOTruth,
    roles: RoleMatches,
    wanted: np.ndarray,
    role: np.ndarray,
    strict: bool,
) -> Tuple[np.ndarray, np.ndarray]:
    """Whether each role is predicted, whatever the verb.

    Args:
        truth (VCOCOTruth): Annotated persons and roles.
        roles (RoleMatches): Predicted rows.
        wanted (np.ndarray): Persons whose role it is, (W,) int64.
        role (np.ndarray): Rows of their boxes, -1 for none, (W,) int64.
        strict (bool): Scenario 1.

    Returns:
        tuple[np.ndarray, np.ndarray]: Whether a box lies there, or none is
        needed, and whether it does so beside the person, (W,) bool.
    """
    boxes, things = inclusive_roles(truth), roles.pred.object_bboxes
    images = truth.image_inds[wanted]
    has_box = np.flatnonzero(role >= 0)
    rows, targets = candidate_pairs(roles.pred.image_inds, images[has_box])
    hit = (
        aligned_ious(boxes[role[has_box][targets]], things[rows], 1.0)
        >= IOU_THR
    )
    covered = role < 0
    covered[has_box[targets[hit]]] = True

    near = np.flatnonzero(roles.near)
    rows, targets = candidate_pairs(roles.persons[near], wanted)
    rows = near[rows]
    fits = roles.empty[rows] | (not strict)
    with_box = role[targets] >= 0
    fits[with_box] = (
        aligned_ious(
            boxes[role[targets[with_box]]], things[rows[with_box]], 1.0
        )
        >= IOU_THR
    )
    paired = np.zeros(len(wanted), dtype=bool)
    paired[targets[fits]] = True
    return covered, paired
