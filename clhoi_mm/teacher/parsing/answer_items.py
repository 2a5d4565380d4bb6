"""Interactions in a model's JSON, in any usual shape."""

import json
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

from ..interaction import Interaction
from .lexicon import load_words
from .stated_scores import read_score, score_scale

VERBS = (
    'verb',
    'action',
    'predicate',
    'interaction',
    'relation',
    'relationship',
    'activity',
)
OBJECTS = ('object', 'obj', 'target', 'noun', 'item', 'object_name')
SCORES = ('score', 'confidence', 'probability', 'conf', 'prob')
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
    'triples',
    'triplets',
    # Calls of tools.
    'tool_calls',
    'function',
    'arguments',
    'parameters',
)
_TEXTS = frozenset(
    'caption description text answer response sentence sentences summary '
    'interaction interactions result output'.split()
)
_REMARKS = frozenset(
    'reasoning reason thought thoughts thinking explanation rationale '
    'note notes comment comments remark evidence scene setting location '
    'status success error type title version language prompt request task '
    'image image_id id key file file_name model count confidence score'.split()
)
_OTHER = 'other'
_NOTHING = frozenset(
    (
        'none',
        'no',
        'nothing',
        'n/a',
        'na',
        'null',
        'unknown',
        'no action',
        'no interaction',
        'no_interaction',
        'no interactions',
        'no object',
        'no verb',
        'not applicable',
        'not interacting',
        'none of the above',
        '-',
    )
)
# Longer ones are sentences.
_LONGEST_NAME = 5


# An interaction, or a phrase or sentence that is to be parsed as prose.
Item = Union[Interaction, str]


def is_item(content: Any) -> bool:
    """Check for a dict with a verb and an object."""
    if not isinstance(content, dict):
        return False
    names = {str(key).strip().lower() for key in content}
    return not names.isdisjoint(VERBS) and not names.isdisjoint(OBJECTS)


def read_items(contents: List[Any]) -> Tuple[List[Item], bool]:
    """Read items in any of the shapes that models use.

    Args:
        contents (List): Dicts and lists of one answer.

    Returns:
        Tuple[List[Interaction | str], bool]: Interactions as the model named
        them, with score 1 where none can be read, and phrases that hold verb
        and object; and whether all could be read.
    """
    found: List[Item] = []
    items = [item for content in contents for item in _walk(content, 0)]
    # Up to here scores are as the model wrote them.
    scale = score_scale(x.score for x in items if isinstance(x, Interaction))
    is_whole = True
    for item in items:
        if item is None:
            is_whole = False
        elif isinstance(item, str):
            found.append(item)
        else:
            score = read_score(item.score, scale)
            is_whole = is_whole and score is not None
            names = {item.verb, item.object}
            if not names & _NOTHING and item.verb != _OTHER:
                found.append(
                    item._replace(score=1.0 if score is None else score)
                )
    return found, is_whole


def _walk(content: Any, depth: int) -> Iterator[Optional[Item]]:
    if depth > 4:
        yield None
    elif isinstance(content, list):
        if (
            len(content) in (3, 4)
            and _is_person(content[0])
            and (depth or ' ' not in str(content[1]))
        ):
            # ["person", "ride", "bicycle"], not ["man", "riding a horse", ...]
            content, depth = content[1:], max(depth, 1)
        if (
            len(content) in (2, 3)
            and depth
            and all(isinstance(part, str) for part in content[:2])
            and (
                len(content) == 2
                or isinstance(content[2], (int, float))
                or read_score(content[2], 100) is not None
            )
        ):
            yield _item(*content)
            return
        for part in content:
            if isinstance(part, str):
                yield _phrase(part)
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
    for name in low.keys() & set(_LISTS):
        low[name] = _decoded(low[name])
    verb, obj = _first(low, VERBS), _first(low, OBJECTS)
    verbs = low.get('verbs', verb)
    if (
        verb is None
        and obj is not None
        and 'verbs' not in low
        and any(name in low for name in VERBS)
    ):
        return  # {"object": "bicycle", "verb": null}: nothing is done
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
        yield _phrase(verb) if ' ' in _clean(verb) else None
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
        for name, value in low.items():
            yield from _from_entry(name, value, depth)


def _decoded(value: Any) -> Any:
    """Decode JSON in a string, such as a tool's arguments."""
    if isinstance(value, str) and value.lstrip().startswith(('[', '{')):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            pass
    return value


def _is_person(part: Any) -> bool:
    return isinstance(part, str) and (
        part.lower().rstrip(' #_0123456789') in load_words()['persons']
    )


def _from_entry(name: str, value: Any, depth: int) -> Iterator[Optional[Item]]:
    """Read {"bicycle": ["ride", "hold"]} or {"caption": "A man rides."}."""
    if name in _REMARKS or (value is None and name in (*_LISTS, *_TEXTS)):
        return
    parts = value if isinstance(value, list) else [value]
    if any(_has_items(part) for part in parts):
        yield from _walk(value, depth + 1)
    elif name in _TEXTS:
        for part in parts:
            yield _phrase(part) if isinstance(part, str) else None
    elif isinstance(value, str):
        yield from _walk_verb(value, name, {})
    elif isinstance(value, list):
        for part in value:
            yield from _walk_verb(part, name, {})
    elif isinstance(value, dict):
        for part, score in value.items():
            yield _item(str(part), name, score)
    else:
        yield None


def _has_items(content: Any) -> bool:
    """Check for a dict with interactions."""
    if is_item(content):
        return True
    return isinstance(content, dict) and any(
        isinstance(value, (list, dict)) and str(name).strip().lower() in _LISTS
        for name, value in content.items()
    )


def _walk_verb(
    verb: Any, obj: str, low: Dict[str, Any]
) -> Iterator[Optional[Item]]:
    score = _first(low, SCORES)
    if isinstance(verb, dict):
        inner = {str(key).lower(): value for key, value in verb.items()}
        score = _first(inner, SCORES)
        verb = _first(inner, (*VERBS, 'name'))
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


def _item(verb: str, obj: str, score: Any = None) -> Optional[Item]:
    if len(verb.split()) > _LONGEST_NAME:
        return _phrase(verb)
    verb, obj = _clean(verb), _clean(obj)
    if not verb or not obj or len(obj.split()) > _LONGEST_NAME:
        return None
    return Interaction(verb, obj, score)


def _phrase(text: str) -> Optional[Item]:
    """Normalize 'riding a bicycle', or keep a sentence's case."""
    short = len(text.split()) <= _LONGEST_NAME
    text = _clean(text) if short else _valid(text)
    return text or None


def _clean(text: str) -> str:
    """Normalize case, spaces and halves of surrogate pairs."""
    return _valid(text).lower()


def _valid(text: str) -> str:
    text = text.encode('utf-8', 'replace').decode('utf-8')
    return ' '.join(text.split())
