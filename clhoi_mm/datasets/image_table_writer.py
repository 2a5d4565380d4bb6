"""Writer of columns of image paths and keys."""

import json
from typing import BinaryIO, Dict, List, NamedTuple, Optional

import numpy as np

from clhoi_mm.utils.tensor_file import lay_out

from .image_table import FORMAT, VERSION
from .string_array import StringArray

_HEADER = 4096


class ImageBlock(NamedTuple):
    """Block of images.

    Attributes:
        paths (StringArray): Image paths.
        keys (StringArray, optional): Image keys. Defaults to None: the
            paths.
        sizes (np.ndarray, optional): Widths and heights, (N, 2) int32, 0
            where unknown.
    """

    paths: StringArray
    keys: Optional[StringArray] = None
    sizes: Optional[np.ndarray] = None


class ImageTableWriter:
    """Writes a table of images, block by block.

    Texts are written at once; 20 to 40 bytes per image stay in memory until
    the end.

    Args:
        file (BinaryIO): Empty, seekable output file.
        source (str): Source of the images, for error messages.
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
        """Add images.

        All blocks have keys or none, and all have sizes or none.

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
        """Write the remaining columns.

        Args:
            stamp (dict): State of the source, see :class:`ImageTable`.

        Raises:
            ValueError: If two images have the same key.
        """
        self._refuse_twice()
        # Columns of wide numbers are aligned to their width.
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
        # Equal keys have equal hashes; collisions are rare.
        name = 'key' if 'key_starts' in self._columns else 'path'
        starts, lengths = (
            np.concatenate(self._columns[f'{name}_{part}'])
            for part in ('starts', 'lengths')
        )
        row_by_key: Dict[bytes, int] = {}
        for row in np.flatnonzero(np.isin(hashes, twice)).tolist():
            self._file.seek(_HEADER + starts.item(row))
            key = self._file.read(lengths.item(row))
            if key in row_by_key:
                raise ValueError(
                    f'{self._source}: images {row_by_key[key] + 1} and '
                    f'{row + 1}, field "{name}": {key.decode()!r} occurs '
                    'twice; list each image once, and give images of the '
                    'same path different keys (a Parquet column "key")'
                )
            row_by_key[key] = row
        self._file.seek(0, 2)
