"""Running text of captions, some of which are JSON."""

import re
from typing import Any, List

from .answer_json import find_json
from .final_answer import EMPTY, REFUSED, FinalAnswer, read_final_answer
from .refusals import without_refusal
from .structured import read_structured

_JSON = re.compile(r'[\[{]|```(?:\w*[ \t]*\n)?\s*[\[{]|[^{}\[\]]*:\s*\{\s*"')
_FENCE = re.compile(r'\A```\w*[ \t]*\n(.*?)(?:```\s*)?\Z', re.DOTALL)
_NAMES = (
    'caption',
    'captions',
    'detailed_caption',
    'image_caption',
    'description',
    'image_description',
    'detailed_description',
    'answer',
    'response',
    'text',
    'content',
    'output',
    'result',
    'summary',
    'sentence',
    'sentences',
)
_ACTIONS = ('action', 'actions', 'activity', 'verb')


def read_caption(text: str) -> FinalAnswer:
    """Read a caption: without reasoning, marks, refusals and JSON.

    Args:
        text (str): The model's output.

    Returns:
        FinalAnswer: Running text, or the interactions that JSON holds in
        place of it.
    """
    answer = read_final_answer(text)
    if answer.problem:
        return answer
    fence = _FENCE.match(answer.text)
    body = fence.group(1).strip() if fence else answer.text
    if not _is_json(answer.text):
        return FinalAnswer(body)
    found = find_json(answer.text, keep_torn=True)
    if not found or found[-1].content is None:
        return FinalAnswer(body)
    prose = ' '.join(_prose(found[-1].content, 0))
    if not prose:
        structured = read_structured(answer.text)
        if not structured.items:
            return FinalAnswer('', EMPTY)
        return FinalAnswer('', None, structured)
    plain = without_refusal(prose)
    return FinalAnswer(plain, None if plain else REFUSED)


def _is_json(text: str) -> bool:
    """Check for JSON, also behind a fence or lead-in."""
    return _JSON.match(text.strip()) is not None


def _prose(content: Any, depth: int) -> List[str]:
    """Return the sentences of the caption field, else of all."""
    if isinstance(content, str):
        return [content.strip()] if len(content.split()) > 2 else []
    if depth > 4:
        return []
    if isinstance(content, list):
        return [text for part in content for text in _prose(part, depth + 1)]
    if not isinstance(content, dict):
        return []
    low = {str(key).strip().lower(): value for key, value in content.items()}
    # 'a man in red' and 'riding a bicycle' belong together.
    for name in _NAMES if low.keys().isdisjoint(_ACTIONS) else ():
        value = low.get(name)
        found = (
            [value.strip()]
            if isinstance(value, str) and value.strip()
            else _prose(value, depth + 1)
        )
        if found:
            return found
    return [
        text
        for name, value in low.items()
        if 'reason' not in name
        and 'thought' not in name
        and 'think' not in name
        for text in _prose(value, depth + 1)
    ]
