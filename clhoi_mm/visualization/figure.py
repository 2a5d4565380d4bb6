"""Figure of panels with titles and notes."""

import math
from typing import List, Sequence

import numpy as np
from PIL import Image, ImageDraw

from .fonts import line_height, load_font, wrap

WHITE, INK, GRAY = (255, 255, 255), (32, 32, 32), (110, 110, 110)


def compose_figure(
    panels: Sequence[Image.Image], titles: Sequence[str], notes: Sequence[str]
) -> np.ndarray:
    """Compose a figure.

    Args:
        panels (Sequence[PIL.Image.Image]): RGB pictures, left to right; more
            than three are arranged in rows.
        titles (Sequence[str]): Title of each panel; all empty for none.
        notes (Sequence[str]): Paragraphs below, over the whole width.

    Returns:
        np.ndarray: RGB, (H, W, 3) uint8.
    """
    if len(panels) == 1 and not any(titles) and not notes:
        return np.asarray(panels[0])
    size = max(round(max(max(p.size) for p in panels) / 46), 12)
    gap = size
    columns = len(panels)
    if columns > 3:
        columns = math.ceil(columns**0.5)
    rows = [
        list(zip(panels, titles))[i : i + columns]
        for i in range(0, len(panels), columns)
    ]
    width = max(
        sum(p.width for p, _ in row) + gap * (len(row) - 1) for row in rows
    )
    head = 2 * gap if any(titles) else 0
    body = sum(head + max(p.height for p, _ in row) for row in rows)
    font = load_font(size)
    lines = _break_notes(notes, font, width - gap)
    foot = len(lines) * line_height(font) + gap if lines else 0

    figure = Image.new('RGB', (width, body + foot), WHITE)
    canvas = ImageDraw.Draw(figure)
    y = 0
    for row in rows:
        x = 0
        for panel, title in row:
            figure.paste(panel, (x, y + head))
            canvas.text(
                (x + panel.width / 2, y + head / 2),
                title,
                INK,
                load_font(size, '-Bold'),
                anchor='mm',
            )
            x += panel.width + gap
        y += head + max(panel.height for panel, _ in row)
    for i, line in enumerate(lines):
        canvas.text(
            (gap / 2, body + gap / 2 + i * line_height(font)), line, GRAY, font
        )
    return np.asarray(figure)


def _break_notes(notes: Sequence[str], font, width: float) -> List[str]:
    return [line for note in notes for line in wrap(note, font, width)]
