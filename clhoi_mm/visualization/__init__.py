"""Pictures of interactions and of the teacher's pseudo-labels.

The visualizer is imported lazily: the rest needs neither torch nor mmdet.
"""

from importlib import import_module
from typing import Any

__all__ = ['HOILocalVisualizer']


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module('.hoi_local_visualizer', __name__), name)
