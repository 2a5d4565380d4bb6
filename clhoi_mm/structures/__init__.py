from .hoi_data_sample import HOIDataSample, no_predictions
from .tracked_boxes import TrackedBoxes

__all__ = ['HOIDataSample', 'TrackedBoxes', 'no_predictions']
