from typing import Protocol, Sequence

import numpy as np


class TextEncoder(Protocol):
    """Protocol of text encoders.

    Attributes:
        dim (int): Length d of an embedding.
        identity (str): All that determines the output, so that caches and
            models of different encoders are distinguished.
    """

    dim: int
    identity: str

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed n texts to (n, d) float32, unit rows."""
