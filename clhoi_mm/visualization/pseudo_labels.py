"""Pictures with the teacher's captions and pseudo-labels."""

from typing import List, Optional, Sequence, Tuple

import numpy as np

from .figure import compose_figure
from .panel import Panel
from .scene import Scene, build_scene

# Range of the longer side of pictures, in pixels.
SIDES = (720, 1600)


def teacher_notes(
    caption: Optional[str], interactions: Optional[Sequence[str]]
) -> List[str]:
    """Format the caption and the interactions, a paragraph each.

    Args:
        caption (str, optional): Caption; None or empty for none.
        interactions (Sequence[str], optional): Texts; None without
            an answer for the image.

    Returns:
        List[str]: The paragraphs.
    """
    notes = [f'Caption: {caption}'] if caption else []
    if interactions is None:
        return notes + ['Teacher: no answer for this image']
    return notes + [f'Teacher: {", ".join(interactions) or "no interactions"}']


def draw_pseudo_labels(
    image: np.ndarray,
    caption: Optional[str],
    interactions: Optional[Sequence[Tuple[str, float]]],
    sides: Tuple[int, int] = SIDES,
    pointed: Sequence[Tuple[str, Sequence[float]]] = (),
) -> np.ndarray:
    """Draw an image with the teacher's labels below it.

    Args:
        image (np.ndarray): RGB, (H, W, 3) uint8.
        caption (str, optional): The caption.
        interactions (Sequence[Tuple[str, float]], optional): Names and
            scores; None without an answer for the image.
        sides (Tuple[int, int]): Minimum and maximum of the longer side.
            Defaults to (720, 1600).
        pointed (Sequence[Tuple[str, Sequence[float]]]): Names and pairs that
            the teacher points at, boxes of human and object, (8,). Defaults
            to none.

    Returns:
        np.ndarray: RGB, (H, W, 3) uint8.
    """
    texts = interactions and [
        f'{name} {100 * score:.0f}' for name, score in interactions
    ]
    scene = _pointed_scene(pointed) if pointed else Scene.empty()
    numbers = range(len(scene.persons))
    panel = Panel(image, sides).draw(scene, numbers)
    return compose_figure([panel], [''], teacher_notes(caption, texts))


def _pointed_scene(pointed: Sequence[Tuple[str, Sequence[float]]]) -> Scene:
    """Group the names of each pair."""
    names = [name for name, _ in pointed]
    boxes = np.array([pair for _, pair in pointed])
    rows = np.arange(len(names))
    return build_scene(
        boxes[:, :4],
        boxes[:, 4:],
        rows,
        np.zeros_like(rows),
        None,
        lambda row, obj, score: names[row],
    )
