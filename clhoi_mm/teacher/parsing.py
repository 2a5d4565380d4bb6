import json
import math
import re
from typing import Any, Dict, List, Optional, Tuple

from .raw_answers import RawAnswer
from .words import Interaction, TeacherWords, split_sentences

_FENCE = re.compile(r'```(?:\w+\n)?(.*?)```', re.DOTALL)
_FLAT_OBJECT = re.compile(r'\{[^{}]*\}')


def parse_answer(raw: RawAnswer) -> TeacherWords:
    """Read a VLLM's answer; no text makes it fail.

    A code fence or prose around the JSON list is passed over. From an answer
    that is not well-formed the items that are whole are kept, and
    ``malformed`` is set. The caption counts in any case.

    Args:
        raw (RawAnswer): The answer as it came.

    Returns:
        TeacherWords: Names in lower case with single spaces as the model
        wrote them; of an interaction said twice the highest score.
    """
    caption = ' '.join(_clean(line) for line in raw.caption.splitlines())
    items, well_formed = _find_items(raw.answer)
    interactions: Dict[Tuple[str, str], float] = {}
    for item in items:
        interaction = _parse_item(item)
        if interaction is None:
            well_formed = False
            continue
        verb, obj, score = interaction
        interactions[verb, obj] = max(score, interactions.get((verb, obj), 0))
    return TeacherWords(
        key=raw.key,
        caption=caption.strip(),
        sentences=split_sentences(caption),
        interactions=[(*name, score) for name, score in interactions.items()],
        malformed=not well_formed,
    )


def _clean(text: str) -> str:
    """Single spaces, and no halves of surrogate pairs."""
    text = text.encode('utf-8', 'replace').decode('utf-8')
    return ' '.join(text.split())


def _find_items(answer: str) -> Tuple[List[Any], bool]:
    """The answer's items, and whether the whole list could be read."""
    fence = _FENCE.search(answer)
    text = fence.group(1) if fence else answer
    start, end = text.find('['), text.rfind(']')
    if 0 <= start < end:
        items = _load(text[start : end + 1])
        if isinstance(items, list):
            return items, True
    items = [_load(match) for match in _FLAT_OBJECT.findall(text)]
    return [item for item in items if item is not None], False


def _load(text: str) -> Optional[Any]:
    # int() of a huge literal is a ValueError too.
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _parse_item(item: Any) -> Optional[Interaction]:
    if not isinstance(item, dict):
        return None
    verb, obj = item.get('verb'), item.get('object')
    if verb == 'other' and isinstance(item.get('other_verb'), str):
        verb = item['other_verb']  # none of those it was to choose from
    score = item.get('score', 1.0)
    if not isinstance(verb, str) or not isinstance(obj, str):
        return None
    if isinstance(score, bool) or not isinstance(score, (int, float)):
        return None
    verb, obj = _clean(verb).lower(), _clean(obj).lower()
    if not verb or not obj or not 0 <= score <= 1 or math.isnan(score):
        return None
    return verb, obj, float(score)
