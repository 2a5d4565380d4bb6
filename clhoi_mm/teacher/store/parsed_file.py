"""The parsed layer on disk: JSONL or Parquet."""

import json
import os
from itertools import islice
from pathlib import Path
from typing import Any, Dict, Iterable, List, Union

from clhoi_mm.utils.files import atomic_path

ParsedRow = Dict[str, Any]
_BATCH = 4096


def write_parsed(
    path: Union[str, os.PathLike], rows: Iterable[ParsedRow]
) -> Path:
    """Write parsed rows; the same rows give the same bytes.

    Args:
        path (str | PathLike): Parquet where it ends with .parquet, where
            image ids are strings; JSONL else.
        rows (Iterable[dict]): ``{image_id, interactions: [{verb, object,
            score, in_vocabulary, source}]}``, in the file's order; read one
            after the other.

    Returns:
        Path: The file.

    Raises:
        ImportError: Parquet is asked for and pyarrow is missing.
    """
    path = Path(path)
    if path.suffix == '.parquet':
        _write_parquet(path, iter(rows))
    else:
        with (
            atomic_path(path) as temp,
            open(temp, 'w', encoding='utf-8') as file,
        ):
            for row in rows:
                file.write(json.dumps(row) + '\n')
    return path


def _write_parquet(path: Path, rows: Iterable[ParsedRow]) -> None:
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
            batch: List[ParsedRow] = [
                dict(row, image_id=str(row['image_id']))
                for row in islice(rows, _BATCH)
            ]
            if not batch:
                break
            writer.write_table(pyarrow.Table.from_pylist(batch, schema))
