"""The documents, and what is quoted in them."""

import re
from pathlib import Path
from typing import Iterator, List, Tuple

from tests.data_utils import REPO

DOCS = [
    REPO / 'README.md',
    REPO / 'CONTRIBUTING.md',
    *sorted((REPO / 'docs').glob('*.md')),
    *sorted((REPO / 'configs').rglob('README.md')),
]
FENCE = re.compile(r'^( *)```([\w{}]*)\n(.*?)^\1```', re.M | re.S)


def blocks(path: Path, *languages: str) -> Iterator[str]:
    """The fenced blocks of these languages, without their indent."""
    for indent, language, text in FENCE.findall(path.read_text()):
        if language in languages:
            yield re.sub(f'^{indent}', '', text, flags=re.M)


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    return FENCE.sub('', path.read_text())


def commands() -> List[Tuple[str, str]]:
    """(document, command) of every shell block and of every tool in prose."""
    found = []
    for path in DOCS:
        lines = []
        for block in blocks(path, 'shell', 'bash'):
            lines += block.replace('\\\n', ' ').splitlines()
        lines += re.findall(
            r'`((?:python (?:tools|projects)|tools/dist|make )[^`]*)`',
            prose(path),
        )
        found += [
            (path.name, line)
            for line in lines
            if line.strip() and not line.lstrip().startswith('#')
        ]
    return found
