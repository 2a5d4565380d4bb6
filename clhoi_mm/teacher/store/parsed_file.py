"""Files of parsed interactions: JSONL or Parquet.

A row is ``{image_id, interactions: [{verb, object, score, in_vocabulary,
source, pointed}]}``; files of earlier releases have no ``pointed``.
"""

import json
import os
from itertools import islice
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Tuple, Union

from clhoi_mm.utils.files import atomic_path
from clhoi_mm.utils.parquet import open_parquet

from ..interaction import Interaction

PARSED = 'parsed.parquet'
# Image id and interactions.
ParsedImage = Tuple[Union[str, int], List[Interaction]]
PARSE_AGAIN = 'run the stage parse again, which makes it from the raw answers'
_NAMES = ['image_id', 'interactions']
_BATCH = 4096


def write_parsed(
    path: Union[str, os.PathLike], images: Iterable[ParsedImage]
) -> Path:
    """Write interactions; the same ones give the same bytes.

    Args:
        path (str | PathLike): Parquet where it ends with .parquet, where
            image ids are strings; JSONL else.
        images (Iterable[Tuple[str | int, List[Interaction]]]): Image ids and
            interactions, in the file's order; read one after the other.

    Returns:
        Path: The file.

    Raises:
        ImportError: ``path`` is Parquet and pyarrow is missing.
    """
    path = Path(path)
    rows = (
        dict(image_id=image_id, interactions=[x.to_dict() for x in found])
        for image_id, found in images
    )
    if path.suffix == '.parquet':
        _write_parquet(path, rows)
    else:
        with (
            atomic_path(path) as temp,
            open(temp, 'w', encoding='utf-8') as file,
        ):
            for row in rows:
                file.write(json.dumps(row) + '\n')
    return path


def _write_parquet(path: Path, rows: Iterable[Dict[str, Any]]) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(
            f'{path}: writing Parquet needs pyarrow; install it with pip '
            f"install 'clhoi_mm[teacher]', or write .jsonl"
        ) from error
    schema = pyarrow.schema(
        [
            ('image_id', pyarrow.string()),
            (
                'interactions',
                pyarrow.list_(
                    pyarrow.struct(
                        [
                            ('verb', pyarrow.string()),
                            ('object', pyarrow.string()),
                            ('score', pyarrow.float64()),
                            ('in_vocabulary', pyarrow.bool_()),
                            ('source', pyarrow.string()),
                            (
                                'pointed',
                                pyarrow.list_(
                                    pyarrow.list_(pyarrow.float64())
                                ),
                            ),
                        ]
                    )
                ),
            ),
        ]
    )
    with (
        atomic_path(path) as temp,
        parquet.ParquetWriter(temp, schema, compression='zstd') as writer,
    ):
        while True:
            batch = [
                dict(row, image_id=str(row['image_id']))
                for row in islice(rows, _BATCH)
            ]
            if not batch:
                break
            writer.write_table(pyarrow.Table.from_pylist(batch, schema))


def read_parsed(
    path: Union[str, os.PathLike],
) -> Iterator[Tuple[str, List[Interaction]]]:
    """Read interactions, image by image in the file's order.

    Args:
        path (str | PathLike): A .jsonl or .parquet file.

    Yields:
        Tuple[str, List[Interaction]]: Image id and interactions.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: pyarrow, which reads Parquet, is not installed.
        ValueError: The file is damaged; the message names it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'{path}: no parsed answers; run the stage parse first'
        )
    is_parquet = path.suffix == '.parquet'
    for row in _read_parquet(path) if is_parquet else read_lines(path, _NAMES):
        try:
            found = [_read_interaction(x) for x in row['interactions']]
        except (KeyError, TypeError) as error:
            raise ValueError(
                f'{path}, image "{row["image_id"]}": damaged ({error!r}); '
                f'{PARSE_AGAIN}'
            ) from error
        yield str(row['image_id']), found


def _read_interaction(row: Dict[str, Any]) -> Interaction:
    return Interaction(
        row['verb'],
        row['object'],
        row['score'],
        row['in_vocabulary'],
        source=row['source'],
        pointed=tuple(map(tuple, row.get('pointed') or ())),
    )


def _read_parquet(path: Path) -> Iterator[Dict[str, Any]]:
    try:
        with open_parquet(path, _NAMES, '.jsonl, by parsing again') as file:
            for batch in file.iter_batches(1024):
                yield from batch.select(_NAMES).to_pylist()
    except (KeyError, ValueError) as error:
        raise ValueError(
            f'{path}: damaged ({error}); {PARSE_AGAIN}'
        ) from error


def read_lines(path: Path, fields: Sequence[str]) -> Iterator[Dict[str, Any]]:
    """Read the records of a stage's JSONL file.

    Args:
        path (Path): The file.
        fields (Sequence[str]): Fields that every record has.

    Yields:
        dict: A record.

    Raises:
        ValueError: A line is damaged; the message names it.
    """
    with open(path, 'rb') as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                for name in fields:
                    row[name]
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f'{path}, line {number}: damaged ({error!r}); '
                    f'{PARSE_AGAIN}'
                ) from error
            yield row
