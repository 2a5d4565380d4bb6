from .generator import MiniWorldGenerator, annotation_hash
from .world import MiniWorld, Picture

__all__ = ['MiniWorld', 'MiniWorldGenerator', 'Picture', 'annotation_hash']
