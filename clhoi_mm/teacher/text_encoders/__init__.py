from .builder import TextEncoder, build_text_encoder
from .clip import CLIPTextEncoder
from .hashed import HashedTextEncoder

__all__ = [
    'CLIPTextEncoder', 'HashedTextEncoder', 'TextEncoder', 'build_text_encoder'
]
