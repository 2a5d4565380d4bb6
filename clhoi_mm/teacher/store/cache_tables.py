import json
from itertools import islice
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

import numpy as np
from tqdm import tqdm

from clhoi_mm.utils.tensor_file import TensorFile
from clhoi_mm.vocabulary import HOIVocabulary

from ..text_encoders import TextEncoder
from .cache_format import (
    LAYOUT,
    POINTED,
    POINTED_VERSION,
    VERSION,
    key_hash,
)
from .caption_weights import caption_weights, is_sum
from .column import Column
from .interaction_table import InteractionTable
from .pseudo_labels import PseudoLabels
from .unique_texts import UniqueTexts

_CHUNK = 1024
_OFFSETS = (
    'key_offsets',
    'sentence_offsets',
    'interaction_offsets',
    'pointed_offsets',
)
_COLUMNS = (
    *_OFFSETS,
    'key_bytes',
    'caption_ids',
    'labels',
    'scores',
    'pointed_labels',
    'pointed_boxes',
)


class CacheTables:
    """Tensors of the training layer, gathered on disk.

    Args:
        folder (Path): A folder of its own for the files, which exists.
        vocabulary (HOIVocabulary): The vocabulary.
        whole_captions (bool): Whether captions get vectors of their own.

    Attributes:
        counts (Dict[str, int]): Counts for the manifest.
    """

    def __init__(
        self, folder: Path, vocabulary: HOIVocabulary, whole_captions: bool
    ) -> None:
        self.whole_captions = whole_captions
        self.counts: Dict[str, int] = dict(
            images=0,
            interactions=0,
            phrases=0,
            sentences=0,
            captions=0,
            outside_vocabulary=0,
            malformed=0,
        )
        self._columns = {
            name: Column(folder / name, {**LAYOUT, **POINTED}[name][0])
            for name in _COLUMNS
        }
        for name in _OFFSETS:
            self._columns[name].append(0)
        self._hashes = Column(folder / 'hashes', 'U32')
        (folder / 'texts').mkdir()
        self._sentences = UniqueTexts(folder / 'texts')
        self._table = InteractionTable(vocabulary)
        self._captions = open(folder / 'captions', 'w+', encoding='ascii')

    def add(self, row: PseudoLabels) -> None:
        """Add an image, in the order of the keys."""
        columns, counts = self._columns, self.counts
        key = row.key.encode()
        self._hashes.append(key_hash(key))
        columns['key_bytes'].extend(key)
        columns['key_offsets'].append(len(columns['key_bytes']))
        for text in row.sentences:
            self._sentences.add(text)
        columns['sentence_offsets'].append(self._sentences.mentions)
        whole = self.whole_captions or not is_sum(row)
        columns['caption_ids'].append(counts['captions'] if whole else -1)
        if whole or len(row.sentences) > 1:
            self._captions.write(json.dumps(row.caption) + '\n')
        for place, item in enumerate(row.interactions):
            columns['pointed_labels'].extend([place] * len(item.pointed))
            for pair in item.pointed:
                columns['pointed_boxes'].extend(pair)
            labels = self._table.add(item.verb, item.object)
            columns['labels'].extend(labels)
            columns['scores'].append(item.score)
            counts['outside_vocabulary'] += labels[2] < 0
        counts['interactions'] += len(row.interactions)
        columns['interaction_offsets'].append(counts['interactions'])
        columns['pointed_offsets'].append(len(columns['pointed_labels']))
        counts['images'] += 1
        counts['captions'] += whole
        counts['malformed'] += row.malformed

    @property
    def version(self) -> int:
        """int: Version of the layout; see :mod:`cache_format`."""
        pointed = len(self._columns['pointed_labels'])
        return POINTED_VERSION if pointed else VERSION

    def write(
        self, path: Path, encoder: TextEncoder, progress: bool
    ) -> Optional[float]:
        """Embed the texts and write all tensors.

        Args:
            path (Path): The file.
            encoder (TextEncoder): Embeds.
            progress (bool): Whether to show bars.

        Returns:
            float, optional: The mean cosine between the captions that are
            kept as sums of several sentences and those sums; None where
            there are none.

        Raises:
            ValueError: An embedding is not finite.
            OSError: The disk is full.
        """
        counts, phrases = self.counts, self._table.phrases
        self._sentences.number()
        counts.update(phrases=len(phrases), sentences=self._sentences.count)
        layout = LAYOUT
        if self.version == POINTED_VERSION:
            counts.update(pointed=len(self._columns['pointed_labels']))
            layout = {**LAYOUT, **POINTED}
        lengths = {
            **counts, 'images + 1': counts['images'] + 1,
            'dim': encoder.dim,
            'sentence_ids': self._sentences.mentions,
            'key_bytes': len(self._columns['key_bytes'])
        }  # fmt: skip
        shapes = {
            name: (dtype, tuple(lengths.get(part, part) for part in shape))
            for name, (dtype, shape) in layout.items()
        }
        with TensorFile(path, shapes) as file:
            for name, column in self._columns.items():
                for chunk in column.chunks() if name in layout else ():
                    file.append(name, chunk)
            for name, rows in zip(
                ('bucket_offsets', 'bucket_rows'), self._buckets()
            ):
                file.append(name, rows)
            for start in range(0, self._sentences.mentions, 1 << 20):
                file.append(
                    'sentence_ids',
                    self._sentences.ids[start : start + (1 << 20)],
                )
            embed = _Embedder(encoder, progress)
            for name, texts in (
                ('sentence', self._sentences),
                ('phrase', phrases),
            ):
                for rows in embed.chunks(texts, counts[f'{name}s'], name):
                    file.append(f'{name}_embeds', rows)
            return self._write_captions(file, embed)

    def _buckets(self) -> Tuple[np.ndarray, np.ndarray]:
        """Sort rows by bucket, and find the buckets' starts."""
        count = self.counts['images']
        buckets = self._hashes.array() % np.uint32(max(count, 1))
        rows = np.argsort(buckets, kind='stable')
        sizes = np.bincount(buckets, minlength=count)
        return np.concatenate([[0], sizes.cumsum()]), rows

    def _write_captions(
        self, file: TensorFile, embed: '_Embedder'
    ) -> Optional[float]:
        ids = self._columns['caption_ids'].array()
        offsets = self._columns['sentence_offsets'].array()
        sentences = file.read('sentence_embeds')
        total, sums = 0.0, 0
        self._captions.seek(0)
        for start in embed.bar(range(0, len(ids), _CHUNK), 'caption'):
            whole = ids[start : start + _CHUNK] >= 0
            part = np.array(offsets[start : start + len(whole) + 1])
            mentions = self._sentences.ids[part[0] : part[-1]]
            numbers = np.diff(part)
            has_text = whole | (numbers > 1)
            lines = islice(self._captions, int(has_text.sum()))
            captions = np.zeros((len(whole), embed.encoder.dim), np.float16)
            captions[has_text] = embed(list(map(json.loads, lines)))
            file.append('caption_embeds', captions[whole])
            weights = np.ones(len(mentions))
            for number in np.unique(numbers[has_text & ~whole]):
                rows = np.flatnonzero((numbers == number) & ~whole)
                places = (part[rows] - part[0])[:, None] + np.arange(number)
                weights[places], cosines = caption_weights(
                    captions[rows], sentences[mentions[places]]
                )
                total += cosines.sum()
                sums += len(rows)
            file.append('sentence_weights', weights)
        self._captions.close()
        return round(total / sums, 4) if sums else None


class _Embedder:
    """Embedder to 16 bits; empty texts get zero rows."""

    def __init__(self, encoder: TextEncoder, progress: bool) -> None:
        self.encoder = encoder
        self.progress = progress

    def __call__(self, texts: List[str]) -> np.ndarray:
        """Embed texts, (n, dim) float16."""
        rows = np.zeros((len(texts), self.encoder.dim), np.float16)
        filled = [i for i, text in enumerate(texts) if text.strip()]
        if filled:
            rows[filled] = self.encoder.encode([texts[i] for i in filled])
        if not np.isfinite(rows).all():
            raise ValueError(
                f'{self.encoder.identity}: an embedding is not '
                f'finite; use another text encoder'
            )
        return rows

    def chunks(
        self, texts: Iterable[str], count: int, what: str
    ) -> Iterator[np.ndarray]:
        """Embed texts one chunk after the other."""
        texts = iter(texts)
        for _ in self.bar(range(0, count, _CHUNK), what):
            yield self(list(islice(texts, _CHUNK)))

    def bar(self, starts: range, what: str) -> tqdm:
        """Make a progress bar over the chunks."""
        return tqdm(
            starts,
            f'embed {what}s',
            unit=f' x {_CHUNK}',
            disable=not self.progress,
        )
