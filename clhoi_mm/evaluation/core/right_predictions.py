"""Which predictions are right by a metric, for the calibration of scores."""

from typing import Tuple

import numpy as np

from .hico_det import match_hico_det
from .pair_table import PairTable
from .protocols import HICO_DET_PROTOCOLS
from .v_coco_matching import match_persons, match_roles
from .v_coco_tables import RolePredictions, VCOCOActions, VCOCOTruth


def right_pairs(
    gt: PairTable, pred: PairTable, num_hois: int
) -> Tuple[np.ndarray, np.ndarray]:
    """Match triplets as HICO-DET's official metric does.

    Args:
        gt (PairTable): Annotated pairs.
        pred (PairTable): Predicted pairs.
        num_hois (int): Number of classes.

    Returns:
        tuple[np.ndarray, np.ndarray]: Scores of the counted predictions, and
        whether each is the best match of an annotated pair, (N,).
    """
    matches = match_hico_det(
        gt, pred, num_hois, HICO_DET_PROTOCOLS['official']
    )
    return matches.pred.scores, matches.true_positive


def right_roles(
    truth: VCOCOTruth, pred: RolePredictions, actions: VCOCOActions
) -> Tuple[np.ndarray, np.ndarray]:
    """Match persons with objects as V-COCO's scenario 1 does.

    Rows without an object, and persons without annotations, do not count.

    Args:
        truth (VCOCOTruth): Annotated persons and roles.
        pred (RolePredictions): Predicted rows.
        actions (VCOCOActions): Actions and roles of the verbs.

    Returns:
        tuple[np.ndarray, np.ndarray]: As of :func:`right_pairs`.
    """
    roles = match_roles(truth, match_persons(truth, pred, actions), actions)
    rows = actions.counts[roles.pred.verb_labels] & ~roles.empty
    return roles.pred.scores[rows], roles.true_positives(True)[rows]
