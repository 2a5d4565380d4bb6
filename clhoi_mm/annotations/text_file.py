"""Robust reading of text and JSON files."""

import csv
import io
import json
import logging
import os
from pathlib import Path
from typing import Any, Callable, Iterator, List, Optional, Tuple, Union

from clhoi_mm.utils.errors import InputError

PathLike = Union[str, os.PathLike]
FALLBACK = 'cp1252'
_BINARY = (
    (b'PK\x03\x04', 'an Excel workbook or another archive'),
    (b'\xd0\xcf\x11\xe0', 'an old Excel workbook'),
    (b'PAR1', 'a Parquet file'),
    (b'\x1f\x8b', 'a gzip-compressed file, to be unpacked with gunzip'),
)


def read_bytes(path: PathLike) -> bytes:
    """Read a file.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file.')
    return path.read_bytes()


def refuse_binary(data: bytes, name: PathLike, remedy: str) -> None:
    """Refuse a file with the signature of another format.

    Args:
        data (bytes): Content of the file, or its beginning.
        name (str | PathLike): Name of the file, for error messages.
        remedy (str): End of the message.

    Raises:
        InputError: If it is a workbook, an archive, Parquet or compressed.
    """
    for mark, what in _BINARY:
        if data.startswith(mark):
            raise InputError(
                f'{name}: {what}, where a text file is expected; {remedy}.'
            )


def decode_text(data: bytes, name: PathLike) -> str:
    """Decode a file of unknown encoding.

    A byte order mark determines UTF-8, UTF-16 or UTF-32; without one, UTF-16
    and UTF-32 are recognized by zero bytes; then UTF-8 is tried. Anything else
    is decoded as Windows-1252, with a log message.

    Args:
        data (bytes): The file's content.
        name (str | PathLike): Name of the file, for error messages.

    Raises:
        InputError: If it is not text; the message names the file.
    """
    refuse_binary(data, name, 'save it as text (UTF-8)')
    try:
        # JSON's rule (RFC 4627) holds for any text that begins with ASCII.
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        reason = error
    if b'\0' not in data:
        try:
            text = data.decode(FALLBACK)
        except UnicodeDecodeError:
            pass
        else:
            logging.getLogger('clhoi_mm').warning(
                f'{name}: no UTF-8 ({reason}); read as Windows-1252. If '
                'letters come out wrong, save it as UTF-8.'
            )
            return text
    raise InputError(f'{name}: no text ({reason}); save it as UTF-8.')


def parse_json(
    data: bytes, name: PathLike, hook: Optional[Callable] = None
) -> Any:
    """Parse JSON in any encoding that :func:`decode_text` knows.

    Args:
        data (bytes): A file's content.
        name (str | PathLike): Name of the file, for error messages.
        hook (Callable, optional): Function that replaces each parsed object.

    Raises:
        InputError: If it is not JSON; the message names the file.
    """
    text = decode_text(data, name)
    try:
        return json.loads(text, object_hook=hook)
    except (json.JSONDecodeError, RecursionError) as error:
        remedy = 'the file may be truncated. Fetch or convert it again.'
        if 'Extra data' in str(error):
            remedy = (
                'a value follows the first. If it holds one a line (JSON '
                'Lines), let its name end in .jsonl.'
            )
        raise InputError(
            f'{name}: not valid JSON ({error}); {remedy}'
        ) from error


def read_json(path: PathLike, hook: Optional[Callable] = None) -> Any:
    """Read a JSON file; see :func:`parse_json`.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it is not JSON.
    """
    return parse_json(read_bytes(path), path, hook)


def csv_rows(
    text: str, delimiter: str, name: PathLike, skipped: int = 0
) -> Iterator[Tuple[int, Union[List[str], csv.Error]]]:
    """Iterate over CSV rows.

    An open quote ends at its row.

    Args:
        text (str): The table.
        delimiter (str): Delimiter of the cells.
        name (str | PathLike): Name of the file, for error messages.
        skipped (int): Lines of the file before `text`. Defaults to 0.

    Yields:
        tuple[int, list[str] | csv.Error]: The row's first line, counted from
        1, and its cells, or the error of a line that cannot be parsed.

    Raises:
        InputError: If a double quote is not closed; with the line.
    """
    # Captions may be longer than csv's default limit of 128 KB.
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    # Lines keep their end, so that open quotes show as line breaks in cells.
    lines = io.StringIO(text + '\n', newline='').readlines()
    form = dict(delimiter=delimiter, skipinitialspace=True)
    reader = csv.reader(lines, **form)
    while reader.line_num < len(lines):
        start = reader.line_num
        cells: Union[List[str], csv.Error]
        try:
            cells = next(reader)
            if any('\n' in cell or '\r' in cell for cell in cells):
                list(
                    csv.reader(
                        lines[start : reader.line_num], strict=True, **form
                    )
                )
        except csv.Error as error:
            if reader.line_num == start + 1 < len(lines):
                cells = error
            else:
                raise InputError(
                    f'{name}, line {start + 1 + skipped}: a cell begins with '
                    'a double quote that is not closed; close it, and write '
                    'a double quote inside of a cell twice.'
                ) from error
        yield start + 1 + skipped, cells
