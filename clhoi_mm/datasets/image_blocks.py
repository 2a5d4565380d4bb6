"""Block-wise reading of image lists, without an object per image."""

import codecs
import os
from typing import TYPE_CHECKING, Iterator, List, Optional, Tuple

import numpy as np

from clhoi_mm.utils.image_folder import walk_images
from clhoi_mm.utils.keys import normalize_key
from clhoi_mm.utils.parquet import open_parquet

from .image_table_writer import ImageBlock
from .string_array import StringArray

if TYPE_CHECKING:
    import pyarrow

_BLOCK_BYTES = 32 << 20
_BLOCK_ROWS = 1 << 17
_SPACE = 32
_COLUMNS = ('path', 'file_name', 'key', 'width', 'height')


def read_list(path: str) -> Iterator[ImageBlock]:
    """Read a text file with one image path per line.

    Args:
        path (str): The file, UTF-8, with a byte order mark or without.

    Yields:
        ImageBlock: Paths without surrounding whitespace.

    Raises:
        ValueError: If a line is not UTF-8.
    """
    lines = 0
    with open(path, 'rb') as file:
        rest = file.read(len(codecs.BOM_UTF8)).removeprefix(codecs.BOM_UTF8)
        while True:
            text = file.read(_BLOCK_BYTES)
            block, rest = rest + text, b''
            if text:
                end = block.rfind(b'\n') + 1
                block, rest = block[:end], block[end:]
            rows = _lines(block, path, lines)
            if len(rows.starts):
                yield ImageBlock(rows)
            if not text:
                return
            lines += block.count(b'\n')


def _must_spell(text: bytes) -> bool:
    """Test whether a key may need normalization."""
    return any(part in text for part in (b'\\', b'./', b' '))


def _lines(block: bytes, path: str, lines_before: int) -> StringArray:
    """Split a block into its non-empty lines."""
    text = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(text == ord('\n'))
    must_spell = not block.isascii() or _must_spell(block)
    if must_spell or np.count_nonzero(text <= _SPACE) > len(ends):
        try:
            lines = block.decode().replace('\r', '\n').split('\n')
        except UnicodeDecodeError as error:
            line = lines_before + block[: error.start].count(b'\n') + 1
            raise ValueError(
                f'{path}, line {line}: no UTF-8 ({error.reason}); write the '
                'list in UTF-8, and rename files whose names are not'
            ) from (error)
        lines = map(normalize_key, lines)
        return StringArray.of([line.encode() for line in lines if line])
    if block and not block.endswith(b'\n'):
        ends = np.append(ends, len(block))
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
    lengths = (ends - starts[: len(ends)]).astype(np.int32)
    filled = lengths > 0
    return StringArray(text, starts[: len(ends)][filled], lengths[filled])


def read_folder(
    path: str, root: Optional[str], changed: List[Tuple[str, int]]
) -> Iterator[ImageBlock]:
    """List the images of a folder and its subfolders.

    Args:
        path (str): The folder.
        root (str, optional): Folder that paths are relative to; see
            :func:`~clhoi_mm.utils.image_folder.walk_images`.
        changed (List[Tuple[str, int]]): Output list of folders and their
            modification times.

    Yields:
        ImageBlock: Paths.

    Raises:
        ValueError: If a name is not valid Unicode.
    """
    rows: List[bytes] = []
    for folder in walk_images(path, root):
        changed.append((folder.path, folder.changed))
        for name in folder.names:
            try:
                rows.append((folder.prefix + name).encode())
            except UnicodeEncodeError as error:
                raise ValueError(
                    f'{os.path.join(folder.path, name)!r}: the name is no '
                    'valid unicode; rename the file'
                ) from error
            if len(rows) == _BLOCK_ROWS:
                yield ImageBlock(StringArray.of(rows))
                rows = []
    if rows:
        yield ImageBlock(StringArray.of(rows))


def read_parquet(path: str) -> Iterator[ImageBlock]:
    """Read the images of a Parquet file.

    Columns are ``path`` (or ``file_name``), optionally ``key``, and optionally
    ``width`` and ``height`` in pixels (null where unknown).

    Args:
        path (str): The file.

    Yields:
        ImageBlock: Paths, keys and sizes.

    Raises:
        ImportError: If pyarrow is not installed.
        ValueError: If the file is damaged, lacks a column or has one of
            another type, or a path or a key is null or empty.
    """
    with open_parquet(path, _COLUMNS, 'a .txt list') as file:
        names = _columns(path, file.schema_arrow)
        num_rows = 0
        for batch in file.iter_batches(
            _BLOCK_ROWS, columns=names, use_threads=False
        ):
            if batch.num_rows:
                yield _block(
                    path,
                    {name: batch.column(name) for name in names},
                    num_rows,
                )
            num_rows += batch.num_rows


def _columns(path: str, schema: 'pyarrow.Schema') -> List[str]:
    """List the columns to read and check their types."""
    from pyarrow import types

    first = 'path' if 'path' in schema.names else 'file_name'
    if first not in schema.names:
        raise ValueError(
            f'{path}: field "path": there is no such column, nor '
            f'"file_name", but {", ".join(schema.names) or "none"}; name the '
            'column with the paths "path"'
        )
    sizes = [name for name in ('width', 'height') if name in schema.names]
    if len(sizes) == 1:
        raise ValueError(
            f'{path}: field "{sizes[0]}": there are "width" and '
            '"height", or neither; add the other column'
        )
    texts = [first] + (['key'] if 'key' in schema.names else [])
    for name in texts + sizes:
        kind = schema.field(name).type
        if name in sizes:
            is_valid = types.is_integer(kind)
        else:
            value = kind.value_type if types.is_dictionary(kind) else kind
            is_valid = types.is_string(value) or types.is_large_string(value)
        if not is_valid:
            raise ValueError(
                f'{path}: field "{name}": the column has type {kind}; write '
                f'{"whole numbers" if name in sizes else "text"}'
            )
    return texts + sizes


def _block(path: str, columns: dict, first_row: int) -> ImageBlock:
    import pyarrow

    rows, sizes = [], None
    for name, column in columns.items():
        if name in ('width', 'height'):
            continue
        column = column.cast(pyarrow.large_string())
        _, offsets, text = column.buffers()
        offsets = np.frombuffer(offsets, np.int64)
        offsets = offsets[column.offset :][: len(column) + 1]
        text = b'' if text is None else text
        text = np.frombuffer(text, np.uint8)[offsets[0] : offsets[-1]]
        lengths = np.diff(offsets).astype(np.int32)
        empty = np.flatnonzero((lengths == 0) | np.asarray(column.is_null()))
        if len(empty):
            raise ValueError(
                f'{path}: row {first_row + empty[0] + 1}, field "{name}": '
                'null or empty; leave the row out, or fill it'
            )
        if _must_spell(bytes(text)):
            names = map(normalize_key, column.to_pylist())
            rows.append(StringArray.of([x.encode() for x in names]))
        else:
            rows.append(StringArray(text, offsets[:-1] - offsets[0], lengths))
    if 'width' in columns:
        sizes = np.stack(
            [
                columns[name]
                .fill_null(0)
                .cast(pyarrow.int32())
                .to_numpy(False)
                for name in ('width', 'height')
            ],
            1,
        )
        wrong = np.flatnonzero((sizes < 0).any(1))
        if len(wrong):
            raise ValueError(
                f'{path}: row {first_row + wrong[0] + 1}, fields "width" and '
                f'"height": {sizes[wrong[0]].tolist()}; write pixels, or '
                'null where they are unknown'
            )
    return ImageBlock(rows[0], rows[1] if len(rows) > 1 else None, sizes)
