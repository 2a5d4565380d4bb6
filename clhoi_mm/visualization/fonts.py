"""Fonts and line breaking."""

import os.path as osp
from functools import lru_cache
from typing import List

import matplotlib
from PIL import ImageFont

FOLDER = osp.join(matplotlib.get_data_path(), 'fonts', 'ttf')


@lru_cache(maxsize=64)
def load_font(size: int, style: str = '') -> ImageFont.FreeTypeFont:
    """Load DejaVu Sans, which matplotlib contains.

    Args:
        size (int): Height in pixels.
        style (str): '', '-Bold' or '-Oblique'.

    Returns:
        PIL.ImageFont.FreeTypeFont: The font.
    """
    return ImageFont.truetype(osp.join(FOLDER, f'DejaVuSans{style}.ttf'), size)


def line_height(font: ImageFont.FreeTypeFont) -> int:
    """Compute the line spacing in pixels."""
    return sum(font.getmetrics())


def wrap(text: str, font: ImageFont.FreeTypeFont, width: float) -> List[str]:
    """Break a text into lines.

    Args:
        text (str): Words separated by spaces.
        font (ImageFont.FreeTypeFont): Font of the text.
        width (float): Line width in pixels.

    Returns:
        list[str]: Lines; a word that is too long has a line of its own.
    """
    lines = ['']
    for word in text.split():
        longer = f'{lines[-1]} {word}'.strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
