from .clhoi import CLHOI
from .frozen_detector import FrozenDetector

__all__ = ['CLHOI', 'FrozenDetector']
