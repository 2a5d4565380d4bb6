"""Normalization of image keys."""

import re
from typing import Any

_HERE = re.compile(r'(?:^|(?<=/))(?:\./)+')


def normalize_key(key: Any) -> Any:
    r"""Normalize an image's key, as all readers of keys do.

    Args:
        key (Any): A path with ``/`` or ``\``, with optional ``./`` or
            surrounding spaces. Other types are returned unchanged.

    Returns:
        Any: ``a/1.jpg`` for ``./a/1.jpg`` and ``a\1.jpg``. Upper case,
        ``..``, ``//`` and Unicode forms are kept, since the key is also the
        path of the file.
    """
    if not isinstance(key, str):
        return key
    key = key.replace('\\', '/')
    while (shorter := _HERE.sub('', key).strip()) != key:
        key = shorter
    return key
