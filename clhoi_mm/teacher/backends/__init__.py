from .base import Backend, BatchedBackend, Outcome
from .registry import BACKENDS, build_backend

__all__ = [
    'BACKENDS',
    'Backend',
    'BatchedBackend',
    'Outcome',
    'build_backend',
]
