from .builder import TextEncoder, build_text_encoder
from .cached import CachedTextEncoder
from .clip import CLIPTextEncoder
from .hashed import HashedTextEncoder

__all__ = [
    'CLIPTextEncoder', 'CachedTextEncoder', 'HashedTextEncoder', 'TextEncoder',
    'build_text_encoder'
]
