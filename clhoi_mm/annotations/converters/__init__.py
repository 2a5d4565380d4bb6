"""From the files that users have to the project's annotation file.

Neither torch nor mmdet is needed here.
"""

from .custom import CustomReport, convert_custom
from .hico_det import HICOReport, convert_hico_det
from .v_coco import VCOCOReport, convert_v_coco

__all__ = [
    'CustomReport',
    'HICOReport',
    'VCOCOReport',
    'convert_custom',
    'convert_hico_det',
    'convert_v_coco',
]
