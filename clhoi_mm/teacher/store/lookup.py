"""Lookup of single images in a teacher's files."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence, Union

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

from ..interaction import Interaction, PointedPair
from ..offline_stages import PARSED
from ..parsing.caption_text import read_caption
from ..requests.messages import CAPTION, KINDS
from .cache import TeacherCache
from .cache_format import MANIFEST
from .collect import ANSWERS
from .parsed_file import read_parsed
from .pseudo_labels import split_sentences
from .raw_record import read_line
from .raw_store import FAILURES, read_records

# Raw answers of tools/teacher/simulate.py.
_SIMULATED = 'raw.jsonl'
_PARSED = (PARSED, 'parsed.jsonl')
# Stands for names that a cache does not hold.
UNNAMED = '(other)'


@dataclass
class ImageRecord:
    """Answers and pseudo-labels of one image.

    Attributes:
        key (str): The image's key.
        caption (str, optional): None where there is no such answer.
        interactions (List[Interaction], optional): The surest first; None
            where the image is in no parsed layer and no cache.
        failures (List[dict]): ``{kind, reason, message, answered}``, the
            last of each kind; ``answered`` is whether an answer came later.
    """

    key: str
    caption: Optional[str] = None
    interactions: Optional[List[Interaction]] = None
    failures: List[Dict[str, Any]] = field(default_factory=list)

    @property
    def sentences(self) -> List[str]:
        """List[str]: The caption's sentences."""
        return split_sentences(self.caption or '')

    def to_dict(self) -> Dict[str, Any]:
        """Return all fields, for JSON."""
        found = self.interactions
        return dict(
            key=self.key,
            caption=self.caption,
            sentences=self.sentences,
            interactions=found and [x.to_dict() for x in found],
            failures=self.failures,
        )


def read_image_records(
    path: Union[str, os.PathLike],
    keys: Iterable[str],
    vocabulary: Optional[HOIVocabulary] = None,
    raw: Optional[Union[str, os.PathLike]] = None,
) -> Dict[str, ImageRecord]:
    """Look up images by key.

    Args:
        path (str | PathLike): A pass's folder, a cache, or a parsed layer
            (.jsonl, .parquet).
        keys (Iterable[str]): The images' keys.
        vocabulary (HOIVocabulary, optional): Names the labels of a cache
            that no parsed layer lies beside. Defaults to None, the built-in
            one that the cache was packed with.
        raw (str | PathLike, optional): A pass's folder or a JSONL file of
            raw answers. Defaults to None: those in ``path``, if any.

    Returns:
        Dict[str, ImageRecord]: By key, in the order given.

    Raises:
        FileNotFoundError: There is no pass, cache or parsed layer.
        ValueError: A file is damaged.
    """
    records = {key: ImageRecord(key) for key in keys}
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f'{path}: no such pass, cache or parsed layer')
    raw = Path(raw or path)
    if raw.is_dir():
        _add_texts(raw, records)
    elif raw != path:
        _add_captions(raw, records)
    files = (
        [path]
        if path.is_file()
        else [path / name for name in _PARSED if (path / name).is_file()]
    )
    if files:
        for key, interactions in read_parsed(files[0]):
            if key in records:
                records[key].interactions = interactions
    elif (path / MANIFEST).is_file():
        cache = TeacherCache(path)
        vocabulary = vocabulary_of(cache, vocabulary)
        for key, image in records.items():
            image.interactions = _from_cache(cache, key, vocabulary)
    return records


def read_captions(
    folder: Union[str, os.PathLike], keys: Iterable[str]
) -> Dict[str, Optional[str]]:
    """Look up captions by key.

    Args:
        folder (str | PathLike): A pass's folder, or a cache's.
        keys (Iterable[str]): The images' keys.

    Returns:
        Dict[str, str | None]: By key; None where no text lies beside the
        cache.
    """
    records = {key: ImageRecord(key) for key in keys}
    _add_texts(Path(folder), records)
    return {key: image.caption for key, image in records.items()}


def vocabulary_of(
    cache: TeacherCache, vocabulary: Optional[HOIVocabulary] = None
) -> HOIVocabulary:
    """Find the vocabulary of a cache's labels.

    Args:
        cache (TeacherCache): The cache.
        vocabulary (HOIVocabulary, optional): Vocabulary to be compared with
            the cache's. Defaults to None: the built-in one of the name that
            the manifest has.

    Returns:
        HOIVocabulary: The vocabulary.

    Raises:
        ValueError: It is another one, or not built in.
    """
    name = cache.manifest['vocabulary']['name']
    if vocabulary is None:
        try:
            vocabulary = HOIVocabulary.load(name)
        except (OSError, KeyError, ValueError) as error:
            raise ValueError(
                f'teacher cache {cache.path}: its vocabulary "{name}" is not '
                f'built in; give its file with --vocab'
            ) from error
    TeacherCache(cache.path, vocabulary)
    return vocabulary


def _add_texts(folder: Path, records: Dict[str, ImageRecord]) -> None:
    """Add a folder's captions and failures."""
    for name in (_SIMULATED, ANSWERS):
        if (folder / name).is_file():
            _add_captions(folder / name, records)
    for kind in KINDS:
        times: Dict[str, float] = {}
        for row in read_records(folder, kind):
            key = str(row['image_id'])
            if key in records and row['time'] >= times.get(key, 0):
                times[key] = row['time']
                if kind == CAPTION:
                    records[key].caption = _caption(row['text'])
        last = {
            str(row['image_id']): row
            for row in read_records(folder, kind, FAILURES)
            if str(row['image_id']) in records
        }
        for key, row in last.items():
            records[key].failures.append(
                dict(
                    kind=kind,
                    reason=row['reason'],
                    message=row['message'],
                    answered=times.get(key, 0) > row['time'],
                )
            )


def _add_captions(path: Path, images: Dict[str, ImageRecord]) -> None:
    with open(path, 'rb') as file:
        for number, line in enumerate(file, 1):
            try:
                records = read_line(line) if line.strip() else []
            except ValueError as error:
                raise ValueError(f'{path}, line {number}: {error}') from error
            for record in records:
                key = str(record.image_id)
                if key in images and record.kind == CAPTION:
                    images[key].caption = _caption(record.text)


def _caption(text: str) -> Optional[str]:
    caption = read_caption(text)
    return None if caption.problem else caption.text


def _from_cache(
    cache: TeacherCache, key: str, vocabulary: HOIVocabulary
) -> Optional[List[Interaction]]:
    """Read a cache's labels, without names outside the vocabulary."""
    labels = cache.get(key)
    if labels is None:
        return None

    def name(names: Sequence[str], label: int) -> str:
        return names[label] if label >= 0 else UNNAMED

    pointed: List[List[PointedPair]] = [[] for _ in labels['scores']]
    for label, *boxes in zip(
        labels.get('pointed_labels', ()),
        labels.get('pointed_human_bboxes', ()),
        labels.get('pointed_object_bboxes', ()),
    ):
        pointed[label].append(tuple(np.concatenate(boxes).tolist()))
    found = [
        Interaction(
            name(vocabulary.verbs, verb),
            name(vocabulary.objects, obj),
            float(score),
            bool(hoi >= 0),
            source='cache',
            pointed=tuple(pairs),
        )
        for verb, obj, hoi, score, pairs in zip(
            labels['verb_labels'],
            labels['obj_labels'],
            labels['hoi_labels'],
            labels['scores'],
            pointed,
        )
    ]
    return sorted(found, key=lambda item: -item.score)
