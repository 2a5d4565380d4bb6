import os
from array import array
from pathlib import Path
from typing import Iterable, Iterator

import numpy as np

from clhoi_mm.utils.tensor_file import DTYPES

_HELD = 1 << 16


class Column:
    """Append-only column of numbers on disk.

    Args:
        path (Path): The file; replaced.
        dtype (str): As safetensors names it.
    """

    def __init__(self, path: Path, dtype: str) -> None:
        self.path = path
        self.dtype = np.dtype(DTYPES[dtype])
        self._held = array(self.dtype.char)
        self._count = 0
        path.write_bytes(b'')

    def __len__(self) -> int:
        return self._count

    def append(self, value: float) -> None:
        """Add a number."""
        self.extend((value,))

    def extend(self, values: Iterable[float]) -> None:
        """Add numbers."""
        before = len(self._held)
        self._held.extend(values)
        self._count += len(self._held) - before
        if len(self._held) >= _HELD:
            self._flush()

    def array(self) -> np.ndarray:
        """Map all numbers from disk, (n,)."""
        self._flush()
        if not self._count:
            return np.zeros(0, self.dtype)
        return np.memmap(self.path, self.dtype, 'r+', shape=(self._count,))

    def allocate(self, count: int) -> np.ndarray:
        """Allocate room for new numbers in place of all.

        The room is taken at once, since writing to mapped memory ends the
        process where the disk is full.

        Args:
            count (int): Number of numbers.

        Returns:
            np.ndarray: (count,), on disk, to be written to.

        Raises:
            OSError: The disk is full.
        """
        self._count = count
        if count:
            with open(self.path, 'r+b') as file:
                os.posix_fallocate(
                    file.fileno(), 0, count * self.dtype.itemsize
                )
        return self.array()

    def chunks(self, size: int = 1 << 20) -> Iterator[np.ndarray]:
        """Yield all numbers in pieces of at most ``size``."""
        array = self.array()
        for start in range(0, len(array), size):
            yield np.array(array[start : start + size])

    def _flush(self) -> None:
        with open(self.path, 'ab') as file:
            file.write(self._held)
        self._held = array(self.dtype.char)
