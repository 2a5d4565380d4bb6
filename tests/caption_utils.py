"""Tests of captions need spaCy and its model; without, they are skipped."""

from importlib.util import find_spec
from pathlib import Path
from typing import Optional

import pytest

from clhoi_mm.teacher.parsing.caption_parser import find_model


def missing() -> str:
    """What is to be installed, nothing where captions can be read."""
    try:
        find_model()
    except ImportError as error:
        return str(error)
    return ''


needs_captions = pytest.mark.skipif(bool(missing()), reason=missing())


def modules() -> Optional[Path]:
    """Where spaCy is, for tools that run in processes of their own."""
    spec = None if missing() else find_spec('spacy')
    return Path(spec.origin).parents[1] if spec else None
