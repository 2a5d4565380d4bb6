"""Stages of a pass without requests: parse, embed, pack."""

import os
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Union

from ..vocabulary import HOIVocabulary
from .parsing.parse_report import ParseReport
from .parsing.parse_stage import parse_raw
from .store.collect import ANSWERS, collect_answers
from .store.merge import read_pseudo_labels
from .store.pack import pack_cache, texts_of
from .store.parsed_file import PARSED
from .store.pseudo_labels import PseudoLabels
from .text_encoders import CachedTextEncoder, build_text_encoder


def parse_pass(
    raw: Union[str, os.PathLike],
    vocabulary: HOIVocabulary,
    out: Optional[Union[str, os.PathLike]] = None,
    **options: Any,
) -> ParseReport:
    """Parse raw answers to interactions.

    Args:
        raw (str | PathLike): A pass's folder, or a JSONL file of records.
        vocabulary (HOIVocabulary): The vocabulary.
        out (str | PathLike, optional): .jsonl or .parquet file. Defaults to
            None: ``parsed.parquet`` in the pass's folder.
        **options: Further arguments of :func:`parse_raw`.

    Returns:
        ParseReport: Counts.

    Raises:
        ValueError: ``raw`` is a file, and ``out`` is not given.
    """
    raw = Path(raw)
    if raw.is_dir():
        out = out or raw / PARSED
        raw = collect_answers(raw)
    if out is None:
        raise ValueError(
            f'{raw}: is a file; give the file of the interactions with --out'
        )
    return parse_raw(raw, vocabulary, out, **options)


def embed_pass(
    folder: Union[str, os.PathLike],
    vocabulary: HOIVocabulary,
    text_encoder: Union[str, Dict[str, Any]],
    parsed: str = PARSED,
    progress: bool = True,
    whole_captions: bool = False,
) -> int:
    """Embed the texts of a parsed pass, each once.

    Args:
        folder (str | PathLike): The pass's folder; the vectors go to
            ``embeddings/`` in it.
        vocabulary (HOIVocabulary): The vocabulary.
        text_encoder (str | dict): See :func:`build_text_encoder`.
        parsed (str): The parsed layer's name. Defaults to 'parsed.parquet'.
        progress (bool): Whether to show a bar. Defaults to True.
        whole_captions (bool): As for :func:`pack_pass`. Defaults to False.

    Returns:
        int: How many texts were new.
    """
    pseudo_labels = _read_pseudo_labels(folder, parsed)
    return _cached(folder, text_encoder).add(
        texts_of(pseudo_labels, vocabulary, whole_captions), progress
    )


def pack_pass(
    folder: Union[str, os.PathLike],
    vocabulary: HOIVocabulary,
    text_encoder: Union[str, Dict[str, Any]],
    parsed: str = PARSED,
    progress: bool = True,
    whole_captions: bool = False,
) -> Path:
    """Pack captions and interactions to the training cache.

    Args:
        folder (str | PathLike): The pass's folder, parsed; what is embedded
            there is not embedded again.
        vocabulary (HOIVocabulary): The vocabulary.
        text_encoder (str | dict): See :func:`build_text_encoder`.
        parsed (str): The parsed layer's name. Defaults to 'parsed.parquet'.
        progress (bool): Whether to show bars. Defaults to True.
        whole_captions (bool): See :func:`pack_cache`. Defaults to False.

    Returns:
        Path: The folder.
    """
    return pack_cache(
        _read_pseudo_labels(folder, parsed),
        folder,
        vocabulary,
        _cached(folder, text_encoder),
        progress,
        whole_captions,
    )


def _read_pseudo_labels(
    folder: Union[str, os.PathLike], parsed: str
) -> Iterator[PseudoLabels]:
    return read_pseudo_labels(Path(folder, ANSWERS), Path(folder, parsed))


def _cached(
    folder: Union[str, os.PathLike], text_encoder: Union[str, Dict[str, Any]]
) -> CachedTextEncoder:
    return CachedTextEncoder(
        build_text_encoder(text_encoder), Path(folder, 'embeddings')
    )
