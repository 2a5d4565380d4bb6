"""A VLLM's structured answer to (verb, object, score), not only in JSON."""

import re
from typing import List, NamedTuple

from ..answer_fields import read_fields
from .answer_items import Item, is_item, read_items
from .answer_json import FoundJSON, find_json

_WORD = re.compile(r'[^\W\d_]+')
_CORRECTION = re.compile(
    r'\b(?:wait|actually|correct|final|revis|answer|instead|sorry|update|no\b|'
    r'better|again|hmm)',
    re.IGNORECASE,
)


class Answer(NamedTuple):
    """What could be read of a structured answer.

    Attributes:
        items (List[Item]): In the model's order.
        malformed (bool): Whether it was not well-formed, or some of it could
            not be read.
        found (bool): Whether there was any structure at all.
    """

    items: List[Item]
    malformed: bool
    found: bool


def read_structured(text: str, repair: bool = True) -> Answer:
    """Read an answer that should be JSON; no text makes it fail.

    Code fences and prose around the JSON are passed over; broken JSON is
    repaired. Of several lists the last one counts: those before are drafts.
    An item that was cut off is left out: half a name is no name. Without any
    JSON a Markdown table, YAML or XML is read, which counts as malformed.

    Args:
        text (str): The answer, without reasoning.
        repair (bool): See :func:`find_json`. Defaults to True.

    Returns:
        Answer: The interactions that it names.
    """
    found = find_json(text, repair)
    if not found:
        rows = read_fields(text)
        return Answer(read_items(rows)[0], bool(text.strip()), bool(rows))
    last = _last_answer(text, found)
    contents = [x.content for x in last if x.content is not None]
    items, whole = read_items(contents)
    malformed = not whole or any(x.repaired for x in last)
    return Answer(items, malformed, bool(contents))


def _last_answer(text: str, found: List[FoundJSON]) -> List[FoundJSON]:
    """The values that belong together and stand last."""
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
