from .clhoi import CLHOI
from .context_attention import ContextAttention
from .frozen_detector import FrozenDetector
from .no_detector import NoDetector
from .sample_preprocessor import SamplePreprocessor

__all__ = [
    'CLHOI',
    'ContextAttention',
    'FrozenDetector',
    'NoDetector',
    'SamplePreprocessor',
]
