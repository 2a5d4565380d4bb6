import json
from typing import Any, Dict

_KINDS = dict(
    clip='CLIPTextEncoder',
    siglip='SigLIPTextEncoder',
    sentence='SentenceTextEncoder',
)


def parse_text_encoder(name: str, dim: int = 256) -> Dict[str, Any]:
    """Parse a tool's ``--text-encoder`` to a config.

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
