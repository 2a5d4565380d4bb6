"""Matching and average precision over flat arrays; numpy alone."""
from .average_precision import (RECALL_LEVELS, average_precision,
                                rank_in_class)
from .boxes import aligned_ious, pair_overlaps
from .hico_det import HICODetResult, evaluate_hico_det
from .hoi_classes import HOIClasses
from .matching import best_matches, candidate_pairs, first_claims
from .pair_table import PairTable
from .samples import HOIRecord, read_sample, stack_records

__all__ = [
    'HICODetResult', 'HOIClasses', 'HOIRecord', 'PairTable', 'RECALL_LEVELS',
    'aligned_ious', 'average_precision', 'best_matches', 'candidate_pairs',
    'evaluate_hico_det', 'first_claims', 'pair_overlaps', 'rank_in_class',
    'read_sample', 'stack_records'
]
