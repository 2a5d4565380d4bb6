"""Parsing of the responses of OpenAI-compatible endpoints."""

from typing import Any, Dict, List, Optional, Tuple

from ..requests.messages import SCORE, Failure, Response
from .base import Outcome
from .yes_no import yes_probability

_FILTERED = ('content_filter', 'safety', 'sensitive', 'prohibited_content')
_REFUSED = ('refusal', 'refused')
NO_LOGPROBS = (
    'the endpoint sends no log-probabilities (logprobs), which the stage '
    '"score" needs; use an endpoint that has them, such as vLLM, or leave '
    'the stage out'
)


def read_completion(answer: Dict[str, Any], kind: str) -> Outcome:
    """Read a chat completion.

    Args:
        answer (Dict[str, Any]): The endpoint's JSON.
        kind (str): Kind of the request: 'caption', 'list' or 'score'.

    Returns:
        Response | Failure: The answer, or why there is none.

    Raises:
        ValueError, KeyError, IndexError, TypeError, AttributeError: It is no
            chat completion.
    """
    choice = answer['choices'][0]
    message = choice.get('message') or {}
    finish = str(choice.get('finish_reason') or 'stop').lower()
    text, refusal = _join(message.get('content'))
    refusal = refusal or message.get('refusal')
    if finish in _FILTERED:
        return Failure(
            'content_filter', str(refusal or text or finish)[:1000], True
        )
    if refusal or finish in _REFUSED:
        return Failure('refused', str(refusal or text or finish)[:1000], True)
    score = None
    if kind == SCORE:
        tops = _first_tokens(choice.get('logprobs'))
        if not tops:
            return Failure('no_logprobs', NO_LOGPROBS)
        score = yes_probability(tops)
        if score is None:
            return Failure('no_yes_or_no', f'first tokens: {list(tops)}', True)
    elif not text.strip():
        return _empty(message, finish)
    usage = answer.get('usage') or {}
    return Response(
        text=text,
        finish='length' if finish in ('length', 'max_tokens') else 'stop',
        tokens_in=int(usage.get('prompt_tokens') or 0),
        tokens_out=int(usage.get('completion_tokens') or 0),
        score=score,
    )


def _empty(message: Dict[str, Any], finish: str) -> Failure:
    reasons = any(
        message.get(name) for name in ('reasoning_content', 'reasoning')
    )
    if finish in ('length', 'max_tokens'):
        return Failure(
            'unfinished_reasoning' if reasons else 'token_limit',
            'the token limit was reached before an answer began; raise '
            '--max-tokens, or turn the reasoning off or down with --options '
            'parameters={...}',
        )
    return Failure(
        'empty',
        'the content is empty'
        + (', all of it is in the field for reasoning' if reasons else '')
        + f' (finish_reason "{finish}")',
    )


def _join(content: Any) -> Tuple[str, Optional[str]]:
    """Extract text and refusal of a string or parts."""
    if content is None:
        return '', None
    if isinstance(content, str):
        return content, None
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        raise TypeError(f'content is {type(content).__name__}')
    texts: List[str] = []
    refusal = None
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif part.get('type', 'text') in ('text', 'output_text'):
            texts.append(_text(part.get('text')))
        elif part['type'] == 'refusal':
            refusal = str(part.get('refusal') or 'refusal')
    return ''.join(texts), refusal


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get('value')
    return value if isinstance(value, str) else ''


def _first_tokens(logprobs: Any) -> Dict[str, float]:
    """Get the first token's log-probabilities, chat or legacy."""
    if not isinstance(logprobs, dict):
        return {}
    found: Dict[str, float] = {}
    rows = logprobs.get('content')
    if isinstance(rows, list) and rows:
        for row in [*(rows[0].get('top_logprobs') or ()), rows[0]]:
            if 'token' in row:
                found.setdefault(row['token'], float(row['logprob']))
    tops = logprobs.get('top_logprobs')
    if isinstance(tops, list) and tops and isinstance(tops[0], dict):
        for token, value in tops[0].items():
            found.setdefault(token, float(value))
    return found
