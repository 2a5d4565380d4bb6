import json
import mmap
import os
from pathlib import Path
from typing import Any, Dict, Iterator, NoReturn, Optional, Union

import numpy as np

from clhoi_mm.utils.tensor_file import DTYPES, view_tensors
from clhoi_mm.vocabulary import HOIVocabulary

from .cache_format import (
    FORMAT,
    LAYOUT,
    MANIFEST,
    POINTED,
    POINTED_VERSION,
    TENSORS,
    VERSIONS,
    file_sha256,
    key_hash,
)

# Hashing a file of this size takes negligible time.
_VERIFY_BYTES = 16 << 20
# Phrase embeddings up to this size are held in memory, which saves a
# fifth of the reading time.
_FEW = 4 << 20
# Bits of a 16-bit float that was shifted by 13 bits.
_SIGN_AND_VALUE = np.int32(-0x70002000)
_OFFSET = np.float32(2.0**112)
_REBUILD = (
    'pack it again from the raw answers, which stay: a pass with '
    '`tools/teacher/annotate.py pack`, simulated answers with '
    'tools/teacher/simulate.py'
)


class TeacherCache:
    """Training layer of the teacher's cache, read by key.

    The file is mapped into memory at the first access, in each process that
    accesses it; nothing but the manifest is read before. Instances can be
    pickled and copied to worker processes.

    Args:
        path (str | PathLike): The folder that ``pack_cache`` wrote.
        vocabulary (HOIVocabulary, optional): The one in use, to be compared
            with the cache's. Defaults to None, no comparison.
        text_encoder (str, optional): The identity of the text encoder in
            use, to be compared with the cache's. Defaults to None.
        verify (bool, optional): Whether to compare the tensors' sha256 with
            the manifest's. Defaults to None: only where the file is small
            (16 MiB), which takes negligible time.

    Attributes:
        path (Path): The folder.
        manifest (dict): The manifest's content.
        dim (int): Length of an embedding.

    Raises:
        FileNotFoundError: No folder, manifest or tensors there.
        ValueError: The cache is damaged or belongs to something else; the
            message names file, field and remedy.
    """

    def __init__(
        self,
        path: Union[str, os.PathLike],
        vocabulary: Optional[HOIVocabulary] = None,
        text_encoder: Optional[str] = None,
        verify: Optional[bool] = None,
    ) -> None:
        self.path = Path(path)
        self.manifest = self._read_manifest()
        self.dim: int = self.manifest['dim']
        self._check_use(vocabulary, text_encoder)
        self._check_tensors(verify)
        self._tensors: Optional[Dict[str, np.ndarray]] = None
        self._key_bytes: Optional[memoryview] = None
        self._few_phrases: Optional[np.ndarray] = None

    def __len__(self) -> int:
        return self.manifest['counts']['images']

    def __contains__(self, key: str) -> bool:
        return self._find(key) is not None

    def __iter__(self) -> Iterator[str]:
        return self.keys()

    def __getstate__(self) -> Dict[str, Any]:
        return dict(
            self.__dict__, _tensors=None, _key_bytes=None, _few_phrases=None
        )

    def keys(self) -> Iterator[str]:
        """Iterate over the keys, sorted by UTF-8 bytes."""
        self._open()
        return (self._key(row).decode() for row in range(len(self)))

    def get(self, key: str) -> Optional[Dict[str, np.ndarray]]:
        """Get an image's embeddings and labels.

        Args:
            key (str): The image's key.

        Returns:
            dict, optional: None where the image is not in the cache, else
            ``caption_embed`` (d,), ``sentence_embeds`` (K, d) and
            ``phrase_embeds`` (M, d) float32, all unit rows (zero where the
            caption is empty); ``verb_labels``, ``obj_labels``,
            ``hoi_labels`` (-1 outside the vocabulary) and ``phrase_ids``
            (M,) int64; ``scores`` (M,) float32. Where the cache has pointed
            pairs also those of the image: ``pointed_labels``, positions in
            the labels, (Q,) int64, ``pointed_human_bboxes`` and
            ``pointed_object_bboxes``, xyxy, (Q, 4) float32. Arrays are
            copies.
        """
        row = self._find(key)
        if row is None:
            return None
        data = self._tensors
        offsets = data['sentence_offsets']
        begin, end = offsets.item(row), offsets.item(row + 1)
        sentence_ids = data['sentence_ids'][begin:end]
        weights = data['sentence_weights'][begin:end]
        offsets = data['interaction_offsets']
        begin, stop = offsets.item(row), offsets.item(row + 1)
        verbs, objects, hois, phrase_ids = data['labels'][begin:stop].T.astype(
            np.int64, 'C'
        )
        caption_id = data['caption_ids'].item(row)
        # In one call, since calls cost most; numbers are not checked, as the
        # file's sha256 is.
        num = len(sentence_ids)
        halves = np.empty((num + (caption_id >= 0), self.dim), np.int16)
        if num:
            data['sentence_embeds'].take(
                sentence_ids, 0, halves[:num], mode='clip'
            )
        if caption_id >= 0:
            halves[-1] = data['caption_embeds'][caption_id]
        embeds = _to_float32(halves)
        sentences = embeds[:num]
        return dict(
            caption_embed=(
                embeds[-1] if caption_id >= 0 else weights @ sentences
            ),
            sentence_embeds=sentences,
            verb_labels=verbs,
            obj_labels=objects,
            hoi_labels=hois,
            phrase_ids=phrase_ids,
            phrase_embeds=self._embed_phrases(phrase_ids),
            scores=data['scores'][begin:stop].copy(),
            **self._pointed(row),
        )

    def empty(self) -> Dict[str, np.ndarray]:
        """Return what :meth:`get` returns without pseudo-labels."""
        none = np.zeros(0, np.int64)
        no_embeds = np.zeros((0, self.dim), np.float32)
        return dict(
            caption_embed=np.zeros(self.dim, np.float32),
            sentence_embeds=no_embeds,
            verb_labels=none,
            obj_labels=none.copy(),
            hoi_labels=none.copy(),
            phrase_ids=none.copy(),
            phrase_embeds=no_embeds.copy(),
            scores=np.zeros(0, np.float32),
            **self._pointed(None),
        )

    @property
    def has_pointed(self) -> bool:
        """bool: Whether the teacher points at pairs."""
        return self.manifest['version'] == POINTED_VERSION

    def _pointed(self, row: Optional[int]) -> Dict[str, np.ndarray]:
        """Get an image's pointed pairs, none without a row."""
        if not self.has_pointed:
            return {}
        self._open()
        data, begin, end = self._tensors, 0, 0
        if row is not None:
            offsets = data['pointed_offsets']
            begin, end = offsets.item(row), offsets.item(row + 1)
        boxes = data['pointed_boxes'][begin:end]
        return dict(
            pointed_labels=data['pointed_labels'][begin:end].astype(np.int64),
            pointed_human_bboxes=boxes[:, :4].copy(),
            pointed_object_bboxes=boxes[:, 4:].copy(),
        )

    def _embed_phrases(self, phrase_ids: np.ndarray) -> np.ndarray:
        """Look up phrase embeddings, (M, d) float32."""
        if self._few_phrases is not None:
            return self._few_phrases[phrase_ids]
        return _to_float32(self._tensors['phrase_embeds'][phrase_ids])

    def _find(self, key: str) -> Optional[int]:
        """Find a key's row in its bucket."""
        self._open()
        wanted = key.encode('utf-8', 'surrogatepass')
        if len(self):
            bucket = key_hash(wanted) % len(self)
            offsets = self._tensors['bucket_offsets']
            begin, end = offsets.item(bucket), offsets.item(bucket + 1)
            for row in self._tensors['bucket_rows'][begin:end].tolist():
                if self._key(row) == wanted:
                    return row
        return None

    def _key(self, row: int) -> bytes:
        # Scalars by item and bytes by slice: a third of indexing's time.
        offsets = self._tensors['key_offsets']
        return bytes(
            self._key_bytes[offsets.item(row) : offsets.item(row + 1)]
        )

    def _fail(
        self, file: str, message: str, kind: type = ValueError
    ) -> NoReturn:
        raise kind(f'teacher cache {self.path / file}: {message}')

    def _read_manifest(self) -> Dict[str, Any]:
        file = self.path / MANIFEST
        if not file.is_file():
            what = 'no manifest' if self.path.is_dir() else 'no such folder'
            self._fail(MANIFEST, f'{what}; {_REBUILD}', FileNotFoundError)
        try:
            manifest = json.loads(file.read_text(encoding='utf-8'))
            found = (manifest['format'], manifest['version'])
        except (ValueError, KeyError, TypeError) as error:
            self._fail(MANIFEST, f'unreadable ({error!r}); {_REBUILD}')
        if found[0] != FORMAT or found[1] not in VERSIONS:
            self._fail(
                MANIFEST,
                f'field "version" is {found[1]!r} of '
                f'{found[0]!r}, this release reads '
                f'{" and ".join(map(str, VERSIONS))} of {FORMAT!r}; '
                f'{_REBUILD}',
            )
        fields = [
            ('text_encoder', str),
            ('dim', int),
            ('vocabulary', dict),
            ('vocabulary.name', str),
            ('vocabulary.hash', str),
            ('counts', dict),
            ('counts.images', int),
            ('counts.interactions', int),
            ('counts.phrases', int),
            ('counts.sentences', int),
            ('counts.captions', int),
            *[('counts.pointed', int)] * (found[1] == POINTED_VERSION),
            ('tensors', dict),
            ('tensors.bytes', int),
            ('tensors.sha256', str),
        ]
        for name, kind in fields:
            value: Any = manifest
            for part in name.split('.'):
                value = value.get(part)
            if not isinstance(value, kind):
                self._fail(
                    MANIFEST,
                    f'field "{name}" must be {kind.__name__}, got '
                    f'{value!r}; {_REBUILD}',
                )
        return manifest

    def _check_use(
        self, vocabulary: Optional[HOIVocabulary], text_encoder: Optional[str]
    ) -> None:
        if vocabulary is not None:
            for name in ('name', 'hash'):
                ours = getattr(vocabulary, name)
                theirs = self.manifest['vocabulary'][name]
                if ours != theirs:
                    self._fail(
                        MANIFEST,
                        f'field "vocabulary.{name}" is '
                        f'"{theirs}", the vocabulary in use has "{ours}"; '
                        f'use the vocabulary that the cache was packed '
                        f'with, or {_REBUILD}',
                    )
        theirs = self.manifest['text_encoder']
        if text_encoder is not None and text_encoder != theirs:
            self._fail(
                MANIFEST,
                f'field "text_encoder" is "{theirs}", the one in '
                f'use is "{text_encoder}"; configure the encoder that the '
                f'cache was packed with, or {_REBUILD}',
            )

    def _check_tensors(self, verify: Optional[bool]) -> None:
        file, expected = self.path / TENSORS, self.manifest['tensors']
        if not file.is_file():
            self._fail(TENSORS, f'no such file; {_REBUILD}', FileNotFoundError)
        size = file.stat().st_size
        if size != expected['bytes']:
            self._fail(
                TENSORS,
                f'has {size} bytes, field "tensors.bytes" of '
                f'{MANIFEST} says {expected["bytes"]}: copied in part or '
                f'from elsewhere; copy both files again, or {_REBUILD}',
            )
        if verify is None:
            verify = size <= _VERIFY_BYTES
        if verify and file_sha256(file) != expected['sha256']:
            self._fail(
                TENSORS,
                f'its sha256 differs from field "tensors.sha256" '
                f'of {MANIFEST}: damaged; copy both files again, or '
                f'{_REBUILD}',
            )

    def _open(self) -> None:
        """Map the tensors and compare their shapes with the manifest."""
        if self._tensors is not None:
            return
        layout = {**LAYOUT, **POINTED} if self.has_pointed else LAYOUT
        with open(self.path / TENSORS, 'rb') as file:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            found, _ = view_tensors(memory)
            tensors = {name: found[name] for name in layout}
            for name, (dtype, _) in layout.items():
                if tensors[name].dtype != DTYPES[dtype]:
                    raise ValueError(
                        f'"{name}" is {tensors[name].dtype} instead of {dtype}'
                    )
        except (ValueError, KeyError, TypeError) as error:
            self._fail(TENSORS, f'unreadable ({error!r}); {_REBUILD}')
        counts = self.manifest['counts']
        lengths = {**counts, 'images + 1': counts['images'] + 1,
                   'dim': self.dim}  # fmt: skip
        for name, (_, shape) in layout.items():
            expected = tuple(
                lengths.get(part, size)
                for part, size in zip(shape, tensors[name].shape)
            )
            if tensors[name].shape != expected:
                self._fail(
                    TENSORS,
                    f'tensor "{name}" is {tensors[name].shape}, '
                    f'{MANIFEST} asks for {expected}; {_REBUILD}',
                )
        for name in ('caption', 'sentence', 'phrase'):
            name = f'{name}_embeds'
            tensors[name] = tensors[name].view(np.int16)
        self._key_bytes = memoryview(tensors['key_bytes'])
        if tensors['phrase_embeds'].size <= _FEW:
            self._few_phrases = _to_float32(tensors['phrase_embeds'])
        self._tensors = tensors


def _to_float32(halves: np.ndarray) -> np.ndarray:
    """Convert finite 16-bit floats, given as int16, to float32.

    Sign, exponent and fraction are moved to their places, and the exponent's
    offset is made up for: exact, and half of astype's time.
    """
    bits = halves.astype(np.int32)
    bits <<= 13
    bits &= _SIGN_AND_VALUE
    floats = bits.view(np.float32)
    floats *= _OFFSET
    return floats
