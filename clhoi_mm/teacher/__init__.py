from .cache import TeacherCache
from .image_facts import ImageFacts, read_image_facts
from .pack import pack_cache
from .parsing import parse_answer
from .presets import PRESETS, TeacherPreset
from .raw_answers import RawAnswer, read_raw_answers, write_raw_answers
from .simulate import SimulationReport, simulate_cache
from .simulated import SimulatedTeacher
from .text_encoders import (
    CachedTextEncoder,
    CLIPTextEncoder,
    HashedTextEncoder,
    SentenceTextEncoder,
    SigLIPTextEncoder,
    TextEncoder,
    build_text_encoder,
)
from .words import TeacherWords, split_sentences

__all__ = [
    'CLIPTextEncoder',
    'CachedTextEncoder',
    'HashedTextEncoder',
    'ImageFacts',
    'PRESETS',
    'RawAnswer',
    'SentenceTextEncoder',
    'SigLIPTextEncoder',
    'SimulatedTeacher',
    'SimulationReport',
    'TeacherCache',
    'TeacherPreset',
    'TeacherWords',
    'TextEncoder',
    'build_text_encoder',
    'pack_cache',
    'parse_answer',
    'read_image_facts',
    'read_raw_answers',
    'simulate_cache',
    'split_sentences',
    'write_raw_answers',
]
