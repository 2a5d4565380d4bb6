from .baseline_icn import BaselineICN
from .context_scorer import ContextScorer
from .exchange import choose_within, exchange
from .hoi_targets import HOITargets
from .interaction_cognition_network import (
    InteractionCognitionNetwork,
    PairPredictions,
)
from .phrase_classifier import PhraseClassifier
from .teacher_head import TeacherHead
from .visual_linguistic_translator import Context, VisualLinguisticTranslator

__all__ = [
    'BaselineICN',
    'Context',
    'ContextScorer',
    'InteractionCognitionNetwork',
    'PairPredictions',
    'PhraseClassifier',
    'TeacherHead',
    'HOITargets',
    'VisualLinguisticTranslator',
    'choose_within',
    'exchange',
]
