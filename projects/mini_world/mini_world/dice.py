from collections.abc import Sequence
from typing import Any

import numpy as np


class Dice:
    """A random source whose stream depends on its seed words alone.

    Only ``Generator.random`` is drawn from: numpy may change how its other
    distributions consume the stream, and the world must stay the same.

    Args:
        words (int): Words of the seed, e.g. seed, split and image index.
    """

    def __init__(self, *words: int) -> None:
        sequence = np.random.SeedSequence(words)
        self._generator = np.random.Generator(np.random.PCG64(sequence))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number in [low, high)."""
        return low + (high - low) * float(self._generator.random())

    def around(self, centre: float, spread: float) -> float:
        """A number within ``spread`` of ``centre``, near it more often."""
        a, b = self._generator.random(2)
        return centre + spread * float(a + b - 1.0)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return float(self._generator.random()) < probability

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._generator.random() * (high - low + 1))

    def pick(
        self, items: Sequence, weights: Sequence[float] | None = None
    ) -> Any:
        """One of the items, evenly or by weight."""
        if weights is None:
            return items[int(self._generator.random() * len(items))]
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        at = self._generator.random() * edges[-1]
        index = int(np.searchsorted(edges, at, side='right'))
        return items[min(index, len(items) - 1)]

    def grid(self, *shape: int) -> np.ndarray:
        """An array of numbers in [0, 1)."""
        return self._generator.random(shape)

    def sign(self) -> int:
        """-1 or 1."""
        return 1 if self.chance(0.5) else -1

    def tint(
        self, colour: Sequence[int], spread: float = 12.0
    ) -> tuple[int, int, int]:
        """The colour with each channel moved by up to ``spread``."""
        moved = [int(round(self.around(c, spread))) for c in colour]
        return tuple(min(255, max(0, c)) for c in moved)
