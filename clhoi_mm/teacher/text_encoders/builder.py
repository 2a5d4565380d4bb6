from typing import Any, Dict

from .base import TextEncoder
from .clip import CLIPTextEncoder
from .hashed import HashedTextEncoder
from .sentence import SentenceTextEncoder
from .siglip import SigLIPTextEncoder

_TEXT_ENCODERS = {
    cls.__name__: cls
    for cls in (HashedTextEncoder, CLIPTextEncoder, SigLIPTextEncoder,
                SentenceTextEncoder)
}


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
        raise KeyError(f'text_encoder: unknown type {name!r}; there are '
                       f'{", ".join(sorted(_TEXT_ENCODERS))}')
    return _TEXT_ENCODERS[name](**args)
