"""Inference with trained detectors."""

from clhoi_mm.utils.image_reader import UnreadableImage

from .hoi_inferencer import HOIInferencer
from .inference import Inference

__all__ = ['HOIInferencer', 'Inference', 'UnreadableImage']
