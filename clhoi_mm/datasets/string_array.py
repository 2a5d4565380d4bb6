"""Variable-length texts in one array of bytes."""

from typing import NamedTuple

import numpy as np

# Block size that keeps an array of as many numbers in the processor's cache.
_AT_ONCE = 1 << 15
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
# Mask of the valid bytes of a word with so many left, little-endian.
_MASKS = np.array([(1 << 8 * left) - 1 for left in range(9)], np.uint64)


class StringArray(NamedTuple):
    """Texts as UTF-8 in one array.

    Attributes:
        text (np.ndarray): (B, ) uint8.
        starts (np.ndarray): Offset of each text, (N, ) int64.
        lengths (np.ndarray): Number of bytes of each text, (N, ) int32.
    """

    text: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, rows: list) -> 'StringArray':
        """Build an array from a list of bytes."""
        lengths = np.fromiter(map(len, rows), np.int32, len(rows))
        return cls(
            np.frombuffer(b''.join(rows), np.uint8),
            lengths.cumsum(dtype=np.int64) - lengths,
            lengths,
        )

    def row(self, index: int) -> bytes:
        """Return one text."""
        start = self.starts.item(index)
        return self.text[start : start + self.lengths.item(index)].tobytes()

    def hashes(self) -> np.ndarray:
        """Hash each text.

        Ten million texts take a few seconds; Python's own hash would need
        one object each.

        Returns:
            np.ndarray: (N, ) uint64.
        """
        hashes = np.empty(len(self.starts), np.uint64)
        for first in range(0, len(hashes), _AT_ONCE):
            rows = slice(first, first + _AT_ONCE)
            hashes[rows] = _hash(
                self.text, self.starts[rows], self.lengths[rows]
            )
        return hashes


def _hash(
    text: np.ndarray, starts: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    begin = int(starts.min())
    end = int((starts + lengths).max())
    text = np.concatenate([text[begin:end], np.zeros(8, np.uint8)])
    # Eight bytes starting at any byte, as one number.
    words = np.ndarray(len(text) - 7, '<u8', text, strides=(1,))
    starts = starts - begin
    hashes = (lengths.astype(np.uint64) + np.uint64(1)) * _MULTIPLIER
    for position in range(0, int(lengths.max(initial=0)), 8):
        left = (lengths - position).clip(0, 8)
        word = words[(starts + position).clip(max=len(words) - 1)]
        word = word & _MASKS[left]
        mixed = (hashes ^ word) * _MULTIPLIER
        mixed ^= mixed >> np.uint64(29)
        hashes = np.where(left > 0, mixed, hashes)
    return hashes
