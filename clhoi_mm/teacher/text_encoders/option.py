import argparse
import json
from typing import Any, Dict, Mapping, Union

from .base import TextEncoder
from .registry import TEXT_ENCODERS

_TYPES = dict(
    clip='CLIPTextEncoder',
    siglip='SigLIPTextEncoder',
    sentence='SentenceTextEncoder',
)


def add_text_encoder_option(
    parser: argparse.ArgumentParser, default: str = 'hashed'
) -> None:
    """Add ``--text-encoder``, see :func:`parse_text_encoder`."""
    parser.add_argument(
        '--text-encoder',
        default=default,
        metavar='hashed[:DIM]|PATH|siglip:PATH|sentence:PATH|JSON',
        help="'hashed', 256 wide unless DIM is given; a folder or hub id of "
        'CLIP, with a prefix of SigLIP or a sentence-transformers model; or '
        "an encoder's config as JSON (default: %(default)s)",
    )


def parse_text_encoder(name: str) -> Dict[str, Any]:
    """Parse the name of a text encoder to a config.

    Configs (``model.teacher_head.text_encoder``) and tools
    (``--text-encoder``) use the same names.

    Args:
        name (str): 'hashed' or, with the length of an embedding, 'hashed:256';
            a folder or hub id of CLIP, with the prefix 'siglip:' of SigLIP,
            with 'sentence:' of sentence-transformers; or a config as JSON.

    Returns:
        dict: ``type`` and the arguments of its constructor.

    Raises:
        ValueError: If it begins as JSON and is none, or the length is no
            number.
    """
    if name.startswith('{'):
        try:
            return json.loads(name)
        except ValueError as error:
            raise ValueError(
                f'text encoder {name}: no JSON: {error}'
            ) from error
    kind, colon, rest = name.partition(':')
    if kind == 'hashed':
        if colon and not rest.isdecimal():
            raise ValueError(
                f'text encoder {name}: {rest!r} is not the length of an '
                'embedding; write hashed:256'
            )
        return dict(type='HashedTextEncoder', dim=int(rest or 256))
    if colon and kind in _TYPES:
        return dict(type=_TYPES[kind], path=rest)
    return dict(type='CLIPTextEncoder', path=name)


def build_text_encoder(cfg: Union[str, Mapping[str, Any]]) -> TextEncoder:
    """Build a text encoder.

    Args:
        cfg (str | dict): A name, see :func:`parse_text_encoder`, or a config.

    Returns:
        TextEncoder: The encoder.

    Raises:
        KeyError: If the type is not registered.
        ValueError: If the name cannot be parsed, or weights not be read.
        ImportError: If a library that it needs is not installed.
    """
    if isinstance(cfg, str):
        cfg = parse_text_encoder(cfg)
    return TEXT_ENCODERS.build(cfg)
