"""A VLLM's structured answer to (verb, object, score), broken JSON too."""

import json
import math
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

_FENCE = re.compile(r'```(?:\w+[ \t]*\n)?(.*?)(?:```|\Z)', re.DOTALL)
_START = re.compile(r'[\[{]')
_VERBS = (
    'verb',
    'action',
    'predicate',
    'interaction',
    'relation',
    'relationship',
    'activity',
)
_OBJECTS = ('object', 'obj', 'target', 'noun', 'item', 'object_name')
_SCORES = ('score', 'confidence', 'probability', 'conf', 'prob')
_LISTS = (
    'interactions',
    'answer',
    'answers',
    'results',
    'hois',
    'items',
    'objects',
    'list',
    'output',
    'actions',
    'verbs',
)
_OTHER = 'other'


class Item(NamedTuple):
    """One interaction as the model named it.

    Attributes:
        verb (str): Empty where ``text`` holds both.
        object (str): Empty where ``text`` holds both.
        score (float): In [0, 1]; 1 where the model gave none.
        text (str): 'riding a bicycle', where the model wrote one phrase.
    """

    verb: str
    object: str
    score: float
    text: str = ''


class Answer(NamedTuple):
    """What could be read of a structured answer.

    Attributes:
        items (List[Item]): In the model's order.
        malformed (bool): Whether it was not well-formed, or some of it could
            not be read.
        found (bool): Whether there was any structure at all.
    """

    items: List[Item]
    malformed: bool
    found: bool


def read_structured(text: str) -> Answer:
    """Read an answer that should be JSON; no text makes it fail.

    Code fences and prose around the JSON are passed over; single quotes,
    comments, missing or trailing commas and a cut-off end are repaired. An
    item that was cut off is left out: half a name is no name.

    Args:
        text (str): The answer.

    Returns:
        Answer: What it says.
    """
    fence = _FENCE.search(text)
    body = fence.group(1) if fence else text
    start = _START.search(body)
    if start is None and fence:
        body, start = text, _START.search(text)
    if start is None:
        return Answer([], bool(text.strip()), False)
    body = body[start.start() :].strip()
    end = max(body.rfind(']'), body.rfind('}')) + 1
    content = _load(body[:end] if end else body)
    repaired = content is None
    if repaired:
        content = _repair(_without_torn_end(body))
    items, whole = _items(content)
    return Answer(items, repaired or not whole, content is not None)


def _load(text: str) -> Optional[Any]:
    # int() of a huge literal is a ValueError too.
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _repair(text: str) -> Optional[Any]:
    from json_repair import repair_json

    if text.count('[') + text.count('{') > 2000:
        return None
    try:
        content = repair_json(text, return_objects=True, skip_json_loads=True)
    except (ValueError, RecursionError, IndexError, TypeError, AttributeError):
        return None
    return content if isinstance(content, (dict, list)) else None


def _without_torn_end(text: str) -> str:
    """Cuts off what was being written when the answer ended."""
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


def _items(content: Any) -> Tuple[List[Item], bool]:
    """The items of any of the shapes that models use, and whether all."""
    found: List[Item] = []
    whole = True
    for item in _walk(content, 0):
        if item is None:
            whole = False
        elif item.verb != _OTHER:
            found.append(item)
    return found, whole


def _walk(content: Any, depth: int) -> Iterator[Optional[Item]]:
    if depth > 4:
        yield None
    elif isinstance(content, list):
        if (
            len(content) in (2, 3)
            and depth
            and all(isinstance(part, str) for part in content[:2])
            and (len(content) == 2 or _score(content[2]) is not None)
        ):
            score = 1.0 if len(content) == 2 else _score(content[2])
            yield _item(content[0], content[1], score)
            return
        for part in content:
            if isinstance(part, str):
                yield Item('', '', 1.0, _clean(part)) if _clean(part) else None
            else:
                yield from _walk(part, depth + 1)
    elif isinstance(content, dict):
        yield from _from_dict(content, depth)
    else:
        yield None


def _from_dict(
    content: Dict[Any, Any], depth: int
) -> Iterator[Optional[Item]]:
    low = {str(key).strip().lower(): value for key, value in content.items()}
    verb, obj = _first(low, _VERBS), _first(low, _OBJECTS)
    verbs = low.get('verbs', verb)
    if isinstance(obj, str) and isinstance(verbs, list):
        for part in verbs:
            yield from _walk_verb(part, obj, low)
    elif isinstance(obj, str) and isinstance(verb, (str, dict)):
        yield from _walk_verb(verb, obj, low)
    elif (
        isinstance(verb, str)
        and obj is None
        and not any(name in low for name in _LISTS)
    ):
        yield Item('', '', 1.0, _clean(verb)) if ' ' in _clean(verb) else None
    else:
        inner = [
            low[name]
            for name in _LISTS
            if isinstance(low.get(name), (list, dict))
        ]
        if inner:
            for part in inner:
                yield from _walk(part, depth)
            return
        # {"bicycle": ["ride", "hold"]}
        for name, value in content.items():
            if isinstance(value, str):
                yield from _walk_verb(value, str(name), {})
            elif isinstance(value, list):
                for part in value:
                    yield from _walk_verb(part, str(name), {})
            elif isinstance(value, dict):
                for part, score in value.items():
                    yield _item(str(part), str(name), _score(score))
            else:
                yield None


def _walk_verb(
    verb: Any, obj: str, low: Dict[str, Any]
) -> Iterator[Optional[Item]]:
    score = _score(_first(low, _SCORES, 1.0))
    if isinstance(verb, dict):
        inner = {str(key).lower(): value for key, value in verb.items()}
        score = _score(_first(inner, _SCORES, 1.0))
        verb = _first(inner, (*_VERBS, 'name'))
    if not isinstance(verb, str):
        yield None
        return
    free = low.get('other_verb')
    if verb.strip().lower() == _OTHER and isinstance(free, str):
        if free.strip():
            yield _item(free, obj, score)
        return
    yield _item(verb, obj, score)


def _first(
    low: Dict[str, Any], names: Tuple[str, ...], default: Any = None
) -> Any:
    return next((low[name] for name in names if name in low), default)


def _item(verb: str, obj: str, score: Optional[float]) -> Optional[Item]:
    verb, obj = _clean(verb), _clean(obj)
    if not verb or not obj or score is None:
        return None
    return Item(verb, obj, score)


def _score(value: Any) -> Optional[float]:
    if isinstance(value, str):
        text = value.strip()
        try:
            value = float(text.rstrip('%')) / (100 if '%' in text else 1)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if math.isnan(value) or not 0 <= value <= 1:
        return None
    return float(value)


def _clean(text: str) -> str:
    """Lower case, single spaces, and no halves of surrogate pairs."""
    text = text.encode('utf-8', 'replace').decode('utf-8')
    return ' '.join(text.lower().split())
