"""Text and JSON as users have them on disk."""

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
        FileNotFoundError: There is no such file; the message names it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file.')
    return path.read_bytes()


def refuse_binary(data: bytes, name: PathLike, remedy: str) -> None:
    """Refuse a file that begins as files of another kind do.

    Args:
        data (bytes): The file's content, its beginning at least.
        name (str | PathLike): The file, for messages.
        remedy (str): Ends the message.

    Raises:
        InputError: It is a workbook, an archive, Parquet or compressed.
    """
    for mark, what in _BINARY:
        if data.startswith(mark):
            raise InputError(
                f'{name}: {what}, where a text file is expected; {remedy}.'
            )


def decode_text(data: bytes, name: PathLike) -> str:
    """Decode a file that does not say its encoding.

    A byte order mark decides (UTF-8, UTF-16 or UTF-32); without one, zero
    bytes tell UTF-16 and UTF-32; then UTF-8 is tried. What is none of them is
    read as Windows-1252, which the log says.

    Args:
        data (bytes): The file's content.
        name (str | PathLike): The file, for messages.

    Raises:
        InputError: It is no text; the message names the file.
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
        name (str | PathLike): The file, for messages.
        hook (Callable, optional): Called with each object as it is parsed,
            returns what takes its place.

    Raises:
        InputError: It is no JSON; the message names the file.
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
        FileNotFoundError: There is no such file.
        InputError: It is no JSON.
    """
    return parse_json(read_bytes(path), path, hook)


def csv_rows(
    text: str, delimiter: str, name: PathLike, skipped: int = 0
) -> Iterator[Tuple[int, Union[List[str], csv.Error]]]:
    """Read CSV row by row; an open quote swallows no further row.

    Args:
        text (str): The table.
        delimiter (str): What parts the cells.
        name (str | PathLike): The file, for messages.
        skipped (int): Lines of the file before `text`. Defaults to 0.

    Yields:
        tuple[int, list[str] | csv.Error]: The row's first line, counted from
        1, and its cells, or why that line cannot be read.

    Raises:
        InputError: A double quote is not closed; the message names the line.
    """
    # Captions may be longer than its 128 KB.
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    # With its end, each line that leaves a quote open has a break in a cell.
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
