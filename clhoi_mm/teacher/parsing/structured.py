"""Structured answers: JSON, else a table, YAML or XML."""

import json
import re
from typing import Any, Iterator, List, NamedTuple

from .answer_fields import read_fields
from .answer_items import Item, is_item, read_items
from .answer_json import FoundJSON, find_json

_WORD = re.compile(r'[^\W\d_]+')
_FLAT_OBJECT = re.compile(r'\{[^{}]*\}')
_CORRECTION = re.compile(
    r'\b(?:wait|actually|correct|final|revis|answer|instead|sorry|update|no\b|'
    r'better|again|hmm)',
    re.IGNORECASE,
)


class StructuredAnswer(NamedTuple):
    """Content of a structured answer.

    Attributes:
        items (List[Interaction | str]): Interactions, and phrases to be
            parsed as prose, in the model's order.
        malformed (bool): Whether it was not well-formed, or some of it could
            not be read.
        found (bool): Whether there was any structure at all.
    """

    items: List[Item]
    malformed: bool
    found: bool


def read_structured(text: str, repair: bool = True) -> StructuredAnswer:
    """Read an answer that should be JSON; no text raises.

    Code fences and prose around the JSON are skipped; broken JSON is
    repaired. Of several lists the last one counts, as those before are
    drafts. An item that was cut off is dropped. Without any JSON a Markdown
    table, YAML or XML is read, which counts as malformed.

    Args:
        text (str): The answer, without reasoning.
        repair (bool): Whether to repair broken JSON, which needs
            json_repair. Without, the flat objects that are whole are kept.
            Defaults to True.

    Returns:
        StructuredAnswer: The interactions of the answer.
    """
    found = find_json(text, repair)
    if found:
        last = last_answer(text, found)
        contents = [x.content for x in last if x.content is not None]
        items, is_whole = read_items(contents)
        malformed = not is_whole or any(x.repaired for x in last)
    else:
        contents = read_fields(text)
        items, malformed = read_items(contents)[0], bool(text.strip())
    if contents or repair:
        return StructuredAnswer(items, malformed, bool(contents))
    return StructuredAnswer(
        read_items(list(flat_objects(text)))[0], True, False
    )


def flat_objects(text: str) -> Iterator[Any]:
    """Yield the objects without nesting that are valid JSON."""
    for match in _FLAT_OBJECT.findall(text):
        # int() of a huge literal is a ValueError too.
        try:
            content = json.loads(match)
        except (ValueError, RecursionError):
            continue
        yield content


def last_answer(text: str, found: List[FoundJSON]) -> List[FoundJSON]:
    """Return the last group of values that belong together."""
    groups = [[found[0]]]
    for item in found[1:]:
        before = groups[-1][-1]
        if _belong_together(before, item, text[before.end : item.start]):
            groups[-1].append(item)
        else:
            groups.append([item])
    # 'Without any, the list would be [].' is no answer.
    full = [x for x in groups if any(item.content for item in x)]
    if full and text[: groups[-1][0].start].rstrip(' ')[-1:] not in ':\n`':
        return full[-1]
    return groups[-1]


def _belong_together(one: FoundJSON, other: FoundJSON, gap: str) -> bool:
    if is_item(one.content) and is_item(other.content):
        return True
    words = len(_WORD.findall(gap))
    return '```' not in gap and words <= 3 and not _CORRECTION.search(gap)
