# First, since it silences what OneDL's mmdet prints at import.
import clhoi_mm.registry  # noqa: F401

# isort: split
from .cached_transforms import CachedTransforms
from .load_detections import LoadDetections
from .load_detector_features import LoadDetectorFeatures
from .load_hoi_annotations import LoadHOIAnnotations
from .load_image import LoadImage
from .load_image_size import LoadImageSize
from .load_teacher_knowledge import LoadTeacherKnowledge
from .pack_hoi_inputs import PackHOIInputs

__all__ = [
    'LoadDetections',
    'LoadDetectorFeatures',
    'LoadHOIAnnotations',
    'LoadImage',
    'LoadImageSize',
    'LoadTeacherKnowledge',
    'PackHOIInputs',
    'CachedTransforms',
]
