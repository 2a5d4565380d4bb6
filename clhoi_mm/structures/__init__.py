from .hoi_data_sample import HOIDataSample
from .tracked_boxes import TrackedBoxes

__all__ = ['HOIDataSample', 'TrackedBoxes']
