"""Matching and average precision over flat arrays, with numpy alone."""

from clhoi_mm.utils.boxes import aligned_ious

from .average_precision import (
    RECALL_LEVELS,
    RISING_RECALL_LEVELS,
    area_under_envelope,
    average_precision,
    precisions,
    rank_in_class,
)
from .bootstrap import bootstrap_interval
from .calibration import Reliability, ScoreCalibration
from .errors import REASONS, ErrorReport, classify_errors
from .ground_truth import hico_det_ground_truth, v_coco_ground_truth
from .hico_det import (
    HICODetResult,
    Matches,
    evaluate_hico_det,
    known_object_mask,
    match_hico_det,
)
from .hoi_classes import HOIClasses
from .matching import assign_true_positives, best_matches, candidate_pairs
from .pair_ranking import PairRankingResult, RankedPairs, rank_pairs
from .pair_table import ImageLabelTable, PairTable
from .predictions import Predictions
from .protocols import HICO_DET_PROTOCOLS, HICODetProtocol
from .right_predictions import right_pairs, right_roles
from .samples import HOIRecord, read_sample, stack_records
from .v_coco import VCOCOResult, evaluate_v_coco
from .v_coco_errors import V_COCO_REASONS, classify_v_coco_errors
from .v_coco_intervals import v_coco_difference, v_coco_intervals
from .v_coco_samples import (
    VCOCORecord,
    read_v_coco_sample,
    stack_v_coco_records,
)
from .v_coco_tables import RolePredictions, VCOCOActions, VCOCOTruth

__all__ = [
    'ErrorReport',
    'HICODetProtocol',
    'HICODetResult',
    'HICO_DET_PROTOCOLS',
    'HOIClasses',
    'HOIRecord',
    'ImageLabelTable',
    'Matches',
    'PairRankingResult',
    'PairTable',
    'Predictions',
    'REASONS',
    'RECALL_LEVELS',
    'RISING_RECALL_LEVELS',
    'RankedPairs',
    'Reliability',
    'RolePredictions',
    'ScoreCalibration',
    'VCOCOActions',
    'VCOCORecord',
    'VCOCOResult',
    'VCOCOTruth',
    'V_COCO_REASONS',
    'aligned_ious',
    'area_under_envelope',
    'average_precision',
    'best_matches',
    'bootstrap_interval',
    'candidate_pairs',
    'evaluate_hico_det',
    'evaluate_v_coco',
    'classify_errors',
    'classify_v_coco_errors',
    'assign_true_positives',
    'hico_det_ground_truth',
    'known_object_mask',
    'match_hico_det',
    'precisions',
    'rank_in_class',
    'rank_pairs',
    'read_sample',
    'read_v_coco_sample',
    'right_pairs',
    'right_roles',
    'stack_records',
    'stack_v_coco_records',
    'v_coco_ground_truth',
    'v_coco_difference',
    'v_coco_intervals',
]
