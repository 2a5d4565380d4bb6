"""Letters and words."""

import os.path as osp
from functools import lru_cache
from typing import List

import matplotlib
from PIL import ImageFont

FOLDER = osp.join(matplotlib.get_data_path(), 'fonts', 'ttf')


@lru_cache(maxsize=64)
def load_font(size: int, style: str = '') -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib.

    Args:
        size (int): Height in pixels.
        style (str): '', '-Bold' or '-Oblique'.

    Returns:
        PIL.ImageFont.FreeTypeFont: The font.
    """
    return ImageFont.truetype(osp.join(FOLDER, f'DejaVuSans{style}.ttf'), size)


def line_height(font: ImageFont.FreeTypeFont) -> int:
    """Pixels from one line to the next."""
    return sum(font.getmetrics())


def wrap(text: str, font: ImageFont.FreeTypeFont, width: float) -> List[str]:
    """Breaks a text into lines.

    Args:
        text (str): Words and spaces.
        font (ImageFont.FreeTypeFont): What it is written in.
        width (float): Room for a line, in pixels.

    Returns:
        list[str]: Lines; a word that is too long has one to itself.
    """
    lines = ['']
    for word in text.split():
        longer = f'{lines[-1]} {word}'.strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
