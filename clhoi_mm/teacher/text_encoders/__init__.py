from .base import TextEncoder
from .cached import CachedTextEncoder
from .clip import CLIPTextEncoder
from .hashed import HashedTextEncoder
from .option import build_text_encoder, parse_text_encoder
from .registry import TEXT_ENCODERS
from .sentence import SentenceTextEncoder
from .siglip import SigLIPTextEncoder

__all__ = [
    'CLIPTextEncoder',
    'CachedTextEncoder',
    'HashedTextEncoder',
    'SentenceTextEncoder',
    'SigLIPTextEncoder',
    'TEXT_ENCODERS',
    'TextEncoder',
    'build_text_encoder',
    'parse_text_encoder',
]
