import hashlib
import json
import os
from itertools import accumulate
from pathlib import Path
from typing import Any, Dict, Iterable, List, Sequence, Union

import numpy as np
from tqdm import tqdm

from ..files import atomic_path


class CachedTextEncoder:
    """A text encoder that embeds no text twice, also not in another run.

    Embeddings are kept as 16-bit floats, as the training cache keeps them,
    in a file that is named after the encoder's identity.

    Args:
        encoder (TextEncoder): Embeds what is not known yet.
        folder (str | PathLike): Where the embeddings are; made if need be.

    Attributes:
        dim (int): Length of an embedding.
        identity (str): The encoder's.
        path (Path): The file.
    """

    def __init__(self, encoder: Any, folder: Union[str, os.PathLike]) -> None:
        self.encoder = encoder
        self.dim: int = encoder.dim
        self.identity: str = encoder.identity
        name = hashlib.sha256(self.identity.encode()).hexdigest()[:16]
        self.path = Path(folder, f'{name}.safetensors')
        self._rows: Dict[str, np.ndarray] = {}
        if self.path.is_file():
            self._load()

    def __len__(self) -> int:
        return len(self._rows)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts.

        Args:
            texts (Sequence[str]): n texts.

        Returns:
            np.ndarray: (n, d) float32, rows of unit length up to rounding
            to 16 bits.
        """
        missing = self._missing(texts)
        if missing:
            embeds = self.encoder.encode(missing).astype(np.float16)
            self._rows.update(zip(missing, embeds))
        rows = np.empty((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts):
            row[:] = self._rows[text]
        return rows

    def add(self,
            texts: Iterable[str],
            progress: bool = False,
            chunk: int = 16384) -> int:
        """Embed what is not known yet, and keep it on disk.

        Args:
            texts (Iterable[str]): Texts; empty ones are passed over.
            progress (bool): Whether to show a bar. Defaults to False.
            chunk (int): Texts between two writes, which is what a killed
                run loses at most. Defaults to 16384.

        Returns:
            int: How many were new.
        """
        missing = self._missing(text for text in texts if text.strip())
        with tqdm(
                total=len(missing), desc='embed', unit='text',
                disable=not progress) as bar:
            for start in range(0, len(missing), chunk):
                part = missing[start:start + chunk]
                for begin in range(0, len(part), 1024):
                    self.encode(part[begin:begin + 1024])
                    bar.update(len(part[begin:begin + 1024]))
                self._save()
        return len(missing)

    def _missing(self, texts: Iterable[str]) -> List[str]:
        return [x for x in dict.fromkeys(texts) if x not in self._rows]

    def _save(self) -> None:
        from safetensors.numpy import save_file
        texts = sorted(self._rows)
        parts = [text.encode('utf-8', 'surrogatepass') for text in texts]
        tensors = dict(
            embeds=np.stack([self._rows[text] for text in texts]),
            text_bytes=np.frombuffer(b''.join(parts), np.uint8),
            text_offsets=np.array([0, *accumulate(map(len, parts))], np.int64))
        with atomic_path(self.path) as temp:
            save_file(tensors, temp, dict(identity=json.dumps(self.identity)))

    def _load(self) -> None:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
        try:
            tensors = load_file(self.path)
            data = tensors['text_bytes'].tobytes()
            ends = tensors['text_offsets'].tolist()
            texts = [
                data[start:end].decode('utf-8', 'surrogatepass')
                for start, end in zip(ends, ends[1:])
            ]
            embeds = tensors['embeds']
            if embeds.shape != (len(texts), self.dim):
                raise ValueError(f'embeddings of shape {embeds.shape}')
        except (SafetensorError, KeyError, ValueError, OSError) as error:
            raise ValueError(f'{self.path}: damaged ({error}); delete it, '
                             f'and the texts are embedded anew') from error
        self._rows = dict(zip(texts, embeds))
