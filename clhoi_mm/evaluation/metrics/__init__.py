from .dump_hoi_results import DumpHOIResults
from .hico_det_metric import HICODetMetric

__all__ = ['DumpHOIResults', 'HICODetMetric']
