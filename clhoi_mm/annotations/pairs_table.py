"""Reader of tables of annotated pairs in CSV or JSON."""

import csv
import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from .text_file import (
    PathLike,
    csv_rows,
    decode_text,
    parse_json,
    read_bytes,
    refuse_binary,
)
from .values import Id, is_empty, read_id

FIELDS = ('human_ann_id', 'object_ann_id', 'verb')
DELIMITERS = ',;\t|'
_TRUE = ('1', '1.0', 'true', 'yes', 'y', 't', 'x')
_FALSE = ('0', '0.0', 'false', 'no', 'n', 'f')
# Control characters, lone surrogates, line and paragraph separators.
_CONTROL = ('Cc', 'Cs', 'Zl', 'Zp')


@dataclass(frozen=True)
class PairRow:
    """A row of the table.

    Attributes:
        where (str): File and row, for error messages.
        human (int | str): Annotation id of the person.
        obj (int | str, optional): Annotation id of the object; None without
            an object.
        verb (str): The person's action.
        invisible (bool): Whether the interaction is image-level only.
    """

    where: str
    human: Id
    obj: Optional[Id]
    verb: str
    invisible: bool


def read_pairs(path: PathLike) -> List[PairRow]:
    """Read a table of pairs.

    CSV: a header with ``human_ann_id``, ``object_ann_id``, ``verb`` and
    optionally ``invisible``, in any case and order, with comma, semicolon, tab
    or bar as the delimiter. JSON: a list of objects with these fields, one
    object per line, or pandas' columns. Ids may be 6, 6.0 or '6'; an empty
    cell, NaN or null is no object.

    Args:
        path (str | PathLike): The file, in any encoding of
            :func:`decode_text`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a cell is invalid; the message names file, row, column
            and remedy.
    """
    path = Path(path)
    data = read_bytes(path)
    refuse_binary(data, path, 'save the table as CSV (UTF-8)')
    if path.suffix.lower() in ('.json', '.jsonl'):
        records = _json_records(path, data)
    else:
        records = _csv_records(path, decode_text(data, path))
    return [_read_row(where, record) for where, record in records]


def _json_records(
    path: Path, data: bytes
) -> Iterator[Tuple[str, Dict[str, Any]]]:
    rows, at = None, 'record'
    if path.suffix.lower() == '.jsonl':
        at = 'line'
        text = decode_text(data, path)
        rows = [_json_line(path, *item) for item in _lines(text)]
    else:
        content = parse_json(data, path)
        if isinstance(content, list):
            rows = list(enumerate(content))
        elif isinstance(content, dict) and all(
            isinstance(column, (dict, list)) for column in content.values()
        ):
            rows = list(enumerate(_from_columns(content)))
    if rows is None:
        raise ValueError(
            f'{path}: a list of pairs is expected, each an object with '
            f'{", ".join(FIELDS)}.'
        )
    for number, row in rows:
        where = f'{path}, {at} {number}'
        if not isinstance(row, dict):
            raise ValueError(
                f'{where}: {row!r} is no object; a pair has '
                f'{", ".join(FIELDS)}.'
            )
        record = {_column(key): value for key, value in row.items()}
        missing = [name for name in FIELDS if name not in record]
        # Writers omit null fields.
        if set(missing) - {'object_ann_id'}:
            raise ValueError(
                f'{where}: no {", ".join(missing)}; a pair has '
                f'{", ".join(FIELDS)}.'
            )
        yield where, record


def _lines(text: str) -> Iterator[Tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, line


def _json_line(path: Path, number: int, line: str) -> Tuple[int, Any]:
    try:
        return number, json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(
            f'{path}, line {number}: not valid JSON ({error}); write one '
            'object a line.'
        ) from error


def _from_columns(content: dict) -> Iterator[Dict[str, Any]]:
    """Iterate over rows of pandas' JSON by column and index."""
    columns = {
        name: column if isinstance(column, dict) else dict(enumerate(column))
        for name, column in content.items()
    }
    for index in next(iter(columns.values()), {}):
        yield {name: column.get(index) for name, column in columns.items()}


def _csv_records(
    path: Path, text: str
) -> Iterator[Tuple[str, Dict[str, Any]]]:
    # Excel's declaration of the delimiter, in a line of its own.
    hint, _, rest = text.partition('\n')
    skipped = 0
    if hint.strip().strip('"').lower().startswith('sep='):
        text, skipped = rest, 1
    rows: Iterator[Tuple[int, Any]] = iter(())
    header: List[str] = []
    for delimiter in DELIMITERS:
        rows = _filled(path, csv_rows(text, delimiter, path, skipped))
        _, names = next(rows, (0, []))
        header = [_column(name) for name in names]
        if set(FIELDS) <= set(header):
            break
    else:
        first = text.splitlines()[0] if text.strip() else ''
        raise ValueError(
            f'{path}: no column {", ".join(FIELDS)} in the header, which is '
            f'{first[:100]!r}; name the columns in the first line, parted by '
            'comma, semicolon or tab.'
        )
    for line, cells in rows:
        where = f'{path}, line {line}'
        if any(cell.strip() for cell in cells[len(header) :]):
            raise ValueError(
                f'{where}: {len(cells)} cells, but the header has '
                f'{len(header)} columns; put a cell that holds the delimiter '
                'into double quotes.'
            )
        yield where, dict(zip(header, cells))


def _filled(
    path: Path, rows: Iterator[Tuple[int, Any]]
) -> Iterator[Tuple[int, List[str]]]:
    """Iterate over rows with a non-empty cell."""
    for line, cells in rows:
        if isinstance(cells, csv.Error):
            raise ValueError(
                f'{path}, line {line}: not valid CSV ({cells}); save the '
                'table as CSV (UTF-8) again.'
            )
        if any(cell.strip() for cell in cells):
            yield line, cells


def _column(name: Any) -> str:
    return '_'.join(str(name).strip().lower().replace('-', ' ').split())


def _read_row(where: str, record: Dict[str, Any]) -> PairRow:
    human, obj, verb = (record.get(name) for name in FIELDS)
    for name in FIELDS:
        _refuse_control(where, name, record.get(name))
    human_id, object_id = read_id(human), read_id(obj)
    if human_id is None:
        _refuse(where, 'human_ann_id', human, "give the person's id")
    if object_id is None and not is_empty(obj):
        _refuse(
            where, 'object_ann_id', obj, 'leave it empty without an object'
        )
    if is_empty(verb) or not isinstance(verb, str):
        _refuse(where, 'verb', verb, 'write what the person does', 'verb')
    flag = record.get('invisible')
    flag = '' if is_empty(flag) else str(flag).strip().lower()
    if flag and flag not in _TRUE + _FALSE:
        _refuse(where, 'invisible', flag, 'write 0 or 1', 'flag')
    return PairRow(where, human_id, object_id, verb.strip(), flag in _TRUE)


def _refuse_control(where: str, column: str, value: Any) -> None:
    """Refuse a cell with a control character."""
    if isinstance(value, str) and any(
        unicodedata.category(char) in _CONTROL for char in value.strip()
    ):
        raise ValueError(
            f'{where}, column {column!r}: {value[:40]!r} holds a line break '
            'or another control character; write it in one line, and close '
            'each double quote.'
        )


def _refuse(
    where: str,
    column: str,
    value: Any,
    remedy: str,
    what: str = 'annotation id',
) -> None:
    raise ValueError(
        f'{where}, column {column!r}: {value!r} is no {what}; {remedy}.'
    )
