"""Numbers and ids as written by spreadsheets and other programs."""

import math
from typing import Any, Optional, Union

Id = Union[int, str]
# Texts that pandas, Excel and R write for an empty cell.
_EMPTY = {
    '',
    '#n/a',
    '#na',
    '-nan',
    '<na>',
    'n/a',
    'na',
    'nan',
    'none',
    'null',
    'nat',
}


def is_empty(value: Any) -> bool:
    """Test for an empty cell: None, NaN or a text."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (
        isinstance(value, str) and value.strip().lower() in _EMPTY
    )


def read_id(value: Any) -> Optional[Id]:
    """Normalize an id: 6, 6.0, '6' and '6.0' are equal.

    Args:
        value: A number or a string.

    Returns:
        int | str | None: The id; None if invalid.
    """
    if is_empty(value) or isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    elif isinstance(value, int):
        return value
    number = read_number(value)
    if number is None:
        return value.strip() if isinstance(value, str) else None
    # Larger floats do not distinguish neighboring ids.
    exact = number.is_integer() and abs(number) < 2**53
    return int(number) if exact else None


def read_number(value: Any) -> Optional[float]:
    """Read a finite number, or a string that holds one.

    Args:
        value: A number or a string, with a decimal point or comma.

    Returns:
        float | None: The number; None if invalid.
    """
    if isinstance(value, str):
        value = value.strip()
        # float() accepts '1_000', which is no number in a table.
        if '_' in value:
            return None
        if value.count(',') == 1 and '.' not in value:
            value = value.replace(',', '.')
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
