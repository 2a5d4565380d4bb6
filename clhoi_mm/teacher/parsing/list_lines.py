"""Lines of a list: 'person - ride - bicycle'."""

import re
from typing import List, Optional, Tuple

from clhoi_mm.utils.morphology import singular, verb_form

from .lexicon import Lexicon, load_words

# A verb with its particles, and an object.
Pair = Tuple[str, str]

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


class ListLines:
    """Reader of lines with little more than verb and object.

    Args:
        lexicon (Lexicon): The vocabulary's objects and verbs.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.persons = load_words()['persons']

    def read(self, line: str) -> Optional[List[Pair]]:
        """Read the pairs of a line.

        Args:
            line (str): One line or clause, perhaps numbered: 'person - ride
                - bicycle', 'riding -> bicycle', 'bicycle: ride, hold',
                '(person, ride, bicycle)', 'person riding a bicycle'.

        Returns:
            List[Tuple[str, str]]: Verbs and objects; None for any other
            line.
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
            if len(parts) == 2 and not self._is_person(_words_of(parts[0])):
                return self._listed(*parts)
        parts = [_LABELS.sub('', part).strip(' "\'') for part in parts]
        if not all(map(_WORDS.fullmatch, parts)):
            return None
        words = [_words_of(part) for part in parts]
        if len(words) > 1 and self._is_person(words[0]):
            words = words[1:]
            if len(words) == 2 and all(words) and len(words[0]) < 4:
                return [(' '.join(words[0]), ' '.join(words[1]))]
        if len(words) == 2:
            return self._pair(*words)
        return self._phrase(words[0]) if len(words) == 1 else None

    def _is_person(self, words: List[str]) -> bool:
        return len(words) == 1 and singular(words[0]) in self.persons

    def _listed(self, head: str, tail: str) -> Optional[List[Pair]]:
        """Read 'bicycle: ride, hold' or 'riding: bicycle, horse'."""
        first = _words_of(_LABELS.sub('', head))
        if not first or _LABELS.match(head + ': '):
            return self._phrase(_words_of(tail))
        pairs: List[Pair] = []
        for part in tail.split(','):
            other = _words_of(part)
            pair = self._pair(first, other) or self._pair(other, first)
            if not pair:
                return None
            pairs += pair
        return pairs

    def _phrase(self, words: List[str]) -> Optional[List[Pair]]:
        """Read 'riding a bicycle' or 'person ride bicycle'."""
        if len(words) > 2 and self._is_person(words[:1]):
            words = [word for word in words[1:] if word not in _FILLERS]
        for cut in range(1, min(4, len(words))):
            rest = [word for word in words[cut:] if word not in _FILLERS]
            form = verb_form(words[0])
            # 'hits the ball with a bat' has several objects.
            if form and self.lexicon.has_verb(form.lemma, words[1:cut]):
                pair = self._pair(words[:cut], rest)
                if pair:
                    return pair
        return None

    def _pair(self, verb: List[str], thing: List[str]) -> Optional[List[Pair]]:
        """Pair a verb and an object; None where they are none."""
        if not thing or not 0 < len(verb) < 4:
            return None
        form = verb_form(verb[0])
        if not form or form.lemma not in self.lexicon.verb_lemmas:
            return None
        found = self.lexicon.find_object(thing)
        if found is None or found[1] < len(thing):
            return None
        if form.lemma == 'be' or self.lexicon.find_object(verb):
            return None
        return [(' '.join(verb), ' '.join(thing))]


def _words_of(part: str) -> List[str]:
    words = part.lower().replace('_', ' ').rstrip('#0123456789 ').split()
    while words and words[0] in _FILLERS:
        words = words[1:]
    return words
