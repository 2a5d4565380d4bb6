"""Panels side by side, with titles above and words below."""
from typing import List, Sequence

import numpy as np
from PIL import Image, ImageDraw

from .fonts import line_height, load_font, wrap

WHITE, INK, GREY = (255, 255, 255), (32, 32, 32), (110, 110, 110)


def compose_figure(panels: Sequence[Image.Image], titles: Sequence[str],
                   notes: Sequence[str]) -> np.ndarray:
    """Puts a figure together.

    Args:
        panels (Sequence[PIL.Image.Image]): RGB pictures, left to right.
        titles (Sequence[str]): One above each panel; all empty for none.
        notes (Sequence[str]): Paragraphs below, over the whole width.

    Returns:
        np.ndarray: RGB, (H, W, 3) uint8.
    """
    if len(panels) == 1 and not any(titles) and not notes:
        return np.asarray(panels[0])
    size = max(round(max(max(p.size) for p in panels) / 46), 12)
    gap = size
    width = sum(panel.width for panel in panels) + gap * (len(panels) - 1)
    head = 2 * gap if any(titles) else 0
    body = max(panel.height for panel in panels)
    font = load_font(size)
    lines = _break_notes(notes, font, width - gap)
    foot = len(lines) * line_height(font) + gap if lines else 0

    figure = Image.new('RGB', (width, head + body + foot), WHITE)
    canvas = ImageDraw.Draw(figure)
    x = 0
    for panel, title in zip(panels, titles):
        figure.paste(panel, (x, head))
        canvas.text((x + panel.width / 2, head / 2), title, INK,
                    load_font(size, '-Bold'), anchor='mm')
        x += panel.width + gap
    for i, line in enumerate(lines):
        canvas.text((gap / 2, head + body + gap / 2 + i * line_height(font)),
                    line, GREY, font)
    return np.asarray(figure)


def _break_notes(notes: Sequence[str], font, width: float) -> List[str]:
    return [line for note in notes for line in wrap(note, font, width)]
