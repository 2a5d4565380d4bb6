"""Separation of a model's answer from its reasoning."""

import re
from itertools import zip_longest
from typing import List, NamedTuple, Tuple

_REASON = (
    r'(?:think|thinking|thoughts?|reason|reasoning|reflection|analysis|'
    r'rationale|scratchpad|deliberation|chain[_-]of[_-]thought|cot|'
    r'inner[_-]monologue|internal|details)'
)
_ANSWER = r'(?:final[_-])?(?:answer|response|conclusion|solution|output|box)'
# <think>, <|thinking|>, <seed:think>, <|begin_of_thought|>, and for answers
# <answer>, <|begin_of_box|>; [THINK] is Mistral's, ◁think▷ Kimi's,
# <|START_THINKING|> Cohere's, <unused94> Gemma's.
_MARK = re.compile(
    rf"""
      (?:<|&lt;)\s*\|?\s*(?:\w+:)?
      (?P<side>/|begin_of_|start_|start_of_|end_of_|end_)?
      \s*(?:\w+:)?(?:(?P<reason>{_REASON})|(?P<answer>final|{_ANSWER}))
      (?:\s[^<>&]*)?\|?\s*(?:>|&gt;)
    | (?P<think_open>\[THINK\]|\u25c1think\u25b7|<unused94>(?:thought\b)?
      |<\|channel\|>(?!\s*final)[^<]*(?:<\|message\|>)?)
    | (?P<think_close>\[/THINK\]|\u25c1/think\u25b7|<unused95>
      |<\|channel\|>\s*final[^<]*(?:<\|message\|>)?)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Remains of other special tokens.
_SPECIAL = re.compile(
    r'<\|im_start\|>assistant|<\|start\|>assistant|<start_of_turn>model|'
    r'<\|[\w.\-]{1,40}\|>|</?s>|<(?:end_of_turn|eos|bos|pad)>',
    re.IGNORECASE,
)
# gpt-oss and Granite without their special tokens.
_PLAIN_OPEN = re.compile(
    r'\s*(?:analysis(?=[A-Z])|here(?: is|\'s) my (?:thought process|reasoning)'
    r'\W|[#*_\s]*(?:thinking process|thought process|reasoning|thinking|'
    r'thoughts?)[*_\s]*(?::|\.{3}|\u2026))',
)
# A quotation at the start, as chat interfaces show thoughts.
_QUOTED = re.compile(
    r'\A\s*>[ *_#>]*(?:thinking|thoughts?|thought process|reasoning)\b.*\n'
    r'(?:>.*(?:\n|\Z))*',
    re.IGNORECASE,
)
_PLAIN_CLOSE = re.compile(
    r'assistantfinal(?=\W|[A-Z])|'
    r'(?im:(?:^|[.!?] )\W*here(?: is|\'s) my (?:response|answer)\W+)|'
    r'(?im:^\.{3} ?done thinking\.?)|'
    r'(?im:^[#*_\s>-]*(?:(?:my |the )?final )?(?:answer|caption|response|'
    r'conclusion|description|output|result)[*_\s]*:[*_\s]*)'
)
_FINAL = re.compile(
    r'(?im:^[#*_\s>-]*(?:my |the |so,? )*final (?:answer|caption|response|'
    r'description|output|result|json|version)(?: is)?[*_ ]*(?::|$)[*_\s]*)'
)
_SENTENCE_BREAK = re.compile(r'(?:\A|[.:!?\n>*`"\')\]}])\s*\Z')
_JSON = re.compile(r'[\[{]\s*["{\[\]}]')


class _Part(NamedTuple):
    role: str  # 'open', 'close', 'answer' or 'end' of an answer
    start: int
    end: int


def split_reasoning(text: str) -> Tuple[str, bool]:
    """Find the answer that follows a model's reasoning.

    Marks of many models are known: tags such as ``<think>``, channels,
    boxes around the answer. Without an opening mark all that stands before
    the last closing one is reasoning. Of several marked answers the last one
    counts.

    Args:
        text (str): A model's whole output.

    Returns:
        Tuple[str, bool]: The answer without marks, and whether the reasoning
        ends; where it does not there is no answer.
    """
    text = _QUOTED.sub('', text)
    parts = _parts(text)
    closed = max((x.end for x in parts if x.role == 'close'), default=0)
    opened = max((x.end for x in parts if x.role == 'open'), default=0)
    answers = _marked_answers(text, parts)
    if opened > closed:
        # The answer may be marked where the reasoning is not closed.
        answers = [
            text[a:b] for a, b, ended in answers if a > opened and ended
        ]
        return (_plain(answers[-1]), True) if answers else ('', False)
    after = [text[a:b] for a, b, _ in answers if a >= closed]
    if after:
        return _plain(after[-1]), True
    rest = _plain(text[closed:])
    if not rest and answers:
        return _plain(text[slice(*answers[-1][:2])]), True
    return (rest, True) if closed else _split_plain(rest)


def reasoning_marks(text: str) -> List[str]:
    """List the marks of reasoning, 'open' and 'close'."""
    roles = [part.role for part in _parts(text)]
    return [role for role in roles if role in ('open', 'close')]


def _parts(text: str) -> List[_Part]:
    parts = []
    for match in _MARK.finditer(text):
        ends = (match['side'] or '').lower() in ('/', 'end_', 'end_of_')
        if match['reason'] or match['think_open'] or match['think_close']:
            role = 'close' if ends or match['think_close'] else 'open'
        else:
            role = 'end' if ends else 'answer'
        parts.append(_Part(role, *match.span()))
    return parts


def _marked_answers(
    text: str, parts: List[_Part]
) -> List[Tuple[int, int, bool]]:
    """Find marked answers: start, end, whether closed."""
    found = []
    parts = [x for x in parts if x.role in ('answer', 'end')]
    for part, end in zip_longest(parts, parts[1:]):
        # A box within a sentence marks words, not the answer.
        if part.role != 'answer' or not _SENTENCE_BREAK.search(
            text[max(0, part.start - 20) : part.start]
        ):
            continue
        stop = end.start if end else len(text)
        if text[part.end : stop].strip():
            found.append((part.end, stop, end is not None))
    return found


def _plain(text: str) -> str:
    """Strip marks, special tokens and 'Final answer:'."""
    text = _SPECIAL.sub(' ', _MARK.sub(' ', text)).strip()
    ends = [match.end() for match in _FINAL.finditer(text)]
    return (text[ends[-1] :].strip() if ends else '') or text


def _split_plain(text: str) -> Tuple[str, bool]:
    """Split 'Reasoning: ... Answer: ...'."""
    opened = _PLAIN_OPEN.match(text[:1].lower() + text[1:]) or (
        _PLAIN_OPEN.match(text[:200].lower())
    )
    if opened is None:
        return text, True
    rest = ''
    for close in _PLAIN_CLOSE.finditer(text, opened.end()):
        rest = text[close.end() :].strip() or rest
    if rest:
        return rest, True
    found = _JSON.search(text, opened.end())
    return (text[found.start() :], True) if found else ('', False)
