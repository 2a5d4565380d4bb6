"""JSON in a model's answer, also broken JSON."""

import json
import re
from typing import Any, Iterator, List, NamedTuple, Optional

_FENCE = re.compile(r'```(?:\w+[ \t]*\n)?(.*?)(?:```|\Z)', re.DOTALL)
_START = re.compile(r'[\[{]')
_BRACKET = re.compile(r'[\[{\]}]')
# A bracket in prose, '[maybe]', is none of a list.
_LIKE_JSON = re.compile(
    r'\{\s*(?:[\[{"\'}/]|\w+\s*["\']?\s*:|\Z)|\[\s*(?:[\[{"\'\]/]|\Z)'
)
_CURLY = str.maketrans('\u201c\u201d\u201e\u2018\u2019', '"""\'\'')
_DECODER = json.JSONDecoder()


class FoundJSON(NamedTuple):
    """Dict or list in an answer.

    Attributes:
        content (Any): The dict or list; None where it cannot be repaired.
        repaired (bool): Whether it was not well-formed.
        start (int): Where it begins in the text.
        end (int): Where it ends in the text.
    """

    content: Any
    repaired: bool
    start: int
    end: int


def find_json(
    text: str, repair: bool = True, keep_torn: bool = False
) -> List[FoundJSON]:
    """Find the outermost dicts and lists; no text raises.

    Where code fences hold any, those alone count. Single and curly quotes,
    comments, missing or trailing commas and a cut-off end are repaired.

    Args:
        text (str): The answer, without reasoning.
        repair (bool): Whether to repair broken JSON, which needs
            json_repair; else its content is None. Defaults to True.
        keep_torn (bool): Whether a string that was cut off at the end of
            the answer is kept. Defaults to False: half a name is none.

    Returns:
        List[FoundJSON]: In the text's order.
    """
    if '"' not in text:
        text = text.translate(_CURLY)
    found = [
        item
        for fence in _FENCE.finditer(text)
        for item in _scan(text, *fence.span(1), repair, keep_torn)
    ]
    return found or list(_scan(text, 0, len(text), repair, keep_torn))


def _scan(
    text: str, start: int, stop: int, repair: bool, keep_torn: bool
) -> Iterator[FoundJSON]:
    while match := _START.search(text, start, stop):
        start = match.start()
        whole = _decode(text[:stop] if stop < len(text) else text, start)
        if whole is not None:
            content, end = whole
            if _is_worth(content):
                yield FoundJSON(content, False, start, end)
            start = end
            continue
        end = closing_bracket(text, start, stop)
        body = text[start : end or stop].strip()
        if _LIKE_JSON.match(body):
            content = (
                _mend(body, keep_torn or end is not None) if repair else None
            )
            yield FoundJSON(content, True, start, end or stop)
        start = end or stop


def _decode(text: str, start: int) -> Optional[tuple]:
    # int() of a huge literal is a ValueError too.
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None


def _is_worth(content: Any) -> bool:
    """Check for more than a footnote's number, '[1]'."""
    return isinstance(content, dict) or not all(
        isinstance(part, (int, float)) for part in content or [{}]
    )


def closing_bracket(text: str, start: int, stop: int) -> Optional[int]:
    """Find the end of the bracket that opens at ``start``."""
    depth = 0
    for match in _BRACKET.finditer(text, start, stop):
        depth += 1 if match.group() in '[{' else -1
        if not depth:
            return match.end()
    return None


def _mend(body: str, is_whole: bool) -> Optional[Any]:
    from json_repair import repair_json

    if not is_whole:
        end = max(body.rfind(']'), body.rfind('}')) + 1
        try:
            return json.loads(body[:end])
        except (ValueError, RecursionError):
            body = _without_torn_end(body)
    if body.count('[') + body.count('{') > 2000:
        return None
    try:
        content = repair_json(body, return_objects=True, skip_json_loads=True)
    except Exception:
        # Errors of json_repair over unusual texts are of any type.
        return None
    return content if isinstance(content, (dict, list)) else None


def _without_torn_end(text: str) -> str:
    """Drop the incomplete item at the end of an answer."""
    if text.endswith((']', '}')):
        return text
    closed = max(text.rfind('}'), text.rfind(']'))
    # A list of strings has no brackets to its items.
    comma = max(text.rfind('",'), text.rfind("',"))
    if '{' in text[closed + 1 :]:
        return (
            text[: closed + 1]
            if closed >= 0
            else (text[: comma + 1] if '[' in text[1:] else '')
        )
    return text[: max(closed, comma) + 1]
