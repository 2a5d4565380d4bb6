"""'person - ride - bicycle': triplets that stand for sentences."""
import re
from typing import Container

from ...vocabulary import with_article
from ..english import gerund
from .morphology import singular

_NUMBER = re.compile(r'^\(?\d{1,3}[.):]\s*')
_BREAK = re.compile(r'\s+-+\s+|\s*(?:-+>|=+>|\u2192|\||\u00b7)\s*')
_BRACKETS = re.compile(r'^[<(\[{]\s*([^<>()\[\]{}]+?)\s*[>)\]}]$')
_WORDS = re.compile(r"[A-Za-z][A-Za-z_' ]*(?: ?#?\d{1,3})?")
_PARTICLES = re.compile(r'^(?:(?:is|are|be|being|a|an|the|to)\s+)+', re.I)


def expand_triplet(line: str, persons: Container[str]) -> str:
    """A triplet as a sentence; any other line as it is.

    Args:
        line (str): One line or clause, perhaps numbered. Parts are set off
            by dashes, arrows or bars, within brackets by commas.
        persons (Container[str]): Nouns of people; others act in nothing
            that counts.

    Returns:
        str: 'a person is riding a bicycle' for 'Person - ride - bicycle'.
    """
    plain = _NUMBER.sub('', line.strip()).strip('.| ')
    inner = _BRACKETS.match(plain)
    if inner:
        plain = inner.group(1)
    parts = [part.strip(' "\'') for part in _BREAK.split(plain)]
    if inner and len(parts) == 1:
        parts = [part.strip(' "\'') for part in plain.split(',')]
    if len(parts) != 3 or not all(map(_WORDS.fullmatch, parts)):
        return line
    who, verb, thing = (part.rstrip('#0123456789 ').replace('_', ' ')
                        for part in parts)
    verb, thing = (_PARTICLES.sub('', part).lower() for part in (verb, thing))
    head = who.lower().split()[-1:]
    if not head or not verb or not thing or len(verb.split()) > 3 or (
            singular(head[0]) not in persons):
        return line
    return f'{with_article(who.lower())} is {gerund(verb)} ' \
        f'{with_article(thing)}'
