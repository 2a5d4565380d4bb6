# mmdet's own models must be in the registry before ours are looked up.
import mmdet.models  # noqa: F401

from .checkpoint import load_weights
from .detectors import CLHOI, ContextAttention, FrozenDetector
from .heads import (
    InteractionCognitionNetwork,
    PhraseTable,
    TeacherHead,
    TeacherTargets,
    VisualLinguisticTranslator,
)
from .losses import ContextDistillLoss, InteractionDistillLoss
from .task_modules import HumanObjectPairing, PairBatch

__all__ = [
    'CLHOI',
    'ContextAttention',
    'ContextDistillLoss',
    'FrozenDetector',
    'HumanObjectPairing',
    'InteractionCognitionNetwork',
    'InteractionDistillLoss',
    'PairBatch',
    'PhraseTable',
    'TeacherHead',
    'TeacherTargets',
    'VisualLinguisticTranslator',
    'load_weights',
]
