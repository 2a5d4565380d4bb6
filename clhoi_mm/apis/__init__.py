"""For those who use a trained detector."""

from .hoi_inferencer import HOIInferencer, UnreadableImage
from .inference import Inference

__all__ = ['HOIInferencer', 'Inference', 'UnreadableImage']
