"""Documents of the project and the code quoted in them."""

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
    """Return the fenced blocks of given languages without indent."""
    for indent, language, text in FENCE.findall(path.read_text()):
        if language in languages:
            yield re.sub(f'^{indent}', '', text, flags=re.M)


def prose(path: Path) -> str:
    """Return a document without its fenced blocks."""
    return FENCE.sub('', path.read_text())


def commands() -> List[Tuple[str, str]]:
    """Return (document, command) of shell blocks and prose."""
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
