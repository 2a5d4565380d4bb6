"""Tests of captions need spaCy and its model; without, they are skipped."""

import pytest

from clhoi_mm.teacher.caption_parser import find_model


def missing() -> str:
    """What is to be installed, nothing where captions can be read."""
    try:
        find_model()
    except ImportError as error:
        return str(error)
    return ''


needs_captions = pytest.mark.skipif(bool(missing()), reason=missing())
