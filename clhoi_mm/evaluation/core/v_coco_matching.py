"""Matching of V-COCO predictions to annotated persons and roles."""

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from clhoi_mm.utils.boxes import aligned_ious

from .matching import assign_true_positives, best_matches, candidate_pairs
from .v_coco_tables import RolePredictions, VCOCOActions, VCOCOTruth

IOU_THR = 0.5


@dataclass(frozen=True)
class PersonMatches:
    """Predicted rows and their nearest annotated persons.

    Args:
        pred (RolePredictions): The N rows whose nearest person is labeled;
            the others are ignored.
        box_inds (np.ndarray): Predicted person of each row, (N,) int64.
        persons (np.ndarray): Annotated person of each row, (N,) int64.
        near (np.ndarray): Whether their IoU is large enough, (N,) bool.
        right (np.ndarray): Whether the person also has the verb's action,
            (N,) bool.
        num_gt (np.ndarray): Persons labeled with each action, (A,).
        acts (np.ndarray): Actions of each person, (P, A) bool.
    """

    pred: RolePredictions
    box_inds: np.ndarray
    persons: np.ndarray
    near: np.ndarray
    right: np.ndarray
    num_gt: np.ndarray
    acts: np.ndarray


@dataclass(frozen=True)
class RoleMatches:
    """Predicted rows of verbs with a role, with matches.

    Args:
        pred (RolePredictions): K rows.
        persons (np.ndarray): Annotated person of each row, (K,) int64.
        near (np.ndarray): Whether their IoU is large enough, (K,) bool.
        right (np.ndarray): Whether the person also has the verb's action,
            (K,) bool.
        has_box (np.ndarray): Whether the person's role has a box, (K,) bool.
        found (np.ndarray): Whether the row's box matches it, (K,) bool.
        empty (np.ndarray): Whether the row predicts no box, (K,) bool.
        num_gt (np.ndarray): Positives of each verb, (V,).
    """

    pred: RolePredictions
    persons: np.ndarray
    near: np.ndarray
    right: np.ndarray
    has_box: np.ndarray
    found: np.ndarray
    empty: np.ndarray
    num_gt: np.ndarray

    def fitting(self, strict: bool) -> np.ndarray:
        """Select correct rows, including duplicates of a person.

        Args:
            strict (bool): Whether to use scenario 1, in which the prediction
                of a missing role must be empty.
        """
        return self.right & np.where(
            self.has_box, self.found, self.empty | (not strict)
        )

    def true_positives(self, strict: bool) -> np.ndarray:
        """Mark the first correct row of each person, (K,) bool."""
        return claim(
            self.pred.verb_labels,
            self.pred.scores,
            self.persons,
            self.fitting(strict),
        )


def match_persons(
    truth: VCOCOTruth, pred: RolePredictions, actions: VCOCOActions
) -> PersonMatches:
    """Match each predicted person to an annotated one.

    Args:
        truth (VCOCOTruth): Annotated persons and roles.
        pred (RolePredictions): Predicted rows.
        actions (VCOCOActions): Actions and roles of the verbs.
    """
    persons = _inclusive(truth.bboxes, truth.sizes)
    # The script drops boxes of one pixel or less before matching persons.
    real = (persons[:, 2:] > persons[:, :2]).all(axis=1)
    labeled = truth.labeled & real
    acts = np.zeros((len(persons), len(actions.actions)), dtype=bool)
    acts[truth.role_persons, actions.action_inds[truth.role_verbs]] = True
    acts &= labeled[:, None]

    boxes, box_inds = _distinct_persons(pred)
    nearest, overlaps = _nearest_persons(
        pred, boxes, truth.image_inds, persons, real
    )
    nearest, overlaps = nearest[box_inds], overlaps[box_inds]
    is_labeled = np.append(labeled, False)[nearest]  # -1: no person
    pred, box_inds = pred[is_labeled], box_inds[is_labeled]
    nearest, near = nearest[is_labeled], overlaps[is_labeled] >= IOU_THR
    right = acts[nearest, actions.action_inds[pred.verb_labels]] & near
    return PersonMatches(
        pred, box_inds, nearest, near, right, acts.sum(axis=0), acts
    )


def match_roles(
    truth: VCOCOTruth, matches: PersonMatches, actions: VCOCOActions
) -> RoleMatches:
    """Match the boxes of roles.

    Args:
        truth (VCOCOTruth): Annotated persons and roles.
        matches (PersonMatches): Result of :func:`match_persons`.
        actions (VCOCOActions): Actions and roles of the verbs.
    """
    pred = matches.pred
    rows = actions.has_role[pred.verb_labels] & ~np.isnan(pred.scores)
    pred, nearest = pred[rows], matches.persons[rows]
    role = role_boxes(truth, actions)[nearest, pred.verb_labels]
    has_box = role >= 0
    found = np.zeros(len(pred), dtype=bool)
    found[has_box] = (
        aligned_ious(
            inclusive_roles(truth)[role[has_box]],
            pred.object_bboxes[has_box],
            1.0,
        )
        >= IOU_THR
    )
    empty = np.isnan(pred.object_bboxes).all(axis=1) | (
        pred.object_bboxes == 0
    ).all(axis=1)
    num_gt = np.where(actions.has_role, matches.num_gt[actions.action_inds], 0)
    return RoleMatches(
        pred,
        nearest,
        matches.near[rows],
        matches.right[rows],
        has_box,
        found,
        empty,
        num_gt,
    )


def role_boxes(truth: VCOCOTruth, actions: VCOCOActions) -> np.ndarray:
    """Index each role's box, -1 without one, (P, V)."""
    boxed = np.flatnonzero(~np.isnan(truth.role_bboxes).any(axis=1))
    role_rows = np.full((len(truth.bboxes), len(actions.verbs)), -1)
    # Written from last to first, so that the first of several boxes is kept.
    boxed = boxed[::-1]
    role_rows[truth.role_persons[boxed], truth.role_verbs[boxed]] = boxed
    return role_rows


def inclusive_roles(truth: VCOCOTruth) -> np.ndarray:
    """Convert roles' boxes as the official script does, (R, 4)."""
    sizes = truth.sizes
    if sizes is not None:
        sizes = sizes[truth.role_persons]
    return _inclusive(truth.role_bboxes, sizes)


def rank_rows(
    image_inds: np.ndarray, labels: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Sort by class, descending score, then descending image index."""
    return np.lexsort((-image_inds, -scores.astype(np.float32), labels))


def claim(
    labels: np.ndarray,
    scores: np.ndarray,
    persons: np.ndarray,
    right: np.ndarray,
) -> np.ndarray:
    """Mark each person's first correct row by class, (K,)."""
    claimants = np.flatnonzero(right)[::-1]  # the last of ties goes first
    order = claimants[
        np.argsort(-scores[claimants].astype(np.float32), kind='stable')
    ]
    return assign_true_positives(
        persons * (labels.max(initial=0) + 1) + labels, order
    )


def _inclusive(bboxes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Convert continuous boxes as the official script does, float64."""
    bboxes = bboxes.astype(np.float64)
    bboxes[:, 2:] = np.maximum(bboxes[:, 2:] - 1, bboxes[:, :2])
    if sizes is None:
        return bboxes
    return np.clip(bboxes, 0, np.tile(sizes - 1.0, 2))


def _distinct_persons(pred: RolePredictions) -> Tuple[np.ndarray, np.ndarray]:
    """Deduplicate predicted persons.

    Returns:
        tuple[np.ndarray, np.ndarray]: First row of each person, in order, and
        the person of each row.
    """
    columns = pred.human_bboxes.T
    order = np.lexsort((*columns, pred.image_inds))
    sorted_boxes = pred.human_bboxes[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(pred.image_inds[order]) != 0) | (
        sorted_boxes[1:] != sorted_boxes[:-1]
    ).any(axis=1)
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(is_new) - 1
    firsts = order[is_new]  # lexsort is stable
    in_order = np.argsort(firsts)
    position = np.empty(len(firsts), dtype=np.int64)
    position[in_order] = np.arange(len(firsts))
    return firsts[in_order], position[group]


def _nearest_persons(
    pred: RolePredictions,
    rows: np.ndarray,
    image_inds: np.ndarray,
    persons: np.ndarray,
    real: np.ndarray,
) -> Tuple[np.ndarray, np.ndarray]:
    """Find each row's annotated person, or -1, and the IoU."""
    candidates = np.flatnonzero(real)
    pred_inds, gt_inds = candidate_pairs(
        pred.image_inds[rows], image_inds[candidates]
    )
    gt_inds = candidates[gt_inds]
    overlaps = aligned_ious(
        pred.human_bboxes[rows][pred_inds], persons[gt_inds], 1.0
    )
    return best_matches(pred_inds, gt_inds, overlaps, len(rows))
