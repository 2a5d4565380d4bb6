import errno
import hashlib
import os
import sqlite3
import zlib
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Union

import numpy as np
from tqdm import tqdm

from clhoi_mm.utils.files import REMEDY

_TABLE = (
    'CREATE TABLE IF NOT EXISTS texts (id INTEGER PRIMARY KEY, '
    'digest BLOB UNIQUE NOT NULL, embed BLOB NOT NULL, '
    'crc32 INTEGER NOT NULL)'
)
# How long to wait for another run's write.
_WAIT_S = 60.0


class CachedTextEncoder:
    """Text encoder with a persistent cache.

    Embeddings are kept as 16-bit floats, as the training cache keeps them,
    in a file that is named after the encoder's identity. They stay on disk:
    memory does not grow with their number.

    Args:
        encoder (TextEncoder): Embeds what is not known yet.
        folder (str | PathLike): Folder of the embeddings; made if need be.

    Attributes:
        dim (int): Length of an embedding.
        identity (str): The encoder's.
        path (Path): The file, an SQLite data base of texts' digests and
            embeddings.

    Raises:
        ValueError: The file is damaged.
        OSError: The disk is full, or the file cannot be opened or written,
            perhaps as another run uses it; what was embedded before is kept.
    """

    def __init__(self, encoder: Any, folder: Union[str, os.PathLike]) -> None:
        self.encoder = encoder
        self.dim: int = encoder.dim
        self.identity: str = encoder.identity
        name = hashlib.sha256(self.identity.encode()).hexdigest()[:16]
        self.path = Path(folder, f'{name}.sqlite')

    def __len__(self) -> int:
        if not self.path.is_file():
            return 0
        with self._open() as store:
            return store.execute('SELECT COUNT(*) FROM texts').fetchone()[0]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts; only :meth:`add` stores new ones.

        Args:
            texts (Sequence[str]): n texts.

        Returns:
            np.ndarray: (n, d) float32, rows of unit length up to rounding
            to 16 bits.
        """
        known: Dict[str, np.ndarray] = {}
        if self.path.is_file():
            with self._open() as store:
                known = self._look_up(store, texts)
        missing = [x for x in dict.fromkeys(texts) if x not in known]
        if missing:
            known.update(zip(missing, self._embed(missing)))
        rows = np.empty((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts):
            row[:] = known[text]
        return rows

    def add(
        self, texts: Iterable[str], progress: bool = False, chunk: int = 4096
    ) -> int:
        """Embed new texts, and store them on disk.

        Args:
            texts (Iterable[str]): Texts, read one after the other; empty
                ones are skipped.
            progress (bool): Whether to show a bar. Defaults to False.
            chunk (int): Texts between two writes, which is what a killed
                run loses at most. Defaults to 4096.

        Returns:
            int: How many were new.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        filled = (text for text in texts if text.strip())
        new = 0
        with (
            self._open() as store,
            tqdm(desc='embed', unit='text', disable=not progress) as bar,
        ):
            while part := list(islice(filled, chunk)):
                known = self._look_up(store, part)
                missing = [x for x in dict.fromkeys(part) if x not in known]
                rows = [
                    (_digest(text), row.tobytes(), zlib.crc32(row))
                    for text, row in zip(missing, self._embed(missing))
                ]
                before = store.total_changes
                with store:  # a transaction
                    # Another run may have added some meanwhile.
                    store.executemany(
                        'INSERT OR IGNORE INTO texts (digest, embed, crc32) '
                        'VALUES (?, ?, ?)',
                        rows,
                    )
                new += store.total_changes - before
                bar.update(len(part))
                bar.set_postfix(new=new)
        return new

    def _embed(self, texts: List[str]) -> np.ndarray:
        """Embed texts in batches, (n, d) float16."""
        if not texts:
            return np.zeros((0, self.dim), np.float16)
        return np.concatenate(
            [
                self.encoder.encode(texts[start : start + 1024]).astype(
                    np.float16
                )
                for start in range(0, len(texts), 1024)
            ]
        )

    def _look_up(
        self, store: sqlite3.Connection, texts: Iterable[str]
    ) -> Dict[str, np.ndarray]:
        """Look up the embeddings of known texts."""
        known = {}
        for text in texts:
            row = store.execute(
                'SELECT embed, crc32 FROM texts WHERE digest = ?',
                (_digest(text),),
            ).fetchone()
            if row is not None:
                if len(row[0]) != 2 * self.dim or zlib.crc32(row[0]) != row[1]:
                    raise sqlite3.DatabaseError('an embedding has changed')
                known[text] = np.frombuffer(row[0], np.float16)
        return known

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, _WAIT_S)) as store:
                store.execute('PRAGMA page_size = 16384')
                store.execute(_TABLE)
                yield store
        except sqlite3.Error as error:
            # SQLite reports a full disk apart from other errors.
            if 'full' in str(error) or 'I/O' in str(error):
                raise OSError(
                    errno.ENOSPC,
                    f'{self.path}: {error}; what was embedded '
                    f'before is kept: {REMEDY}',
                ) from error
            if 'locked' in str(error) or 'busy' in str(error):
                raise OSError(
                    errno.EBUSY,
                    f'{self.path}: {error}; another run uses '
                    'it; wait for it and run the command again',
                ) from error
            # A table of another make is an operational error as well.
            if isinstance(
                error, sqlite3.OperationalError
            ) and 'no such' not in str(error):
                raise OSError(
                    errno.EACCES,
                    f'{self.path}: {error}; check that the file '
                    'and its folder can be written',
                ) from error
            raise ValueError(
                f'{self.path}: damaged ({error}); delete it, and '
                f'the texts are embedded again'
            ) from error


def _digest(text: str) -> bytes:
    """Hash a text to 128 bits."""
    data = text.encode('utf-8', 'surrogatepass')
    return hashlib.blake2b(data, digest_size=16).digest()
