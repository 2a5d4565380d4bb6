"""Likely causes of unmatched image keys."""

import os
import unicodedata
from typing import Any, Callable, List, Optional, Tuple

from .keys import normalize_key


def guess_cause(
    lefts: List[Any], rights: List[Any], left_name: str, right_name: str
) -> Tuple[Any, Any, str]:
    """Find the likely cause why no key matches.

    Args:
        lefts (List): Keys of the first file, all missing in the second.
        rights (List): Keys of the second file.
        left_name (str): Name of the first keys, for the message.
        right_name (str): Name of the second keys, for the message.

    Returns:
        Tuple[Any, Any, str]: A key of each side, of the same image if the
        cause is known, and the cause with its remedy.
    """
    for normalize, cause in _DIFFERENCES:
        pair = _first_pair(lefts, rights, normalize)
        if pair is not None:
            return (*pair, cause(*pair, left_name, right_name))
    first = (next(iter(lefts), None), next(iter(rights), None))
    kinds = {isinstance(key, str) for key in first}
    if len(kinds) == 2:
        return (*first, _numbers(*first, left_name, right_name))
    return (
        *first,
        'they seem to be about other images, or to name them differently; '
        'give files about the same images',
    )


def _first_pair(
    lefts: List[Any], rights: List[Any], normalize: Callable
) -> Optional[Tuple[Any, Any]]:
    by_normalized = {}
    for key in rights:
        name = normalize(key)
        if name:
            by_normalized.setdefault(name, key)
    for key in lefts:
        other = by_normalized.get(normalize(key))
        if other is not None:
            return key, other
    return None


def _folded(key: Any) -> Optional[str]:
    """Normalize separators, spaces and Unicode; keep folders."""
    if not isinstance(key, str):
        return None
    text = unicodedata.normalize('NFC', normalize_key(key))
    return os.path.normpath(text) if text else None


def _lower(key: Any) -> Optional[str]:
    text = _folded(key)
    return text and text.lower()


def _base(key: Any) -> Optional[str]:
    text = _lower(key)
    return text and text.rpartition('/')[2]


def _without_ending(key: Any) -> Optional[str]:
    text = _lower(key)
    return text and os.path.splitext(text)[0]


def _stem(key: Any) -> Optional[str]:
    text = _base(key)
    return text and os.path.splitext(text)[0]


def _number(key: Any) -> Optional[str]:
    """Extract the number: 12 of '12', 12.0 and 'a/b_000012.jpg'."""
    if isinstance(key, bool):
        return None
    if isinstance(key, (int, float)):
        return f'n{int(key)}' if key == key // 1 else None
    text = _stem(key)
    digits = text and text[len(text.rstrip('0123456789')) :]
    return f'n{int(digits)}' if digits else None


def _spelling(left: str, right: str, *names: str) -> str:
    return (
        'they differ by backslashes, "./", spaces or Unicode forms only; '
        'write both alike'
    )


def _case(left: str, right: str, *names: str) -> str:
    return 'they differ by upper and lower case only; write both alike'


def _folder(left: str, right: str, left_name: str, right_name: str) -> str:
    """Describe a folder that only one side's keys start with."""
    one, two = _folded(left), _folded(right)
    for longer, shorter, name, other in (
        (one, two, left_name, right_name),
        (two, one, right_name, left_name),
    ):
        if longer.endswith('/' + shorter):
            prefix = longer[: -len(shorter)]
            return (
                f'keys of {name} begin with the folder "{prefix}", those of '
                f'{other} do not; make both relative to the same folder'
            )
    return (
        f'the files have the same names in different folders '
        f'("{os.path.dirname(one)}", "{os.path.dirname(two)}"); make both '
        f'relative to the same folder'
    )


def _ending(left: str, right: str, *names: str) -> str:
    ends = [os.path.splitext(key)[1] or 'none' for key in (left, right)]
    return (
        f"the files' endings differ ({ends[0]}, {ends[1]}); write both with "
        f'the same one'
    )


def _folder_and_ending(
    left: str, right: str, left_name: str, right_name: str
) -> str:
    return (
        'both the folder in front and the ending of the file differ; write '
        'both relative to the same folder, with the same ending'
    )


def _numbers(left: Any, right: Any, left_name: str, right_name: str) -> str:
    if isinstance(left, str) and isinstance(right, str):
        return 'the numbers are written differently; write both alike'
    name = right_name if isinstance(left, str) else left_name
    return (
        f'{name} has numbers where the other has names, and keys are compared '
        f'as they are; write the file names there'
    )


# From the smallest difference to the largest.
_DIFFERENCES = (
    (_folded, _spelling),
    (_lower, _case),
    (_base, _folder),
    (_without_ending, _ending),
    (_stem, _folder_and_ending),
    (_number, _numbers),
)
