"""Conventions by which models write boxes."""

import re
from dataclasses import dataclass
from typing import Dict, Optional, Sequence, Tuple

import numpy as np


@dataclass(frozen=True)
class BoxConvention:
    """Units and order of the four numbers of a box.

    Attributes:
        extent (int, optional): Number at the right and lower edge of the
            image; None for pixels of the image as it was sent.
        y_first (bool): Whether the order is y1, x1, y2, x2.
    """

    extent: Optional[int]
    y_first: bool = False

    def decode(
        self,
        numbers: Sequence[float],
        size: Tuple[int, int],
        sent_size: Tuple[int, int],
    ) -> np.ndarray:
        """Convert a model's numbers to pixels.

        Args:
            numbers (Sequence[float]): Four numbers.
            size (Tuple[int, int]): Width and height of the image.
            sent_size (Tuple[int, int]): Those of the image as it was sent.

        Returns:
            np.ndarray: Box, xyxy in pixels of the image, (4,).
        """
        box = np.asarray(numbers, np.float64)
        if self.y_first:
            box = box[[1, 0, 3, 2]]
        whole = (self.extent,) * 2 if self.extent else sent_size
        return box * np.tile(np.divide(size, whole), 2)

    def encode(
        self,
        box: Sequence[float],
        size: Tuple[int, int],
        sent_size: Tuple[int, int],
    ) -> np.ndarray:
        """Convert a box to a model's numbers; see :meth:`decode`."""
        whole = (self.extent,) * 2 if self.extent else sent_size
        numbers = np.asarray(box, np.float64) * np.tile(
            np.divide(whole, size), 2
        )
        return numbers[[1, 0, 3, 2]] if self.y_first else numbers


CONVENTIONS: Dict[str, BoxConvention] = {
    f'{name}{"-yx" if y_first else ""}': BoxConvention(extent, y_first)
    for y_first in (False, True)
    for name, extent in (
        ('pixels', None),
        ('normalized-1000', 1000),
        ('normalized-1', 1),
    )
}
_BY_MODEL = (
    (r'qwen.?2[._-]?5.?vl', 'pixels'),
    (r'qwen.?(2|3)[._-]?vl|internvl', 'normalized-1000'),
    (r'gemini', 'normalized-1000-yx'),
)


def convention_of(model: str) -> Optional[str]:
    """Look up a model's convention by its name; None where unknown."""
    for pattern, convention in _BY_MODEL:
        if re.search(pattern, model, re.IGNORECASE):
            return convention
    return None
