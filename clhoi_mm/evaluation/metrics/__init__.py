from .dump_hoi_results import DumpHOIResults
from .hico_det_metric import HICODetMetric
from .pair_ranking_metric import PairRankingMetric
from .v_coco_metric import VCOCOMetric

__all__ = [
    'DumpHOIResults',
    'HICODetMetric',
    'PairRankingMetric',
    'VCOCOMetric',
]
