import importlib
from typing import Any, Callable, Dict, Type

from .base import Backend

# Modules are imported when a backend is built: one does not need the
# libraries of the others.
_MODULES = dict(
    transformers='transformers_backend',
    openai='openai_backend',
    vllm='vllm_backend',
    mmpretrain='mmpretrain_backend',
    captions='captions_backend',
    simulated='simulated_backend',
    replay='replay_backend',
)
_BACKENDS: Dict[str, Type[Backend]] = {}


def register_backend(name: str) -> Callable[[Type[Backend]], Type[Backend]]:
    """Register a class of :class:`Backend` under a name.

    Args:
        name (str): What ``--backend`` calls it.

    Returns:
        Callable: A class decorator.

    Raises:
        KeyError: The name is taken.
    """

    def register(cls: Type[Backend]) -> Type[Backend]:
        if name in _BACKENDS:
            raise KeyError(f'backend {name!r} is registered already')
        _BACKENDS[name] = cls
        return cls

    return register


def build_backend(cfg: Dict[str, Any]) -> Backend:
    """Build a backend from its config.

    Args:
        cfg (dict): ``type``, a registered name, and the arguments of its
            constructor.

    Returns:
        Backend: The backend.

    Raises:
        KeyError: No backend has that name.
        TypeError: It takes no such argument.
        ImportError: A library that it needs is not installed.
    """
    args = dict(cfg)
    name = args.pop('type', None)
    if name in _MODULES:
        importlib.import_module(f'.{_MODULES[name]}', __package__)
    if name not in _BACKENDS:
        raise KeyError(
            f'backend: unknown type {name!r}; there are '
            f'{", ".join(backend_names())}'
        )
    return _BACKENDS[name](**args)


def backend_names() -> list:
    """The names that :func:`build_backend` knows."""
    return sorted({*_MODULES, *_BACKENDS})
