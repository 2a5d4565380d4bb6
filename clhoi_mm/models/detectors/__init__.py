from .clhoi import CLHOI
from .context_attention import ContextAttention
from .detector_adapter import DetectorAdapter
from .frozen_detector import FrozenDetector
from .joint_detector import JointDetector
from .precomputed_detections import PrecomputedDetections
from .sample_preprocessor import SamplePreprocessor

__all__ = [
    'CLHOI',
    'ContextAttention',
    'DetectorAdapter',
    'FrozenDetector',
    'JointDetector',
    'PrecomputedDetections',
    'SamplePreprocessor',
]
