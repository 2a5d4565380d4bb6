"""Skip caption tests where spaCy or its model is missing."""

from importlib.util import find_spec
from pathlib import Path
from typing import Optional

import pytest

from clhoi_mm.teacher.parsing.caption_parser import find_model


def missing() -> str:
    """Return the missing package's name, or nothing."""
    try:
        find_model()
    except ImportError as error:
        return str(error)
    return ''


needs_captions = pytest.mark.skipif(bool(missing()), reason=missing())


def modules() -> Optional[Path]:
    """Return the folder of spaCy for tools run in subprocesses."""
    spec = None if missing() else find_spec('spacy')
    return Path(spec.origin).parents[1] if spec else None
