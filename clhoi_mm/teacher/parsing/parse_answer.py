import json
import re
from typing import Any, Dict, Optional, Tuple

from ..store.pseudo_labels import PseudoLabels, split_sentences
from ..store.raw_answers import RawAnswer
from .answer_items import read_items
from .caption_text import read_caption
from .final_answer import read_final_answer
from .structured import Answer, read_structured

_FLAT_OBJECT = re.compile(r'\{[^{}]*\}')


def parse_answer(raw: RawAnswer) -> PseudoLabels:
    """Read a VLLM's answer; no text makes it fail.

    Reasoning, code fences and prose around the JSON are passed over. From an
    answer that is not well-formed the items that are whole are kept, and
    ``malformed`` is set. The caption counts in any case.

    Args:
        raw (RawAnswer): The answer as it came.

    Returns:
        PseudoLabels: Names in lower case with single spaces as the model
        wrote them; of an interaction said twice the highest score.
    """
    text = read_caption(raw.caption).text
    caption = ' '.join(_clean(line) for line in text.splitlines())
    answer = _read_list(read_final_answer(raw.answer).text)
    interactions: Dict[Tuple[str, str], float] = {}
    for item in answer.items:
        if not item.text:
            name = item.verb, item.object
            interactions[name] = max(item.score, interactions.get(name, 0))
    return PseudoLabels(
        key=raw.key,
        caption=caption.strip(),
        sentences=split_sentences(text),
        interactions=[(*name, score) for name, score in interactions.items()],
        malformed=answer.malformed or any(x.text for x in answer.items),
    )


def _clean(text: str) -> str:
    """Single spaces, and no halves of surrogate pairs."""
    text = text.encode('utf-8', 'replace').decode('utf-8')
    return ' '.join(text.split())


def _read_list(text: str) -> Answer:
    """The answer's items; of broken JSON the objects that are whole."""
    answer = read_structured(text, repair=False)
    if answer.found:
        return answer
    whole = [_load(match) for match in _FLAT_OBJECT.findall(text)]
    items, _ = read_items([item for item in whole if item is not None])
    return Answer(items, True, False)


def _load(text: str) -> Optional[Any]:
    # int() of a huge literal is a ValueError too.
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
