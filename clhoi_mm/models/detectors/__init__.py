from .clhoi import CLHOI
from .context_attention import ContextAttention
from .frozen_detector import FrozenDetector

__all__ = ['CLHOI', 'ContextAttention', 'FrozenDetector']
