"""Converters of users' files to the annotation file.

They need neither torch nor mmdet.
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
