from .cache import TeacherCache
from .pack import pack_cache
from .parsing import parse_answer
from .raw_answers import RawAnswer, read_raw_answers, write_raw_answers
from .text_encoders import (CLIPTextEncoder, HashedTextEncoder, TextEncoder,
                            build_text_encoder)
from .words import TeacherWords, split_sentences

__all__ = [
    'CLIPTextEncoder', 'HashedTextEncoder', 'RawAnswer', 'TeacherCache',
    'TeacherWords', 'TextEncoder', 'build_text_encoder', 'pack_cache',
    'parse_answer', 'read_raw_answers', 'split_sentences',
    'write_raw_answers'
]
