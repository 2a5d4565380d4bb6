import json
import os
from math import prod
from pathlib import Path
from typing import Dict, Tuple

import numpy as np

from .cache_format import DTYPES


class TensorFile:
    """Writes a safetensors file piece by piece.

    Args:
        path (Path): The file; replaced. Its room is taken at once, so that a
            disk that is too small is told before the work begins.
        tensors (Dict[str, tuple]): safetensors dtype and shape of each. They
            stand in the file by falling size of a number, so that all are
            aligned.

    Raises:
        OSError: The disk is full.
    """

    def __init__(self, path: Path,
                 tensors: Dict[str, Tuple[str, Tuple[int, ...]]]) -> None:
        self.path = path
        self._dtypes = {
            name: np.dtype(DTYPES[dtype])
            for name, (dtype, _) in tensors.items()
        }
        self._shapes = {name: shape for name, (_, shape) in tensors.items()}
        header, end = {}, 0
        for name in sorted(
                tensors, key=lambda name: -self._dtypes[name].itemsize):
            dtype, shape = tensors[name]
            begin, end = end, end + prod(shape) * self._dtypes[name].itemsize
            header[name] = dict(
                dtype=dtype, shape=shape, data_offsets=(begin, end))
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
        os.posix_fallocate(self._file.fileno(), 0, start + end)

    def __enter__(self) -> 'TensorFile':
        return self

    def __exit__(self, kind: type, *error: object) -> None:
        self._file.close()
        if kind is None and self._places != self._ends:
            raise ValueError(f'{self.path}: tensors were not written in full')

    def append(self, name: str, rows: np.ndarray) -> None:
        """Write a tensor's next rows.

        Args:
            name (str): The tensor.
            rows (np.ndarray): They get the tensor's dtype.
        """
        data = np.ascontiguousarray(rows, self._dtypes[name])
        if self._places[name] + data.nbytes > self._ends[name]:
            raise ValueError(f'{self.path}: too many rows of "{name}"')
        if data.nbytes:
            self._file.seek(self._places[name])
            self._file.write(data)
            self._places[name] += data.nbytes

    def read(self, name: str) -> np.ndarray:
        """What has been written of a tensor, from disk."""
        self._file.flush()
        shape = self._shapes[name]
        if not prod(shape):
            return np.zeros(shape, self._dtypes[name])
        return np.memmap(self.path, self._dtypes[name], 'r',
                         self._begins[name], shape)
