"""The running text of a caption, which may come as JSON."""

import re
from typing import Any, List, Optional

from ..requests.messages import CAPTION, SCORE
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
        text (str): What the model wrote.

    Returns:
        FinalAnswer: Running text; empty and without a problem where JSON
        holds interactions in place of prose.
    """
    answer = read_final_answer(text)
    if answer.problem:
        return answer
    fence = _FENCE.match(answer.text)
    body = fence.group(1).strip() if fence else answer.text
    if not is_json(answer.text):
        return FinalAnswer(body)
    found = find_json(answer.text, keep_torn=True)
    if not found or found[-1].content is None:
        return FinalAnswer(body)
    prose = ' '.join(_prose(found[-1].content, 0))
    if not prose and not read_structured(answer.text).items:
        return FinalAnswer('', EMPTY)
    plain = without_refusal(prose)
    return FinalAnswer(plain, REFUSED if prose and not plain else None)


def answer_problem(kind: str, text: str) -> Optional[str]:
    """Why a text is no answer to a question.

    Args:
        kind (str): 'caption', 'list' or 'score'.
        text (str): What the model wrote.

    Returns:
        str, optional: 'empty', 'refused' or 'unfinished_reasoning'; None for
        an answer, and for a score, of which the text is one token.
    """
    if kind == SCORE:
        return None
    return (read_caption if kind == CAPTION else read_final_answer)(
        text
    ).problem


def is_json(text: str) -> bool:
    """Whether an answer is JSON, a code fence or a lead-in before it."""
    return _JSON.match(text.strip()) is not None


def _prose(content: Any, depth: int) -> List[str]:
    """The sentences of the field that holds the caption, else of all."""
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
