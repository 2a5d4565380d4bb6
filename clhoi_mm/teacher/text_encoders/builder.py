import json
from typing import Any, Dict, Type

from .base import TextEncoder
from .clip import CLIPTextEncoder
from .hashed import HashedTextEncoder
from .sentence import SentenceTextEncoder
from .siglip import SigLIPTextEncoder

_TEXT_ENCODERS = {
    cls.__name__: cls
    for cls in (
        HashedTextEncoder,
        CLIPTextEncoder,
        SigLIPTextEncoder,
        SentenceTextEncoder,
    )
}
_KINDS = dict(
    clip='CLIPTextEncoder',
    siglip='SigLIPTextEncoder',
    sentence='SentenceTextEncoder',
)


def register_text_encoder(cls: Type[TextEncoder]) -> Type[TextEncoder]:
    """Let configs name a text encoder by its class.

    Args:
        cls (type): What :class:`TextEncoder` says of one.

    Returns:
        type: The class, so that this is a decorator.

    Raises:
        ValueError: Another class has this name.
    """
    known = _TEXT_ENCODERS.setdefault(cls.__name__, cls)
    # A module that is read again defines the same class anew.
    if (known.__module__, known.__qualname__) != (
        cls.__module__,
        cls.__qualname__,
    ):
        raise ValueError(
            f'text encoder {cls.__name__}: {known.__module__} '
            'has one of this name; give it another'
        )
    _TEXT_ENCODERS[cls.__name__] = cls
    return cls


def build_text_encoder(cfg: Dict[str, Any]) -> TextEncoder:
    """Build a text encoder from its config.

    This is no registry of mmengine's, since the teacher's environment may
    not hold it.

    Args:
        cfg (dict): ``type``, a name listed above, and the arguments of its
            constructor.

    Returns:
        TextEncoder: The encoder.
    """
    args = dict(cfg)
    name = args.pop('type', None)
    if name not in _TEXT_ENCODERS:
        raise KeyError(
            f'text_encoder: unknown type {name!r}; there are '
            f'{", ".join(sorted(_TEXT_ENCODERS))}'
        )
    return _TEXT_ENCODERS[name](**args)


def parse_text_encoder(name: str, dim: int = 256) -> Dict[str, Any]:
    """The config that a tool's ``--text-encoder`` means.

    Args:
        name (str): 'hashed'; a folder or hub id of CLIP, with the prefix
            'siglip:' of SigLIP, with 'sentence:' of sentence-transformers;
            or a config as JSON.
        dim (int): Length of a hashed embedding. Defaults to 256.

    Returns:
        dict: For :func:`build_text_encoder`.

    Raises:
        ValueError: It begins as JSON and is none.
    """
    if name == 'hashed':
        return dict(type='HashedTextEncoder', dim=dim)
    if name.startswith('{'):
        try:
            return json.loads(name)
        except ValueError as error:
            raise ValueError(
                f'text encoder {name}: no JSON: {error}'
            ) from error
    kind, colon, path = name.partition(':')
    if colon and kind in _KINDS:
        return dict(type=_KINDS[kind], path=path)
    return dict(type='CLIPTextEncoder', path=name)
