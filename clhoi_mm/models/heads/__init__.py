from .baseline_icn import BaselineICN
from .exchange import choose_within, exchange
from .interaction_cognition_network import (
    InteractionCognitionNetwork,
    Interactions,
)
from .phrase_table import PhraseTable
from .teacher_head import TeacherHead
from .teacher_targets import TeacherTargets
from .visual_linguistic_translator import Context, VisualLinguisticTranslator

__all__ = [
    'BaselineICN',
    'Context',
    'InteractionCognitionNetwork',
    'Interactions',
    'PhraseTable',
    'TeacherHead',
    'TeacherTargets',
    'VisualLinguisticTranslator',
    'choose_within',
    'exchange',
]
