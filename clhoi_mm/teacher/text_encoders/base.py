from typing import Protocol, Sequence

import numpy as np


class TextEncoder(Protocol):
    """What every text encoder has; any class with these will do.

    Attributes:
        dim (int): Length d of an embedding.
        identity (str): All that determines the output, so that caches and
            models made with different encoders are told apart.
    """

    dim: int
    identity: str

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed n texts of any length as (n, d) float32, unit rows."""
