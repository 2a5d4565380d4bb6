"""'person - ride - bicycle': lists that stand for sentences."""

import re
from typing import List

from ...vocabulary import with_article
from ..english import gerund
from .lexicon import Lexicon, load_words
from .morphology import singular, verb_form

_NUMBER = re.compile(r'^\(?\d{1,3}[.):]\s*')
_BREAK = re.compile(r'\s+-+\s+|\s*(?:-+>|=+>|\u2192|\||\u00b7)\s*')
_COLON = re.compile(r'\s*:\s+')
_LABELS = re.compile(
    r'\b(?:verb|action|object|person|human|subject)\s*[:=]\s*', re.I
)
_OBJECT = re.compile(r',\s*object\s*[:=]', re.I)
_BRACKETS = re.compile(r'^[<(\[{]\s*([^<>()\[\]{}]+?)\s*[>)\]}]$')
_WORDS = re.compile(r"[A-Za-z][A-Za-z_' ]*(?: ?#?\d{1,3})?")
_FILLERS = frozenset('is are be being a an the to'.split())


class TripletReader:
    """Finds lines that name a verb and an object, and little else.

    Args:
        lexicon (Lexicon): Knows the vocabulary's objects and verbs.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.persons = load_words()['persons']

    def expand(self, line: str) -> str:
        """Such a line as a sentence; any other as it is.

        Args:
            line (str): One line or clause, perhaps numbered: 'person - ride
                - bicycle', 'riding -> bicycle', 'bicycle: ride, hold',
                '(person, ride, bicycle)'.

        Returns:
            str: 'a person is riding a bicycle'.
        """
        plain = _NUMBER.sub('', line.strip()).strip('.| ')
        inner = _BRACKETS.match(plain)
        if inner:
            plain = inner.group(1)
        parts = _BREAK.split(plain)
        if len(parts) == 1 and (inner or _OBJECT.search(plain)):
            parts = plain.split(',')
        if len(parts) == 1:
            parts = _COLON.split(plain)
            if len(parts) == 2:
                return self._listed(*parts) or line
        parts = [_LABELS.sub('', part).strip(' "\'') for part in parts]
        if not all(map(_WORDS.fullmatch, parts)):
            return line
        words = [_words_of(part) for part in parts]
        if (
            len(parts) == 3
            and words[0]
            and (singular(words[0][-1]) in self.persons)
        ):
            return self._sentence(*words, check=False) or line
        if len(parts) == 2:
            return self._sentence(['person'], *words) or line
        return line

    def _listed(self, head: str, tail: str) -> str:
        """'bicycle: ride, hold' and 'riding: bicycle, horse'."""
        first = _words_of(head)
        said = []
        for part in tail.split(','):
            other = _words_of(part)
            sentence = self._sentence(['person'], first, other)
            sentence = sentence or self._sentence(['person'], other, first)
            if not sentence:
                return ''
            said.append(sentence)
        return ', and '.join(said)

    def _sentence(
        self,
        who: List[str],
        verb: List[str],
        thing: List[str],
        check: bool = True,
    ) -> str:
        """Empty where these are no verb and no object."""
        if not thing or not 0 < len(verb) < 4:
            return ''
        if check:
            form = verb_form(verb[0])
            if not form or form.lemma not in self.lexicon.verb_lemmas:
                return ''
            found = self.lexicon.find_object(thing)
            if found is None or found[1] < len(thing):
                return ''
            if form.lemma == 'be' or self.lexicon.find_object(verb):
                return ''
        return (
            f'{with_article(" ".join(who))} is {gerund(" ".join(verb))} '
            f'{with_article(" ".join(thing))}'
        )


def _words_of(part: str) -> List[str]:
    words = part.lower().replace('_', ' ').rstrip('#0123456789 ').split()
    while words and words[0] in _FILLERS:
        words = words[1:]
    return words
