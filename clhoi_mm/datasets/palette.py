"""Colors of object classes."""

import colorsys
from typing import List


def make_palette(num_classes: int) -> List[List[int]]:
    """Generate colors that differ from their neighbors.

    Args:
        num_classes (int): Number of classes.

    Returns:
        List[List[int]]: RGB in 0..255, one per class.
    """
    golden = 0.618033988749895
    return [
        [
            round(255 * channel)
            for channel in colorsys.hsv_to_rgb(
                i * golden % 1, (0.9, 0.65)[i % 2], (0.95, 0.75, 0.55)[i % 3]
            )
        ]
        for i in range(num_classes)
    ]
