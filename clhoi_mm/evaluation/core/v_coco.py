"""V-COCO's official protocol.

After ``vsrl_eval.py`` of github.com/s-gupta/v-coco (Gupta and Malik, Visual
Semantic Role Labeling, arXiv 1505.04474), with what published figures owe to
it:

- Annotated boxes become inclusive (one pixel less on the right and below),
  are clipped to the image, and are compared with predicted boxes as they are,
  one pixel added to all widths and heights.
- The annotated person is the one with the largest IoU, the first one of
  equals, even where that IoU is 0. Where nobody labelled that person, the
  prediction is neither right nor wrong.
- Every person labelled with an action counts as a positive of each of its
  roles, box or no box.
- Scores are float32. Of equal scores in an image and class the last row
  claims the person first; in the ranking over images the last image goes
  first.

Where the script stops with an error: predictions on images without persons
are left out, an action without predictions has AP 0, and an action without
annotations has none (NaN) and is left out of means.
"""
from dataclasses import dataclass
from typing import Dict, Tuple

import numpy as np

from .average_precision import area_under_envelope
from .boxes import aligned_ious
from .matching import best_matches, candidate_pairs, first_claims
from .v_coco_tables import RolePredictions, VCOCOActions, VCOCOTruth

IOU_THR = 0.5


@dataclass(frozen=True)
class VCOCOResult:
    """Average precision as fractions, NaN where there is nothing to find.

    Args:
        actions (VCOCOActions): Names.
        ap_role_s1 (np.ndarray): Scenario 1, where a role is absent the
            prediction must be empty, (V,); NaN for verbs without a role.
        ap_role_s2 (np.ndarray): Scenario 2, there any box is right, (V,).
        ap_agent (np.ndarray): Persons alone, (A,).
        num_gt (np.ndarray): Persons labelled with each action, (A,).
        num_pred (int): Predicted rows in all.
    """
    actions: VCOCOActions
    ap_role_s1: np.ndarray
    ap_role_s2: np.ndarray
    ap_agent: np.ndarray
    num_gt: np.ndarray
    num_pred: int

    def summary(self) -> Dict[str, float]:
        """Means in percent; one over nothing is left out.

        Returns:
            dict[str, float]: ``AP_role_s1`` and ``AP_role_s2`` over 24 roles,
            without "point"; the same with ``_25`` over all; ``AP_agent``.
        """
        counts, has_role = self.actions.counts, self.actions.has_role
        values = dict(
            AP_role_s1=self.ap_role_s1[counts],
            AP_role_s2=self.ap_role_s2[counts],
            AP_role_s1_25=self.ap_role_s1[has_role],
            AP_role_s2_25=self.ap_role_s2[has_role],
            AP_agent=self.ap_agent)
        return {
            name: float(np.nanmean(ap) * 100)
            for name, ap in values.items() if not np.isnan(ap).all()
        }

    def classwise(self) -> Dict[str, float]:
        """AP of each action and role in percent, as in
        ``AP_role_s1/hold obj``; without those that have none."""
        verbs, actions = self.actions.verbs, self.actions.actions
        return {
            f'{name}/{label}': float(value) * 100
            for name, labels, ap in (('AP_role_s1', verbs, self.ap_role_s1),
                                     ('AP_role_s2', verbs, self.ap_role_s2),
                                     ('AP_agent', actions, self.ap_agent))
            for label, value in zip(labels, ap) if not np.isnan(value)
        }


def evaluate_v_coco(truth: VCOCOTruth, pred: RolePredictions,
                    actions: VCOCOActions) -> VCOCOResult:
    """Scores all images.

    Args:
        truth (VCOCOTruth): Annotated persons and roles.
        pred (RolePredictions): Predicted rows.
        actions (VCOCOActions): What the verbs stand for.

    Returns:
        VCOCOResult: AP of each action and role.
    """
    persons = _inclusive(truth.bboxes, truth.sizes)
    # The script drops boxes of one pixel or less before it looks for people.
    real = (persons[:, 2:] > persons[:, :2]).all(axis=1)
    labelled = truth.labelled & real
    acts = np.zeros((len(persons), len(actions.actions)), dtype=bool)
    acts[truth.role_persons, actions.action_inds[truth.role_verbs]] = True
    acts &= labelled[:, None]
    num_gt = acts.sum(axis=0)

    num_pred = len(pred)
    boxes, box_inds = _distinct_persons(pred)
    nearest, overlaps = _nearest_persons(pred, boxes, truth.image_inds,
                                         persons, real)
    nearest, overlaps = nearest[box_inds], overlaps[box_inds]
    seen = np.append(labelled, False)[nearest]  # -1: nobody
    pred, box_inds = pred[seen], box_inds[seen]
    nearest, near = nearest[seen], overlaps[seen] >= IOU_THR
    right = acts[nearest, actions.action_inds[pred.verb_labels]] & near

    ap_role_s1, ap_role_s2 = _role_aps(truth, pred, actions, nearest, right,
                                       num_gt)
    ap_agent = _agent_ap(pred, actions, box_inds, nearest, right, num_gt)
    return VCOCOResult(actions, ap_role_s1, ap_role_s2, ap_agent, num_gt,
                       num_pred)


def _inclusive(bboxes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Continuous boxes as the script makes them of COCO's, float64."""
    bboxes = bboxes.astype(np.float64)
    bboxes[:, 2:] = np.maximum(bboxes[:, 2:] - 1, bboxes[:, :2])
    if sizes is None:
        return bboxes
    return np.clip(bboxes, 0, np.tile(sizes - 1., 2))


def _distinct_persons(
        pred: RolePredictions) -> Tuple[np.ndarray, np.ndarray]:
    """Rows that show each predicted person first, in order, and the person
    of each row."""
    columns = pred.sub_bboxes.T
    order = np.lexsort((*columns, pred.image_inds))
    sorted_boxes = pred.sub_bboxes[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(pred.image_inds[order]) != 0) | (
        sorted_boxes[1:] != sorted_boxes[:-1]).any(axis=1)
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(is_new) - 1
    firsts = order[is_new]  # lexsort is stable: a person's first row
    in_order = np.argsort(firsts)
    position = np.empty(len(firsts), dtype=np.int64)
    position[in_order] = np.arange(len(firsts))
    return firsts[in_order], position[group]


def _nearest_persons(pred: RolePredictions, rows: np.ndarray,
                     image_inds: np.ndarray, persons: np.ndarray,
                     real: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Annotated person of each row, -1 without one, and the IoU."""
    candidates = np.flatnonzero(real)
    pred_inds, gt_inds = candidate_pairs(pred.image_inds[rows],
                                         image_inds[candidates])
    gt_inds = candidates[gt_inds]
    overlaps = aligned_ious(pred.sub_bboxes[rows][pred_inds],
                            persons[gt_inds], 1.)
    return best_matches(pred_inds, gt_inds, overlaps, len(rows))


def _role_aps(truth: VCOCOTruth, pred: RolePredictions, actions: VCOCOActions,
              nearest: np.ndarray, right: np.ndarray,
              num_gt: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """AP of each verb in both scenarios."""
    rows = actions.has_role[pred.verb_labels] & ~np.isnan(pred.scores)
    pred, nearest, right = pred[rows], nearest[rows], right[rows]
    boxed = np.flatnonzero(~np.isnan(truth.role_bboxes).any(axis=1))
    role_of = np.full((len(truth.bboxes), len(actions.verbs)), -1)
    # Written from last to first, so that the first of several boxes stays.
    boxed = boxed[::-1]
    role_of[truth.role_persons[boxed], truth.role_verbs[boxed]] = boxed
    role = role_of[nearest, pred.verb_labels]
    has_box = role >= 0
    sizes = truth.sizes
    if sizes is not None:
        sizes = sizes[nearest[has_box]]
    found = np.zeros(len(pred), dtype=bool)
    found[has_box] = aligned_ious(
        _inclusive(truth.role_bboxes[role[has_box]], sizes),
        pred.obj_bboxes[has_box], 1.) >= IOU_THR
    empty = np.isnan(pred.obj_bboxes).all(axis=1) | (
        pred.obj_bboxes == 0).all(axis=1)
    positives = np.where(actions.has_role, num_gt[actions.action_inds], 0)
    ranking = _rank(pred.image_inds, pred.verb_labels, pred.scores)
    return tuple(
        _average_precision(ranking, pred.verb_labels, pred.scores, nearest,
                           right & np.where(has_box, found, absent),
                           positives) for absent in (empty, True))


def _agent_ap(pred: RolePredictions, actions: VCOCOActions,
              box_inds: np.ndarray, nearest: np.ndarray, right: np.ndarray,
              num_gt: np.ndarray) -> np.ndarray:
    """AP of each action, one prediction a person and action."""
    rows = np.flatnonzero(~np.isnan(pred.agent_scores))
    labels = actions.action_inds[pred.verb_labels[rows]]
    keys = box_inds[rows] * len(actions.actions) + labels
    # By person and action, the best score first, which stands for all.
    order = np.lexsort((-pred.agent_scores[rows], keys))
    _, firsts = np.unique(keys[order], return_index=True)
    labels, best = labels[order[firsts]], rows[order[firsts]]
    scores = pred.agent_scores[best]
    ranking = _rank(pred.image_inds[best], labels, scores)
    return _average_precision(ranking, labels, scores, nearest[best],
                              right[best], num_gt)


def _rank(image_inds: np.ndarray, labels: np.ndarray,
          scores: np.ndarray) -> np.ndarray:
    """Order by class, then by falling score, equal ones by falling image."""
    return np.lexsort((-image_inds, -scores.astype(np.float32), labels))


def _average_precision(ranking: np.ndarray, labels: np.ndarray,
                       scores: np.ndarray, persons: np.ndarray,
                       right: np.ndarray, num_gt: np.ndarray) -> np.ndarray:
    """AP of each class; a person is found once in a class."""
    claimants = np.flatnonzero(right)[::-1]  # the last of equals goes first
    order = claimants[np.argsort(
        -scores[claimants].astype(np.float32), kind='stable')]
    true_positive = first_claims(persons * len(num_gt) + labels, order)
    return area_under_envelope(labels[ranking], true_positive[ranking],
                               num_gt)
