"""The one spelling of image keys, by which files meet."""

import re
from typing import Any

_HERE = re.compile(r'(?:^|(?<=/))(?:\./)+')


def normalize_key(key: Any) -> Any:
    r"""Spell an image's key as all readers of keys do.

    Args:
        key (Any): A path with ``/`` or ``\``, perhaps with ``./`` or spaces
            around it. Anything but a text stays as it is.

    Returns:
        Any: ``a/1.jpg`` of ``./a/1.jpg`` and ``a\1.jpg``. Upper case,
        ``..``, ``//`` and unicode forms are kept, since the file is opened
        by it as well.
    """
    if not isinstance(key, str):
        return key
    key = key.replace('\\', '/')
    while (shorter := _HERE.sub('', key).strip()) != key:
        key = shorter
    return key
