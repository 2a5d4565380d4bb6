"""Batch-wise reading of Parquet files."""

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Collection, Iterator, Union

from .errors import InputError

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile


@contextmanager
def open_parquet(
    path: Union[str, os.PathLike],
    names: Collection[str],
    instead: str,
) -> Iterator['ParquetFile']:
    """Open a Parquet file for reading it batch by batch.

    Args:
        path (str | PathLike): The file.
        names (Collection[str]): Columns that may be read.
        instead (str): Alternative format without pyarrow, for messages.

    Yields:
        ParquetFile: The memory-mapped file.

    Raises:
        ImportError: If pyarrow is not installed.
        InputError: If the file is damaged, or has such a column repeatedly.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise ImportError(
            f'{path}: reading Parquet needs pyarrow; install it with pip '
            f"install 'clhoi_mm[teacher]', or save the file as {instead}"
        ) from error
    try:
        # Without buffering or threads only one block is in memory.
        file = parquet.ParquetFile(path, memory_map=True, pre_buffer=False)
        columns = [name.strip().lower() for name in file.schema_arrow.names]
        for name in names:
            if columns.count(name) > 1:
                raise InputError(
                    f'{path}: {columns.count(name)} columns are named '
                    f'"{name}"; leave one of them, or rename the others'
                )
        yield file
    except FileNotFoundError:
        raise
    except (ArrowException, OSError) as error:
        raise InputError(
            f'{path}: no readable Parquet file ({error}); write it again'
        ) from error
