from collections.abc import Sequence
from typing import Any

import numpy as np


class Dice:
    """Random number generator with a stable stream for each seed.

    Only ``Generator.random`` is used, since numpy may change the streams of
    its other distributions.

    Args:
        words (int): Parts of the seed, e.g. seed, split and image index.
    """

    def __init__(self, *words: int) -> None:
        sequence = np.random.SeedSequence(words)
        self._generator = np.random.Generator(np.random.PCG64(sequence))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Draw a number from [low, high)."""
        return low + (high - low) * float(self._generator.random())

    def around(self, center: float, spread: float) -> float:
        """Draw a number from a triangular distribution around center."""
        a, b = self._generator.random(2)
        return center + spread * float(a + b - 1.0)

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return float(self._generator.random()) < probability

    def integer(self, low: int, high: int) -> int:
        """Draw an integer from [low, high]."""
        return low + int(self._generator.random() * (high - low + 1))

    def pick(
        self, items: Sequence, weights: Sequence[float] | None = None
    ) -> Any:
        """Choose an item, uniformly or by weight."""
        if weights is None:
            return items[int(self._generator.random() * len(items))]
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        at = self._generator.random() * edges[-1]
        index = int(np.searchsorted(edges, at, side='right'))
        return items[min(index, len(items) - 1)]

    def grid(self, *shape: int) -> np.ndarray:
        """Draw an array of numbers from [0, 1)."""
        return self._generator.random(shape)

    def sign(self) -> int:
        """Draw -1 or 1."""
        return 1 if self.chance(0.5) else -1

    def tint(
        self, color: Sequence[int], spread: float = 12.0
    ) -> tuple[int, int, int]:
        """Shift each channel of a color by up to ``spread``."""
        moved = [int(round(self.around(c, spread))) for c in color]
        return tuple(min(255, max(0, c)) for c in moved)
