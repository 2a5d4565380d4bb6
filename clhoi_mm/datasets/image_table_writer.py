"""Writes images' paths and keys in columns."""

import json
from typing import BinaryIO, Dict, List, NamedTuple, Optional

import numpy as np

from clhoi_mm.utils.tensor_file import lay_out

from .image_table import FORMAT, VERSION
from .string_array import StringArray

_HEADER = 4096


class ImageBlock(NamedTuple):
    """Some images.

    Attributes:
        paths (StringArray): Their paths.
        keys (StringArray, optional): Their keys. None where these are the
            paths.
        sizes (np.ndarray, optional): Widths and heights, (N, 2) int32, 0
            where unknown.
    """

    paths: StringArray
    keys: Optional[StringArray] = None
    sizes: Optional[np.ndarray] = None


class ImageTableWriter:
    """Writes a table of images, block by block.

    Texts go to the file at once; of an image 20 to 40 bytes stay in memory
    until the end.

    Args:
        file (BinaryIO): Where to; empty, and able to seek.
        source (str): What the images are read from, for messages.
    """

    def __init__(self, file: BinaryIO, source: str) -> None:
        self._file = file
        self._source = source
        self._columns: Dict[str, List[np.ndarray]] = {}
        self._hashes: List[np.ndarray] = []
        self._size = 0
        self._text = 0
        file.write(bytes(_HEADER))

    def __len__(self) -> int:
        return self._size

    def add(self, block: ImageBlock) -> None:
        """Add images. Either all blocks have keys, or none has; so sizes.

        Args:
            block (ImageBlock): At least one image.
        """
        self._add_rows('path', block.paths)
        if block.keys is not None:
            self._add_rows('key', block.keys)
        if block.sizes is not None:
            self._add('sizes', block.sizes)
        keys = block.paths if block.keys is None else block.keys
        self._hashes.append(keys.hashes())
        self._size += len(keys.starts)

    def finish(self, stamp: dict) -> None:
        """Write what is left.

        Args:
            stamp (dict): State of the source, for :class:`ImageTable`.

        Raises:
            ValueError: Two images have the same key.
        """
        self._refuse_twice()
        # Columns of wide numbers start at a multiple of their width.
        stamp_bytes = json.dumps(stamp).encode()
        stamp_bytes += b' ' * (-(self._text + len(stamp_bytes)) % 8)
        self._file.write(stamp_bytes)
        tensors = dict(
            text=('U8', [self._text]), stamp=('U8', [len(stamp_bytes)])
        )
        for kind, dtype in (('I64', np.int64), ('I32', np.int32)):
            for name, parts in self._columns.items():
                if parts[0].dtype == dtype:
                    tensors[name] = kind, [self._size, *parts[0].shape[1:]]
                    for part in parts:
                        self._file.write(part.data)
        text = json.dumps(
            dict(
                __metadata__=dict(format=FORMAT, version=VERSION),
                **lay_out(tensors),
            )
        ).encode()
        self._file.seek(0)
        self._file.write((_HEADER - 8).to_bytes(8, 'little'))
        self._file.write(text.ljust(_HEADER - 8))

    def _add(self, name: str, values: np.ndarray) -> None:
        self._columns.setdefault(name, []).append(values)

    def _add_rows(self, name: str, rows: StringArray) -> None:
        self._file.write(rows.text.data)
        self._add(f'{name}_starts', rows.starts + self._text)
        self._add(f'{name}_lengths', rows.lengths)
        self._text += len(rows.text)

    def _refuse_twice(self) -> None:
        hashes = np.concatenate(self._hashes)
        self._hashes.clear()
        in_order = np.sort(hashes)
        twice = in_order[1:][in_order[1:] == in_order[:-1]]
        del in_order
        if not len(twice):
            return
        # Equal keys have equal hashes; hardly ever the other way round.
        name = 'key' if 'key_starts' in self._columns else 'path'
        starts, lengths = (
            np.concatenate(self._columns[f'{name}_{part}'])
            for part in ('starts', 'lengths')
        )
        seen: Dict[bytes, int] = {}
        for row in np.flatnonzero(np.isin(hashes, twice)).tolist():
            self._file.seek(_HEADER + starts.item(row))
            key = self._file.read(lengths.item(row))
            if key in seen:
                raise ValueError(
                    f'{self._source}: images {seen[key] + 1} and {row + 1}, '
                    f'field "{name}": {key.decode()!r} occurs twice; list '
                    'each image once, and give images of one path keys of '
                    'their own (a Parquet column "key")'
                )
            seen[key] = row
        self._file.seek(0, 2)
