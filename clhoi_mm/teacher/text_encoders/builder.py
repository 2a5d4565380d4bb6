from typing import Any, Dict, Union

from .clip import CLIPTextEncoder
from .hashed import HashedTextEncoder

TextEncoder = Union[HashedTextEncoder, CLIPTextEncoder]

_TEXT_ENCODERS = dict(
    HashedTextEncoder=HashedTextEncoder, CLIPTextEncoder=CLIPTextEncoder)


def build_text_encoder(cfg: Dict[str, Any]) -> TextEncoder:
    """Build a text encoder from its config.

    An encoder has ``encode(texts) -> (n, dim) float32 unit rows``, ``dim``
    and ``identity``, a string of all that determines its output. This is no
    registry of mmengine's, since the teacher's environment may not hold it.

    Args:
        cfg (dict): ``type``, a name listed below, and the arguments of its
            constructor.

    Returns:
        TextEncoder: The encoder.
    """
    args = dict(cfg)
    name = args.pop('type', None)
    if name not in _TEXT_ENCODERS:
        raise KeyError(f'text_encoder: unknown type {name!r}; there are '
                       f'{", ".join(sorted(_TEXT_ENCODERS))}')
    return _TEXT_ENCODERS[name](**args)
