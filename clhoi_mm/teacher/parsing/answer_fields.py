"""Named fields of tables, YAML and XML in answers."""

import re
from typing import Dict, Iterator, List, Tuple, Union

from .answer_items import OBJECTS, SCORES, VERBS, is_item

_NAMES = '|'.join((*VERBS, *OBJECTS, *SCORES, 'other_verb'))
# "- verb: ride", "<verb>ride</verb>" and <item verb="ride">.
_FIELD = re.compile(
    rf'^[ \t>*-]*["\'*]{{0,2}}(?P<yaml>{_NAMES})["\'*]{{0,2}}[ \t]*:[ \t*]*'
    r'(?P<line>[^\n]*)$'
    rf'|<(?P<xml>{_NAMES})>(?P<inner>[^<>]*)</'
    rf'|\b(?P<attribute>{_NAMES})[ ]?=[ ]?(?P<quote>["\'])'
    r'(?P<quoted>[^"\'<>\n]*)(?P=quote)',
    re.IGNORECASE | re.MULTILINE,
)
_RULE = frozenset(' \t|:-')


def read_fields(text: str) -> List[Dict[str, Union[str, List[str]]]]:
    """Read the items of a Markdown table, YAML or XML.

    Args:
        text (str): An answer without JSON.

    Returns:
        List[Dict[str, str | List[str]]]: Fields by name, each with a verb
        (or several) and an object. Empty where any item lacks one,
        since it is then unclear which fields belong together.
    """
    for items in (list(_table(text)), _records(text)):
        if items and all(map(is_item, items)):
            return [
                {name: _listed(name, value) for name, value in x.items()}
                for x in items
            ]
    return []


def _listed(name: str, value: str) -> Union[str, List[str]]:
    """Split a list of verbs, as in 'ride, hold'."""
    return value.split(',') if name in VERBS and ',' in value else value


def _table(text: str) -> Iterator[Dict[str, str]]:
    """Yield a table's rows by the names in its header."""
    header: List[str] = []
    before: List[str] = []
    for line in text.splitlines():
        if '|' not in line:
            header = before = []
        elif '-' in line and _RULE.issuperset(line):
            header = [name.lower().replace(' ', '_') for name in before]
        else:
            before = [
                x.strip(' \t*`') for x in line.strip().strip('|').split('|')
            ]
            if header:
                # A row of another length has no verb or no object.
                same = len(before) == len(header)
                yield dict(zip(header, before)) if same else {}


def _records(text: str) -> List[Dict[str, str]]:
    """Group fields to items, which begin with the same name."""
    items: List[Dict[str, str]] = []
    first = ''
    for name, value in _fields(text):
        first = first or name
        if name == first:
            items.append({})
        if name in items[-1]:
            return []
        items[-1][name] = value
    return items


def _fields(text: str) -> Iterator[Tuple[str, str]]:
    for match in _FIELD.finditer(text):
        name = match['yaml'] or match['xml'] or match['attribute']
        value = match['line'] or match['inner'] or match['quoted'] or ''
        yield name.lower(), value.strip(' \t\r\n"\'*')
