"""Sphinx: `make docs`."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

project = 'clhoi_mm'
author = 'clhoi_mm authors'
release = re.search(
    r"__version__ = '(.+)'", (ROOT / 'clhoi_mm' / 'version.py').read_text()
).group(1)
extensions = ['myst_parser']
# Headings are link targets, as on the forges that show the same files.
myst_heading_anchors = 4
html_theme = 'furo'
html_title = f'{project} {release}'
