"""Confidence that a model states, in any usual form."""

import math
import re
from typing import Any, Iterable, Optional

# The first match counts.
_WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), score)
    for pattern, score in (
        (r'\bnot\b.*(?:likely|sure|certain|confident|probable|possible)', 0.2),
        (r'\b(?:very|extremely|highly) (?:low|unlikely|weak)|\blowest', 0.1),
        (r'\b(?:unlikely|improbable|doubtful)', 0.2),
        (r'\b(?:very|extremely|highly) \w+|\bhighest', 0.95),
        (r'\b(?:medium|moderate|moderately|fairly|quite)[ -]high', 0.75),
        (r'\bmedium[ -]low', 0.4),
        (r'\b(?:uncertain|unsure|maybe|possibl[ey]|neutral)', 0.5),
        (r'\b(?:certain|sure|definite|absolute|yes|true|confirmed)', 1.0),
        (r'\b(?:high|strong|confident)', 0.9),
        (r'\b(?:likely|probabl[ey]|good)\b', 0.75),
        (r'\b(?:medium|moderate|average|fair)', 0.6),
        (r'\b(?:low|weak)', 0.3),
        (r'\b(?:no|none|false|zero|impossible)\b', 0.0),
    )
)
_NUMBER = re.compile(r'(?<![\w.])(?:\d+(?:[.,]\d+)?|\.\d+)')
# No match inside a number, which would take quadratic time.
_SCALE = re.compile(
    r'(?<!\d)(\d+(?:[.,]\d+)?)\s*(?:/|out of)\s*(\d+(?:[.,]\d+)?)\b',
    re.IGNORECASE,
)
_PERCENT = re.compile(
    r'(?<!\d)(\d+(?:[.,]\d+)?)\s*(?:%|percent|per cent)', re.I
)


def score_scale(values: Iterable[Any]) -> float:
    """Find the scale of an answer's scores: 1, 10 or 100.

    Args:
        values (Iterable): Every score of the answer, as the model wrote it.

    Returns:
        float: The score of certainty: 1 where none exceeds it, 10 where
        the largest up to 100 lies in [2, 10], 100 where it lies above.
    """
    numbers = [number for number in map(_number, values) if number is not None]
    highest = max((x for x in numbers if x <= 100), default=1.0)
    if 2 <= highest <= 10:
        return 10.0
    return 100.0 if 10 < highest <= 100 else 1.0


def read_score(value: Any, scale: float = 1.0) -> Optional[float]:
    """Read one score.

    Args:
        value (Any): As the model wrote it: 0.85, 85, '85%', '8/10', 'high'.
            None is a score that was not given.
        scale (float): See :func:`score_scale`. Defaults to 1.

    Returns:
        float, optional: In [0, 1]; None where it cannot be read.
    """
    if value is None or value == '':
        return 1.0
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        for pattern in (_SCALE, _PERCENT):
            match = pattern.search(value)
            if match:
                numbers = [float(x.replace(',', '.')) for x in match.groups()]
                return _share(numbers[0], (*numbers, 100.0)[1])
    number = _number(value)
    if number is not None:
        return _share(number, scale)
    return _in_words(value) if isinstance(value, str) else None


def _number(value: Any) -> Optional[float]:
    """Read a bare number; None for '95%' and '8/10'."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        try:
            number = float(value)
        except OverflowError:
            return None
        return None if math.isnan(number) else number
    if not isinstance(value, str) or _SCALE.search(value):
        return None
    try:
        return _number(float(value))
    except ValueError:
        match = _NUMBER.search(value)
    if not match or _PERCENT.search(value):
        return None
    return float(match.group().replace(',', '.'))


def _share(number: float, scale: float) -> Optional[float]:
    if not scale or not 0 <= number <= scale:
        return None
    return number / scale


def _in_words(text: str) -> Optional[float]:
    return next(
        (score for pattern, score in _WORDS if pattern.search(text)), None
    )
