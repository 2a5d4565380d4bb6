"""V-COCO's official protocol.

Equals ``vsrl_eval.py`` of github.com/s-gupta/v-coco (Gupta and Malik, Visual
Semantic Role Labeling, arXiv 1505.04474), including details that influence
published results:

- Annotated boxes become inclusive (one pixel less on the right and below),
  are clipped to the image, and are compared with predicted boxes as they are,
  one pixel added to all widths and heights.
- A prediction is matched to the annotated person with the largest IoU, the
  first one of ties, even where that IoU is 0. If that person's actions are
  not labeled, the prediction is ignored.
- Every person labeled with an action counts as a positive of each of its
  roles, with or without a box.
- Scores are float32. Of ties in an image and class the last row is matched
  first; in the ranking over images the last image goes first.

Where the script stops with an error: predictions on images without persons
are left out, an action without predictions has AP 0, and an action without
annotations has none (NaN) and is left out of means.
"""

from dataclasses import dataclass
from typing import Dict

import numpy as np

from .average_precision import area_under_envelope
from .v_coco_matching import (
    PersonMatches,
    claim,
    match_persons,
    match_roles,
    rank_rows,
)
from .v_coco_tables import RolePredictions, VCOCOActions, VCOCOTruth


@dataclass(frozen=True)
class VCOCOResult:
    """Average precision as fractions, NaN where nothing is annotated.

    Args:
        actions (VCOCOActions): Names.
        ap_role_s1 (np.ndarray): Scenario 1, in which the prediction must be
            empty where a role is missing, (V,); NaN for verbs without a role.
        ap_role_s2 (np.ndarray): Scenario 2, in which any box is correct
            there, (V,).
        ap_agent (np.ndarray): Persons and actions alone, (A,).
        num_gt (np.ndarray): Persons labeled with each action, (A,).
        num_pred (int): Total number of predicted rows.
    """

    actions: VCOCOActions
    ap_role_s1: np.ndarray
    ap_role_s2: np.ndarray
    ap_agent: np.ndarray
    num_gt: np.ndarray
    num_pred: int

    def summary(self) -> Dict[str, float]:
        """Average in percent; means over nothing are omitted.

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
            AP_agent=self.ap_agent,
        )
        return {
            name: float(np.nanmean(ap) * 100)
            for name, ap in values.items()
            if not np.isnan(ap).all()
        }

    def classwise(self) -> Dict[str, float]:
        """Map names of actions and roles to AP in percent.

        Actions and roles without an AP are omitted.
        """
        verbs, actions = self.actions.verbs, self.actions.actions
        return {
            f'{name}/{label}': float(value) * 100
            for name, labels, ap in (
                ('AP_role_s1', verbs, self.ap_role_s1),
                ('AP_role_s2', verbs, self.ap_role_s2),
                ('AP_agent', actions, self.ap_agent),
            )
            for label, value in zip(labels, ap)
            if not np.isnan(value)
        }


def evaluate_v_coco(
    truth: VCOCOTruth, pred: RolePredictions, actions: VCOCOActions
) -> VCOCOResult:
    """Evaluate the predictions of all images.

    Args:
        truth (VCOCOTruth): Annotated persons and roles.
        pred (RolePredictions): Predicted rows.
        actions (VCOCOActions): Actions and roles of the verbs.

    Returns:
        VCOCOResult: AP of each action and role.
    """
    num_pred = len(pred)
    matches = match_persons(truth, pred, actions)
    roles = match_roles(truth, matches, actions)
    ranking = rank_rows(
        roles.pred.image_inds, roles.pred.verb_labels, roles.pred.scores
    )
    ap_role_s1, ap_role_s2 = (
        area_under_envelope(
            roles.pred.verb_labels[ranking],
            roles.true_positives(strict)[ranking],
            roles.num_gt,
        )
        for strict in (True, False)
    )
    return VCOCOResult(
        actions,
        ap_role_s1,
        ap_role_s2,
        _agent_ap(matches, actions),
        matches.num_gt,
        num_pred,
    )


def _agent_ap(matches: PersonMatches, actions: VCOCOActions) -> np.ndarray:
    """Compute each action's AP from one prediction per person."""
    pred = matches.pred
    rows = np.flatnonzero(~np.isnan(pred.agent_scores))
    labels = actions.action_inds[pred.verb_labels[rows]]
    keys = matches.box_inds[rows] * len(actions.actions) + labels
    # By person and action, the best score first, which represents them.
    order = np.lexsort((-pred.agent_scores[rows], keys))
    _, firsts = np.unique(keys[order], return_index=True)
    labels, best = labels[order[firsts]], rows[order[firsts]]
    scores = pred.agent_scores[best]
    ranking = rank_rows(pred.image_inds[best], labels, scores)
    true_positive = claim(
        labels, scores, matches.persons[best], matches.right[best]
    )
    return area_under_envelope(
        labels[ranking], true_positive[ranking], matches.num_gt
    )
