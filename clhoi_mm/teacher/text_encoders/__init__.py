from .base import TextEncoder
from .builder import (
    build_text_encoder,
    parse_text_encoder,
    register_text_encoder,
)
from .cached import CachedTextEncoder
from .clip import CLIPTextEncoder
from .hashed import HashedTextEncoder
from .sentence import SentenceTextEncoder
from .siglip import SigLIPTextEncoder

__all__ = [
    'CLIPTextEncoder',
    'CachedTextEncoder',
    'HashedTextEncoder',
    'SentenceTextEncoder',
    'SigLIPTextEncoder',
    'TextEncoder',
    'build_text_encoder',
    'parse_text_encoder',
    'register_text_encoder',
]
