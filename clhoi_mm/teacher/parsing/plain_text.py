"""Plain sentences of a VLLM's running text."""

import re
import unicodedata
from typing import List

_QUOTES = str.maketrans({
    '\u2018': "'", '\u2019': "'", '\u201c': '"', '\u201d': '"',
    '\u2013': ' - ', '\u2014': ' - ', '\u2026': '. '
})  # fmt: skip
_FENCE = re.compile(r'```\w*')
_LINK = re.compile(r'!?\[([^\]]*)\]\([^)]*\)')
_BULLET = re.compile(
    r'^\s*(?:[-*+\u2022\u25cf>#]+|\(?\d{1,3}[.)]|[a-z][.)])\s+'
)
_INLINE_NUMBER = re.compile(r'(?<=[a-z,;:.])\s+(?=\d{1,2}[.)]\s+[A-Za-z<(])')
_HEADING = re.compile(
    r'^\s*(?:human[ -]object )?(?:interactions?|actions?|answer|description|'
    r'caption|summary|verbs?|activit(?:y|ies))\s*:\s*',
    re.I,
)
_EMPHASIS = re.compile(r'[*_`#]{1,3}')
_END = re.compile(r'(?<=[.!?])["\')\]]*\s+(?=["\'(\[]*[A-Z0-9])|[;\n]+')
_ABBREVIATION = re.compile(r'\b(Mr|Mrs|Ms|Dr|St|vs|etc|e\.g|i\.e)\.', re.I)
_CONTRACTIONS = (
    (re.compile(r"\bcan't\b", re.I), 'can not'),
    (re.compile(r"\bwon't\b", re.I), 'will not'),
    (re.compile(r'\bcannot\b', re.I), 'can not'),
    (re.compile(r"(\w)n't\b", re.I), r'\1 not'),
    (re.compile(r"(\w)'re\b", re.I), r'\1 are'),
    (re.compile(r"(\w)'ve\b", re.I), r'\1 have'),
    (re.compile(r"(\w)'ll\b", re.I), r'\1 will'),
    (re.compile(r"(\w)'d\b", re.I), r'\1 would'),
    (re.compile(r"\bI'm\b"), 'I am'),
)


def split_prose(text: str) -> List[str]:
    """Split prose into sentences without markdown.

    Args:
        text (str): A VLLM's answer.

    Returns:
        List[str]: Sentences; list items and clauses after ';' count as such.
    """
    text = text.encode('utf-8', 'replace').decode('utf-8')
    text = unicodedata.normalize('NFKC', text).translate(_QUOTES)
    text = _LINK.sub(r'\1', _FENCE.sub(' ', text))
    text = _INLINE_NUMBER.sub('\n', text)
    lines = []
    for line in text.splitlines():
        line = _BULLET.sub('', line)
        line = _EMPHASIS.sub(
            lambda match: ' ' if match.group() == '_' else '', line
        )
        lines.append(_HEADING.sub('', line))
    text = _ABBREVIATION.sub(r'\1', '\n'.join(lines))
    for pattern, plain in _CONTRACTIONS:
        text = pattern.sub(plain, text)
    parts = (part.strip() for part in _END.split(text))
    return [part for part in parts if part]
