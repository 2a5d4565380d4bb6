"""Incrementally written, memory-mapped safetensors files."""

import json
import mmap
import os
from math import prod
from pathlib import Path
from typing import Any, Dict, Sequence, Tuple, Union

import numpy as np

DTYPES = dict(
    U8=np.uint8,
    U32=np.uint32,
    I32=np.int32,
    I64=np.int64,
    F16=np.float16,
    F32=np.float32,
)
# safetensors dtype and shape.
Entry = Tuple[str, Sequence[int]]


def lay_out(tensors: Dict[str, Entry]) -> Dict[str, Dict[str, Any]]:
    """Make a safetensors header for consecutive tensors.

    Args:
        tensors (Dict[str, Entry]): dtype and shape of each, in order.

    Returns:
        Dict[str, dict]: Name to dtype, shape and data_offsets.
    """
    header, end = {}, 0
    for name, (dtype, shape) in tensors.items():
        begin, end = end, end + prod(shape) * np.dtype(DTYPES[dtype]).itemsize
        header[name] = dict(
            dtype=dtype, shape=shape, data_offsets=(begin, end)
        )
    return header


def view_tensors(
    content: Union[bytes, mmap.mmap],
) -> Tuple[Dict[str, np.ndarray], Dict[str, str]]:
    """View the tensors of a safetensors file without copies.

    Args:
        content (bytes | mmap): The file's content.

    Returns:
        tuple: Arrays by name, and the file's metadata.

    Raises:
        ValueError, KeyError, TypeError: If it is damaged or of another
            format.
    """
    start = 8 + int.from_bytes(content[:8], 'little')
    header = json.loads(content[8:start])
    metadata = header.pop('__metadata__', {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry['data_offsets']
        dtype = np.dtype(DTYPES[entry['dtype']])
        # frombuffer gives plain arrays, whose slices cost half of memmap's.
        tensors[name] = np.frombuffer(
            content, dtype, (end - begin) // dtype.itemsize, start + begin
        ).reshape(entry['shape'])
    if start + max(e['data_offsets'][1] for e in header.values()) != len(
        content
    ):
        raise ValueError('it is longer or shorter than it says')
    return tensors, metadata


class TensorFile:
    """Incremental writer of a safetensors file.

    Args:
        path (Path): The file; replaced. Its space is reserved at once, so
            that a full disk is reported before the work begins.
        tensors (Dict[str, Entry]): safetensors dtype and shape of each. They
            are stored in descending order of item size, so that all are
            aligned.

    Raises:
        OSError: If the disk is full.
    """

    def __init__(self, path: Path, tensors: Dict[str, Entry]) -> None:
        self.path = path
        self._dtypes = {
            name: np.dtype(DTYPES[dtype])
            for name, (dtype, _) in tensors.items()
        }
        self._shapes = {name: shape for name, (_, shape) in tensors.items()}
        header = lay_out(
            {
                name: tensors[name]
                for name in sorted(
                    tensors, key=lambda name: -self._dtypes[name].itemsize
                )
            }
        )
        text = json.dumps(header, separators=(',', ':')).encode()
        text += b' ' * (-(8 + len(text)) % 64)
        start = 8 + len(text)
        self._begins = {
            name: start + entry['data_offsets'][0]
            for name, entry in header.items()
        }
        self._ends = {
            name: start + entry['data_offsets'][1]
            for name, entry in header.items()
        }
        self._places = dict(self._begins)
        self._file = open(path, 'w+b')
        self._file.write(len(text).to_bytes(8, 'little') + text)
        self._file.flush()
        os.posix_fallocate(self._file.fileno(), 0, max(self._ends.values()))

    def __enter__(self) -> 'TensorFile':
        return self

    def __exit__(self, kind: type, *error: object) -> None:
        self._file.close()
        if kind is None and self._places != self._ends:
            raise ValueError(f'{self.path}: tensors were not written in full')

    def append(self, name: str, rows: np.ndarray) -> None:
        """Append rows to a tensor.

        Args:
            name (str): The tensor.
            rows (np.ndarray): Rows, converted to the tensor's dtype.
        """
        data = np.ascontiguousarray(rows, self._dtypes[name])
        if self._places[name] + data.nbytes > self._ends[name]:
            raise ValueError(f'{self.path}: too many rows of "{name}"')
        if data.nbytes:
            self._file.seek(self._places[name])
            self._file.write(data)
            self._places[name] += data.nbytes

    def read(self, name: str) -> np.ndarray:
        """Read a tensor's rows written so far from disk."""
        self._file.flush()
        shape = self._shapes[name]
        if not prod(shape):
            return np.zeros(shape, self._dtypes[name])
        return np.memmap(
            self.path, self._dtypes[name], 'r', self._begins[name], shape
        )
