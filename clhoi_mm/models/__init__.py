# First, since it silences what OneDL's mmdet prints at import.
import clhoi_mm.registry  # noqa: F401

# isort: split
# mmdet's own models must be in the registry before ours are looked up.
import mmdet.models  # noqa: F401

from .checkpoint import load_weights
from .detectors import (
    CLHOI,
    ContextAttention,
    FrozenDetector,
    JointDetector,
    PrecomputedDetections,
)
from .heads import (
    HOITargets,
    InteractionCognitionNetwork,
    PhraseClassifier,
    TeacherHead,
    VisualLinguisticTranslator,
)
from .label_noise import EMLabelNoise, LabelNoiseModel, LearnableLabelNoise
from .losses import ContextDistillLoss, InteractionDistillLoss
from .task_modules import HumanObjectPairing, PairBatch

__all__ = [
    'CLHOI',
    'ContextAttention',
    'ContextDistillLoss',
    'EMLabelNoise',
    'FrozenDetector',
    'HumanObjectPairing',
    'InteractionCognitionNetwork',
    'InteractionDistillLoss',
    'JointDetector',
    'LabelNoiseModel',
    'LearnableLabelNoise',
    'PairBatch',
    'PhraseClassifier',
    'PrecomputedDetections',
    'TeacherHead',
    'HOITargets',
    'VisualLinguisticTranslator',
    'load_weights',
]
