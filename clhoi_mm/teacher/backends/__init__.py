from .base import Backend, BatchedBackend, Outcome
from .registry import backend_names, build_backend, register_backend

__all__ = [
    'Backend',
    'BatchedBackend',
    'Outcome',
    'backend_names',
    'build_backend',
    'register_backend',
]
