"""What the teacher says of an image, below it."""

from typing import List, Optional, Sequence, Tuple

import numpy as np

from .figure import compose_figure
from .panel import Panel
from .scene import Scene

# Longer sides of pictures, in pixels.
SIDES = (720, 1600)


def teacher_notes(
    caption: Optional[str], said: Optional[Sequence[str]]
) -> List[str]:
    """A paragraph for the caption and one for the interactions.

    Args:
        caption (str, optional): None or empty for none.
        said (Sequence[str], optional): Interactions in words; None where the
            image was not asked about.

    Returns:
        List[str]: The paragraphs.
    """
    notes = [f'Caption: {caption}'] if caption else []
    if said is None:
        return notes + ['Teacher: no words for this image']
    return notes + [f'Teacher: {", ".join(said) or "no interactions"}']


def draw_pseudo_labels(
    image: np.ndarray,
    caption: Optional[str],
    interactions: Optional[Sequence[Tuple[str, float]]],
    sides: Tuple[int, int] = SIDES,
) -> np.ndarray:
    """Draws an image with the teacher's words below it.

    Args:
        image (np.ndarray): RGB, (H, W, 3) uint8.
        caption (str, optional): The caption.
        interactions (Sequence[Tuple[str, float]], optional): Names and
            scores; None where the image was not asked about.
        sides (Tuple[int, int]): The longer side is scaled up to the first
            and down to the second where needed. Defaults to (720, 1600).

    Returns:
        np.ndarray: RGB, (H, W, 3) uint8.
    """
    said = interactions and [
        f'{name} {100 * score:.0f}' for name, score in interactions
    ]
    panel = Panel(image, sides).draw(Scene.empty(), [])
    return compose_figure([panel], [''], teacher_notes(caption, said))
