import struct
import zlib
from heapq import merge
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import numpy as np

from .column import Column

_PARTS = 64
_HELD = 1 << 24
_CHUNK = 1 << 20
_HEAD = struct.Struct('<qI')


class UniqueTexts:
    """Numbering of unique texts by their first occurrence.

    Texts are held on disk, in parts by their hash, so that equal ones share
    a part; one part at a time is in memory.

    Args:
        folder (Path): A folder of its own for the files, which exists.

    Attributes:
        mentions (int): Number of calls of :meth:`add`.
        count (int): Number of texts; set by :meth:`number`.
        ids (np.ndarray): The number of each mention's text, (mentions,)
            int32, from disk; set by :meth:`number`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mentions = 0
        self._parts = [folder / f'part-{i}' for i in range(_PARTS)]
        self._held = [bytearray() for _ in self._parts]
        self._size = 0
        self._first = Column(folder / 'first', 'I64')
        self._ids = Column(folder / 'ids', 'I32')

    def add(self, text: str) -> None:
        """Add the next occurrence of a text."""
        data = text.encode('utf-8', 'surrogatepass')
        part = self._held[zlib.crc32(data) % _PARTS]
        part += _HEAD.pack(self.mentions, len(data)) + data
        self.mentions += 1
        self._size += _HEAD.size + len(data)
        if self._size >= _HELD:
            self._flush()

    def number(self) -> None:
        """Find equal texts, after the last :meth:`add`."""
        self._flush()
        first = self._first.allocate(self.mentions)
        for path in self._parts:
            known: Dict[bytes, int] = {}
            places: List[int] = []
            for place, data in _read(path):
                places.append(place)
                known.setdefault(data, place)
            first[places] = [known[data] for _, data in _read(path)]
        self.ids = self._ids.allocate(self.mentions)
        self.count = 0
        for start in range(0, self.mentions, _CHUNK):
            part = first[start : start + _CHUNK]
            ids = self.ids[start : start + _CHUNK]
            new = part == np.arange(start, start + len(part))
            end = self.count + int(new.sum())
            ids[new] = np.arange(self.count, end)
            # A text's first mention is never behind its others.
            ids[:] = self.ids[part]
            self.count = end

    def __iter__(self) -> Iterator[str]:
        """Yield the texts in the order of their numbers."""
        first = self._first.array()

        def firsts(path: Path) -> Iterator[Tuple[int, bytes]]:
            return (x for x in _read(path) if first[x[0]] == x[0])

        for _, data in merge(*map(firsts, self._parts)):
            yield data.decode('utf-8', 'surrogatepass')

    def _flush(self) -> None:
        for path, held in zip(self._parts, self._held):
            with open(path, 'ab') as file:
                file.write(held)
            held.clear()
        self._size = 0


def _read(path: Path) -> Iterator[Tuple[int, bytes]]:
    with open(path, 'rb') as file:
        while head := file.read(_HEAD.size):
            place, size = _HEAD.unpack(head)
            yield place, file.read(size)
