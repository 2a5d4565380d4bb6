import json
import os
from itertools import accumulate
from pathlib import Path
from typing import Dict, Iterable, List, Union

import numpy as np
from tqdm import tqdm

from ..vocabulary import HOIVocabulary, normalise_name, with_article
from .cache_format import FORMAT, MANIFEST, TENSORS, VERSION, file_sha256
from .english import gerund
from .files import atomic_path
from .text_encoders import TextEncoder
from .words import TeacherWords

_CHUNK = 1024


def pack_cache(words: Iterable[TeacherWords],
               out_dir: Union[str, os.PathLike],
               vocabulary: HOIVocabulary,
               text_encoder: TextEncoder,
               progress: bool = False) -> Path:
    """Write the cache's training layer: words become labels and embeddings.

    The same words, vocabulary and encoder give the same bytes. The manifest
    is written last, so that a folder with one is whole.

    Args:
        words (Iterable[TeacherWords]): One for each image, in any order.
        out_dir (str | PathLike): The folder to write to; made if need be.
        vocabulary (HOIVocabulary): Gives labels to names. Names outside it
            get label -1 and a phrase all the same.
        text_encoder (TextEncoder): Embeds captions, sentences and phrases.
        progress (bool): Whether to show progress bars. Defaults to False.

    Returns:
        Path: The folder.

    Raises:
        ValueError: A key is empty, no valid unicode or occurs twice.
    """
    from safetensors.numpy import save_file
    rows = _sort_by_key(words)
    table = _InteractionTable(vocabulary)
    sentences: Dict[str, int] = {}
    sentence_ids = [
        sentences.setdefault(sentence, len(sentences)) for row in rows
        for sentence in row.sentences
    ]
    interactions = [
        table.add(verb, obj) + (score, ) for row in rows
        for verb, obj, score in row.interactions
    ]
    labels = np.array([row[:4] for row in interactions], np.int32)
    verb_labels, obj_labels, hoi_labels, phrase_ids = (
        np.ascontiguousarray(column) for column in labels.reshape(-1, 4).T)
    keys = [row.key.encode() for row in rows]
    captions = [row.caption for row in rows]
    tensors = dict(
        key_bytes=np.frombuffer(b''.join(keys), np.uint8),
        key_offsets=_offsets(keys),
        caption_embeds=_embed(captions, text_encoder, progress, 'captions'),
        sentence_embeds=_embed(
            list(sentences), text_encoder, progress, 'sentences'),
        sentence_ids=np.array(sentence_ids, np.int32),
        sentence_offsets=_offsets([row.sentences for row in rows]),
        phrase_embeds=_embed(
            list(table.phrases), text_encoder, progress, 'phrases'),
        interaction_offsets=_offsets([row.interactions for row in rows]),
        verb_labels=verb_labels,
        obj_labels=obj_labels,
        hoi_labels=hoi_labels,
        phrase_ids=phrase_ids,
        scores=np.array([row[4] for row in interactions], np.float32))
    counts = dict(
        images=len(rows),
        interactions=len(interactions),
        phrases=len(table.phrases),
        sentences=len(sentences),
        outside_vocabulary=int((hoi_labels < 0).sum()),
        malformed=sum(row.malformed for row in rows))

    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    # Without a manifest, tensors that were replaced alone are never read.
    (out_dir / MANIFEST).unlink(missing_ok=True)
    with atomic_path(out_dir / TENSORS) as temp:
        save_file(tensors, temp)
        digest = file_sha256(temp)
    manifest = dict(
        format=FORMAT,
        version=VERSION,
        vocabulary=dict(name=vocabulary.name, hash=vocabulary.hash),
        text_encoder=text_encoder.identity,
        dim=text_encoder.dim,
        counts=counts,
        tensors=dict(
            file=TENSORS,
            bytes=(out_dir / TENSORS).stat().st_size,
            sha256=digest))
    with atomic_path(out_dir / MANIFEST) as temp:
        temp.write_text(json.dumps(manifest, indent=2) + '\n')
    return out_dir


def texts_of(words: Iterable[TeacherWords],
             vocabulary: HOIVocabulary) -> List[str]:
    """All texts that :func:`pack_cache` embeds, each once.

    Args:
        words (Iterable[TeacherWords]): One for each image.
        vocabulary (HOIVocabulary): Gives phrases to its classes.

    Returns:
        List[str]: Captions, sentences and phrases.
    """
    table = _InteractionTable(vocabulary)
    texts: Dict[str, None] = {}
    for row in words:
        texts.update(dict.fromkeys([row.caption, *row.sentences]))
        for verb, obj, _ in row.interactions:
            table.add(verb, obj)
    return list({**texts, **dict.fromkeys(table.phrases)})


class _InteractionTable:
    """Labels and phrase of each (verb, object) that was said."""

    def __init__(self, vocabulary: HOIVocabulary) -> None:
        self.vocabulary = vocabulary
        self.phrases: Dict[str, int] = {}
        self._known: Dict[tuple, tuple] = {}
        self._gerunds: Dict[str, int] = {}
        for label, form in enumerate(vocabulary.gerunds):
            self._gerunds.setdefault(normalise_name(form), label)

    def add(self, verb: str, obj: str) -> tuple:
        """-> (verb label, object label, HOI label, phrase id)."""
        if (verb, obj) not in self._known:
            self._known[verb, obj] = self._look_up(verb, obj)
        return self._known[verb, obj]

    def _look_up(self, verb: str, obj: str) -> tuple:
        vocabulary = self.vocabulary
        verb_label = vocabulary.verb_label(verb)
        if verb_label < 0:
            verb_label = self._gerunds.get(normalise_name(verb), -1)
        obj_label = vocabulary.object_label(obj)
        hoi_label = vocabulary.hoi_id(verb_label, obj_label)
        if hoi_label >= 0:
            phrase = vocabulary.phrases[hoi_label]
        else:
            doing = gerund(
                verb) if verb_label < 0 else vocabulary.gerunds[verb_label]
            phrase = f'a person {doing} {with_article(obj)}'
        phrase_id = self.phrases.setdefault(phrase, len(self.phrases))
        return verb_label, obj_label, hoi_label, phrase_id


def _sort_by_key(words: Iterable[TeacherWords]) -> List[TeacherWords]:
    rows = list(words)
    for row in rows:
        if not row.key:
            raise ValueError('teacher words: field "key" is empty; give '
                             'every image its key from the annotation file')
        try:
            row.key.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f'teacher words: key {row.key!r} is no valid '
                             f'unicode; rename the file') from error
    rows.sort(key=lambda row: row.key.encode())
    for first, second in zip(rows, rows[1:]):
        if first.key == second.key:
            raise ValueError(f'teacher words: key "{first.key}" occurs '
                             f'twice; keep one answer for each image')
    return rows


def _embed(texts: List[str], encoder: TextEncoder, progress: bool,
           what: str) -> np.ndarray:
    """(n, dim) float16; an empty text gets a zero row."""
    rows = np.zeros((len(texts), encoder.dim), np.float16)
    filled = np.flatnonzero([bool(text.strip()) for text in texts])
    with tqdm(
            total=len(filled), desc=f'embed {what}',
            disable=not progress) as bar:
        for start in range(0, len(filled), _CHUNK):
            ids = filled[start:start + _CHUNK]
            rows[ids] = encoder.encode([texts[i] for i in ids])
            bar.update(len(ids))
    return rows


def _offsets(parts: List) -> np.ndarray:
    """Where each part starts in the concatenation, and its end, (n + 1,)."""
    return np.array([0, *accumulate(map(len, parts))], np.int64)
