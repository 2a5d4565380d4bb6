import json
from heapq import merge
from pathlib import Path
from typing import Any, Iterable, Iterator, List, Tuple

_MAX_RUNS = 64


class ExternalSort:
    """External merge sort.

    Items are held in sorted files, which are merged when they are read.
    Strings are ordered by code points, which is the order of their UTF-8
    bytes.

    Args:
        folder (Path): A folder of its own for the files, which exists.
        limit (int): Characters of payload held in memory. Defaults to
            16 Mi.
    """

    def __init__(self, folder: Path, limit: int = 16 << 20) -> None:
        self.folder = folder
        self.limit = limit
        self._held: List[Tuple] = []
        self._size = 0
        self._runs: List[Path] = []
        self._names = 0

    def add(self, *item: Any) -> None:
        """Add an item.

        Args:
            *item: What it is sorted by, numbers and strings that JSON can
                hold, and last a string, the payload.
        """
        self._held.append(item)
        self._size += len(item[-1]) + 64
        if self._size >= self.limit:
            self._held.sort()
            self._write(self._held)
            self._held, self._size = [], 0
            if len(self._runs) == _MAX_RUNS:
                runs, self._runs = self._runs, []
                self._write(merge(*map(_read, runs)))
                for run in runs:
                    run.unlink()

    def __iter__(self) -> Iterator[Tuple]:
        """Yield all items in order, and remove the files."""
        self._held.sort()
        yield from merge(*map(_read, self._runs), self._held)
        for run in self._runs:
            run.unlink()
        self._held, self._runs = [], []

    def _write(self, items: Iterable[Tuple]) -> None:
        path = self.folder / f'run-{self._names}'
        self._names += 1
        with open(path, 'w', encoding='ascii') as file:
            for item in items:
                file.write(json.dumps(item) + '\n')
        self._runs.append(path)


def _read(path: Path) -> Iterator[Tuple]:
    with open(path, encoding='ascii') as file:
        for line in file:
            yield tuple(json.loads(line))
