from .interaction import Interaction
from .parsing.parse_answer import parse_answer
from .simulation.image_labels import ImageLabels, read_image_labels
from .simulation.presets import PRESETS, TeacherPreset
from .simulation.simulate import SimulationReport, simulate_cache
from .simulation.simulated import SimulatedTeacher
from .store.cache import TeacherCache
from .store.pack import pack_cache
from .store.pseudo_labels import PseudoLabels, split_sentences
from .store.raw_answers import RawAnswer, write_raw_answers
from .text_encoders import (
    CachedTextEncoder,
    CLIPTextEncoder,
    HashedTextEncoder,
    SentenceTextEncoder,
    SigLIPTextEncoder,
    TextEncoder,
    build_text_encoder,
)

__all__ = [
    'CLIPTextEncoder',
    'CachedTextEncoder',
    'HashedTextEncoder',
    'ImageLabels',
    'Interaction',
    'PRESETS',
    'RawAnswer',
    'SentenceTextEncoder',
    'SigLIPTextEncoder',
    'SimulatedTeacher',
    'SimulationReport',
    'TeacherCache',
    'TeacherPreset',
    'PseudoLabels',
    'TextEncoder',
    'build_text_encoder',
    'pack_cache',
    'parse_answer',
    'read_image_labels',
    'simulate_cache',
    'split_sentences',
    'write_raw_answers',
]
