"""Messages quoted in docs/troubleshooting.md exist in the code."""

import ast
import re
from functools import lru_cache

import pytest

from tests.data_utils import REPO
from tests.test_docs.pages import DOCS

PAGE = next(path for path in DOCS if path.name == 'troubleshooting.md')
QUOTED = re.findall(r'^\*\*`(.+)`\*\*$', PAGE.read_text(), re.M)
HOLE = '\0'


def text_of(node):
    """Return a string of the code with placeholders for values."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return ''.join(
            part.value if isinstance(part, ast.Constant) else HOLE
            for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    return HOLE


@lru_cache(maxsize=None)
def messages():
    files = [
        *(REPO / 'clhoi_mm').rglob('*.py'),
        *(REPO / 'tools').rglob('*.py'),
    ]
    found = set()
    for path in files:
        tree = ast.parse(path.read_text())
        # A string statement is a docstring, which users do not see.
        bare = {n.value for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        for node in ast.walk(tree):
            if node not in bare and isinstance(
                node, (ast.Constant, ast.JoinedStr, ast.BinOp)
            ):
                found.add(text_of(node))
    return found


def occurs(quoted):
    """Return whether a string of the code matches in order."""
    parts = [part for part in re.split('…+', quoted) if part.strip('. ')]
    pattern = re.compile('.*?'.join(map(re.escape, parts)), re.S)
    return any(pattern.search(message) for message in messages())


@pytest.mark.parametrize('quoted', QUOTED)
def test_quoted_message_exists(quoted):
    assert occurs(quoted)


def test_comparison_detects_wrong_messages():
    assert len(QUOTED) >= 25
    assert not occurs('…: no such unicorn; feed it')
    # Parts in another order do not match.
    assert not occurs('no GPU here; device=…')
