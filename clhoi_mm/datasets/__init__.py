from .annotation_file import HOIAnnotationFile
from .hico_det import HICODetDataset
from .hoi_dataset import HOIDataset
from .v_coco import VCOCODataset

__all__ = ['HICODetDataset', 'HOIAnnotationFile', 'HOIDataset', 'VCOCODataset']
