"""Existing captions in the files of data sets."""

import csv
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Tuple, Union

from clhoi_mm.annotations.text_file import (
    csv_rows,
    decode_text,
    parse_json,
    read_bytes,
    refuse_binary,
)
from clhoi_mm.annotations.values import is_empty
from clhoi_mm.utils.keys import normalize_key
from clhoi_mm.utils.parquet import open_parquet

from ..requests.coco_images import read_image_keys, read_list

_IMAGE = (
    'image',
    'image_id',
    'file_name',
    'filename',
    'file',
    'photo',
    'key',
    'path',
)
_CAPTION = ('caption', 'captions', 'text', 'sentences')
_MODEL = 'model'
_DELIMITERS = ',;\t|'
_EXPECTED = (
    'COCO\'s "images" and "annotations" or a list of records with "image" '
    'and "caption"'
)
# Place of a record, and the record.
_Row = Tuple[str, Any]


@dataclass
class CaptionFile:
    """Captions by image.

    Attributes:
        captions (Dict[str, List[str]]): An image's captions by its key, each
            once, in the file's order.
        by_model (Dict[str, Dict[str, List[str]]]): The same of each model
            that records name; empty where none does.
        has_unnamed (bool): Whether a record with captions names no model.
        rejected (Counter): Skipped records by reason.
        first_rejected (str): One of them, with its place.
    """

    captions: Dict[str, List[str]] = field(default_factory=dict)
    by_model: Dict[str, Dict[str, List[str]]] = field(default_factory=dict)
    has_unnamed: bool = False
    rejected: Counter = field(default_factory=Counter)
    first_rejected: str = ''

    @property
    def notes(self) -> List[str]:
        """List[str]: A sentence about skipped records, or none."""
        count = sum(self.rejected.values())
        if not count:
            return []
        reasons = ', '.join(
            f'{number} {reason}'
            for reason, number in self.rejected.most_common()
        )
        return [
            f'{count} records are no captions and were skipped '
            f'({reasons}), for one {self.first_rejected}'
        ]

    def add(self, where: str, record: Any) -> int:
        """Add a record's captions, or count it as rejected.

        Returns:
            int: Number of its captions.
        """
        try:
            image, captions, model = _read_record(record)
        except ValueError as error:
            self.rejected[str(error)] += 1
            self.first_rejected = self.first_rejected or f'{where}: {error}'
            return 0
        groups = [self.captions]
        self.has_unnamed |= not model
        if model:
            groups.append(self.by_model.setdefault(model, {}))
        for group in groups:
            known = group.setdefault(image, [])
            known += [text for text in captions if text not in known]
        return len(captions)


def read_caption_files(
    files: Union[str, os.PathLike, Sequence[Union[str, os.PathLike]]],
) -> CaptionFile:
    """Read captions.

    Args:
        files (str | PathLike | Sequence[str | PathLike]): One file or
            several, of which an image keeps all captions: COCO's captions
            (.json with "images" and "annotations"), a list of records
            (.json), one a line (.jsonl), a table with a header (.csv, .tsv)
            or .parquet. A record has "image" (or another of "image_id",
            "file_name", "path", ...) and "caption" (or "captions", "text",
            "sentences"): a text or a list of texts, and perhaps "model", its
            author; an image may have many records.

    Returns:
        CaptionFile: Their captions.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: It is Parquet and pyarrow is missing.
        ValueError: A file cannot be read, or no record in it has a caption.
    """
    single = isinstance(files, (str, os.PathLike))
    found = CaptionFile()
    for path in map(Path, [files] if single else files):
        captions, earlier = 0, found.first_rejected
        found.first_rejected = ''
        for where, record in _rows(path):
            captions += found.add(where, record)
        if not captions:
            raise ValueError(
                found.first_rejected or f'{path}: there is no caption in it'
            )
        found.first_rejected = earlier or found.first_rejected
    return found


def _rows(path: Path) -> Iterable[_Row]:
    """Read the records of a file by its suffix."""
    readers = {
        '.json': _json_rows,
        '.jsonl': _line_rows,
        '.csv': _table_rows,
        '.tsv': _table_rows,
        '.parquet': _parquet_rows,
    }
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file of captions')
    if path.suffix.lower() not in readers:
        with open(path, 'rb') as file:
            refuse_binary(file.read(8), path, 'save it as JSONL')
        raise ValueError(
            f'{path}: captions come from a file that ends in '
            f'{", ".join(readers)}'
        )
    return readers[path.suffix.lower()](path)


def _read_record(record: Any) -> Tuple[str, List[str], str]:
    if isinstance(record, ValueError):
        raise record
    if not isinstance(record, dict):
        raise ValueError('no object with "image" and "caption"')
    image = _first(record, _IMAGE)
    if isinstance(image, bool) or not isinstance(image, (str, int)):
        raise ValueError('no field "image" that names an image')
    image = normalize_key(str(image))
    value = _first(record, _CAPTION)
    values = value if isinstance(value, (list, tuple)) else [value]
    texts = [
        text.strip()
        for text in values
        if isinstance(text, str) and not is_empty(text)
    ]
    if not image:
        raise ValueError('no field "image" that names an image')
    if not texts:
        raise ValueError('no field "caption" that holds a text')
    model = str(_first(record, (_MODEL,))).strip()
    for text in (image, model, *texts):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError('a text that is no valid unicode') from None
    return image, texts, model


def _first(record: Dict[str, Any], names: Iterable[str]) -> Any:
    low = {str(name).strip().lower(): x for name, x in record.items()}
    return next((low[name] for name in names if low.get(name) is not None), '')


def _json_rows(path: Path) -> Iterator[_Row]:
    content = parse_json(read_bytes(path), path)
    if isinstance(content, list):
        for number, record in enumerate(content):
            yield f'{path}, record {number}', record
        return
    names = read_image_keys(content, path, _EXPECTED)
    annotations = read_list(content, 'annotations', path, _EXPECTED)
    fields = {name for x in annotations if isinstance(x, dict) for name in x}
    if 'category_id' in fields and 'caption' not in fields:
        raise ValueError(
            f'{path}: its annotations are objects without a field "caption"; '
            f'the captions of COCO are in the files captions_*.json'
        )
    for number, row in enumerate(annotations):
        where = f'{path}, annotation {number}'
        try:
            record = {x: row.get(x) for x in ('caption', _MODEL)}
            yield where, dict(record, image=names[row['image_id']])
        except (AttributeError, KeyError, TypeError):
            yield where, ValueError('no "image_id" that is among its images')


def _line_rows(path: Path) -> Iterator[_Row]:
    with open(path, 'rb') as file:
        refuse_binary(file.read(8), path, 'save it as JSONL')
        file.seek(0)
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            record: Any
            try:
                record = json.loads(line.decode('utf-8-sig'))
            except (ValueError, RecursionError):
                record = ValueError('no JSON')
            yield f'{path}, line {number}', record


def _table_rows(path: Path) -> Iterator[_Row]:
    data = read_bytes(path)
    refuse_binary(data, path, 'save the table as CSV (UTF-8)')
    text = decode_text(data, path).lstrip('\ufeff')
    for delimiter in _DELIMITERS:
        rows = csv_rows(text, delimiter, path)
        _, first_cells = next(rows, (0, []))
        if isinstance(first_cells, csv.Error):
            raise ValueError(f'{path}, line 1: no CSV ({first_cells})')
        header = [cell.strip().lower() for cell in first_cells]
        if set(header) & set(_IMAGE) and set(header) & set(_CAPTION):
            _refuse_repeated(header, path)
            break
    else:
        first = text.splitlines()[0] if text.strip() else ''
        raise ValueError(
            f'{path}: the first line is {first[:100]!r}; name the columns '
            f'"image" and "caption" in it'
        )
    for line, cells in rows:
        where = f'{path}, line {line}'
        if isinstance(cells, csv.Error):
            yield where, ValueError('no CSV')
        elif any(cell.strip() for cell in cells):
            yield where, _row(header, cells)


def _row(header: List[str], cells: List[str]) -> Any:
    if len(cells) > len(header):
        return ValueError(
            'more cells than columns; put a caption that holds the delimiter '
            'into double quotes'
        )
    record: Dict[str, Any] = dict(zip(header, cells))
    for name in _CAPTION:
        if header.count(name) > 1:
            record[name] = [x for n, x in zip(header, cells) if n == name]
    return record


def _refuse_repeated(header: List[str], path: Path) -> None:
    for name in _IMAGE:
        if header.count(name) > 1:
            raise ValueError(
                f'{path}: {header.count(name)} columns are named "{name}"; '
                f'leave one that names the image'
            )


def _parquet_rows(path: Path) -> Iterator[_Row]:
    with open_parquet(path, (*_IMAGE, *_CAPTION), 'JSONL') as file:
        names = [
            name
            for name in file.schema_arrow.names
            if name.strip().lower() in (*_IMAGE, *_CAPTION, _MODEL)
        ]
        number = 0
        for batch in file.iter_batches(1024, columns=names):
            for record in batch.to_pylist():
                yield f'{path}, row {number}', record
                number += 1
