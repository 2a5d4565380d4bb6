"""Rule-based English inflection for words without a known inflection."""

import re
from typing import Tuple

_VOWELS = 'aeiou'
# A final closed syllable doubles its consonant unless it is unstressed.
_CLOSED = re.compile(r'(?:^|[^aeiou]|qu)[aeiou][^aeiouwxy]$')
_UNSTRESSED = re.compile(r'[aeiou][^aeiou]+(?:en|er|or|it)$')
_IRREGULAR_THIRD = {'be': 'is', 'do': 'does', 'go': 'goes', 'have': 'has'}
_IRREGULAR_PLURAL = {
    'person': 'people', 'knife': 'knives', 'mouse': 'mice', 'sheep': 'sheep',
    'child': 'children', 'broccoli': 'broccoli', 'food': 'food',
    'water': 'water'
}  # fmt: skip


def gerund(verb: str) -> str:
    """Form the gerund: 'sit_on' -> 'sitting on'; gerunds are kept.

    Args:
        verb (str): A verb's name, its particle after '_' or a space.

    Returns:
        str: The gerund with its particle.
    """
    head, rest = _split_head(verb)
    return _gerund_of(head) + rest


def third_person(verb: str) -> str:
    """Form the third person singular: 'sit_on' -> 'sits on'.

    Args:
        verb (str): A verb's name, its particle after '_' or a space.

    Returns:
        str: The third person singular with its particle.
    """
    head, rest = _split_head(verb)
    return _IRREGULAR_THIRD.get(head, _with_s(head)) + rest


def plural(noun: str) -> str:
    """Form the plural: 'wine_glass' -> 'wine glasses'; plurals are kept.

    Args:
        noun (str): An object's name.

    Returns:
        str: Its plural.
    """
    *front, last = noun.replace('_', ' ').split(' ')
    if last in _IRREGULAR_PLURAL:
        last = _IRREGULAR_PLURAL[last]
    elif not last.endswith('s') or last.endswith(('ss', 'us')):
        last = _with_s(last)
    return ' '.join(front + [last])


def _split_head(verb: str) -> Tuple[str, str]:
    head, space, rest = verb.replace('_', ' ').partition(' ')
    return head, space + rest


def _gerund_of(head: str) -> str:
    if head.endswith('ing') and len(head) > 5:
        return head
    if head.endswith('ie'):
        return head[:-2] + 'ying'
    if head.endswith('e') and not head.endswith(('ee', 'oe', 'ye', 'be')):
        return head[:-1] + 'ing'
    if _CLOSED.search(head) and not _UNSTRESSED.search(head):
        return head + head[-1] + 'ing'
    return head + 'ing'


def _with_s(word: str) -> str:
    if word.endswith(('s', 'x', 'z', 'ch', 'sh')):
        return word + 'es'
    if word.endswith('y') and word[-2:-1] not in _VOWELS:
        return word[:-1] + 'ies'
    return word + 's'
