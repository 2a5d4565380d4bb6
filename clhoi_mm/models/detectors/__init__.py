from .clhoi import CLHOI
from .context_attention import ContextAttention
from .frozen_detector import FrozenDetector
from .precomputed_detections import PrecomputedDetections
from .sample_preprocessor import SamplePreprocessor

__all__ = [
    'CLHOI',
    'ContextAttention',
    'FrozenDetector',
    'PrecomputedDetections',
    'SamplePreprocessor',
]
