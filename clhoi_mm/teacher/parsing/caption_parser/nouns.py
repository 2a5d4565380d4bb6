"""Meaning of nouns in a parsed sentence."""

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Iterator, NamedTuple, Optional

from clhoi_mm.utils.morphology import singular

from ..lexicon import Lexicon, load_table, load_words

if TYPE_CHECKING:
    from spacy.tokens import Token
else:
    Token = Any
HUMAN, ANIMAL, THING, ART, META = 'persons', 'animals', 'thing', 'art', 'meta'
TABLE = load_table('captions.json')
WORDS = {name: frozenset(x.split()) for name, x in TABLE['words'].items()}
_PEOPLE = re.compile(r'[a-z]{3,}(?:ist|man|men|woman|women|eer)$')
_TOPICS = ('nsubj', 'nsubjpass', 'attr', 'ROOT')


class Noun(NamedTuple):
    """Meaning of a noun; ``label`` is -1 outside the vocabulary."""

    kind: str
    label: int
    name: str


def children(token: Token) -> list[Token]:
    """List a token's children; spaCy's own search is slower."""
    known = token.doc.user_data
    if 'children' not in known:
        known['children'] = defaultdict(list)
        for other in token.doc:
            if other.dep_ != 'ROOT':
                known['children'][other.head.i].append(other)
    return known['children'][token.i]


def sub(token: Token, *deps: str) -> list[Token]:
    """List a token's children in given relations."""
    return [child for child in children(token) if child.dep_ in deps]


class NounReader:
    """Reader of nouns and pronouns, text by text."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.vocabulary = lexicon.vocabulary
        self.words = load_words()
        self.person = Noun(HUMAN, self.vocabulary.person_label, 'person')

    def start(self, doc: Any) -> None:
        """Start a text, and resolve its 'board'."""
        low = doc.text.lower()
        self._known: dict[int, Noun] = {}
        nouns = [x for x in doc if x.tag_[:2] == 'NN' and x.dep_ != 'compound']
        self._nouns = [x for x in nouns if x.lower_ not in WORDS['others']]
        self._board = -1
        for name, signs in reversed(TABLE['boards'].items()):
            if any(sign in low for sign in signs):
                self._board = self.vocabulary.object_label(name)

    def read(self, token: Token) -> Noun:
        """Resolve a token, pronouns by nouns before them."""
        if token.i not in self._known:
            # A circular reference is a thing.
            self._known[token.i] = Noun(THING, -1, token.lower_)
            self._known[token.i] = self._read(token)
        return self._known[token.i]

    def group(self, token: Token) -> Iterator[Token]:
        """Yield a token and those that are coordinated with it."""
        todo = [token]  # a list may be longer than Python's stack
        while todo:
            token = todo.pop()
            yield token
            found = []
            for child in sub(token, 'conj', 'appos', 'prep'):
                if child.lower_ in ('including', 'like', 'as'):
                    found += sub(child, 'pobj', 'dobj')
                elif child.dep_ != 'prep' and child.tag_[:2] != 'VB':
                    # 'holding a cup and a man reading' joins two clauses.
                    people = self.read(child).kind == HUMAN
                    apart = {x.lower_ for x in sub(child, 'acl')}
                    if not people or self.read(token).kind == HUMAN:
                        found += [] if apart & WORDS['apart'] else [child]
            todo += reversed(found)

    def whole(self, token: Token) -> Optional[Token]:
        """Find the whole of a part: 'the handle *of a bat*'."""
        part = singular(token.lower_) in self.words['parts']
        for child in sub(token, 'prep', 'poss', 'compound'):
            if child.lower_ == 'of' and sub(child, 'pobj'):
                return sub(child, 'pobj')[0]
            owns = child.dep_ == 'poss' and child.tag_ != 'PRP$'
            if owns or (child.dep_ == 'compound' and part):
                return child
        return None

    def place(self, token: Token) -> tuple[list[str], Optional[Token]]:
        """Find the verb that a body part implies, and the part."""
        for part in (x for y in sub(token, 'prep') for x in sub(y, 'pobj')):
            name = f'{part.head.lower_} {singular(part.lower_)}'
            its = any(x.lower_ == 'its' for x in children(part))
            of = self.whole(part)
            if name in TABLE['places'] and not its:
                if of is None or self.read(of).kind == HUMAN:
                    return TABLE['places'][name].split(' '), part
        return [''], None

    def is_negated(self, token: Token) -> bool:
        """Check for 'no man' or 'none of them'."""
        before = {x.lower_ for x in children(token) if x < token}
        negated = token.lower_ in WORDS['negated']
        return negated or bool(before & {'no', 'neither'})

    def is_person(self, token: Token) -> bool:
        return singular(token.lower_) in self.words[HUMAN]

    def things(self, token: Token) -> list[Noun]:
        """List objects named before, the likeliest first."""
        found: list[list[Noun]] = [[], []]
        for other in self._nouns_before(token):
            noun, many = self.read(other), other.tag_.endswith('S')
            baby = singular(other.lower_) in WORDS['babies']
            if noun.label >= 0 and (noun.kind in (THING, ANIMAL) or baby):
                found[many == (token.lower_ == 'it')].append(noun)
        return found[0] + found[1]

    def _nouns_before(self, token: Token) -> Iterator[Token]:
        return (x for x in reversed(self._nouns) if x.i < token.i)

    def _read(self, token: Token) -> Noun:
        low, dep = token.lower_, token.dep_
        if token.tag_ in ('WDT', 'WP') or (low, dep) == ('that', 'dobj'):
            for above in token.ancestors:
                if above.dep_ == 'relcl':
                    return self.read(above.head)
        each = low in ('other', 'another') and token.i > 0
        each = each and token.nbor(-1).lower_ in ('each', 'one')
        if each or low in WORDS['personal']:
            return self.person
        others = low in WORDS['others']
        return self._pronoun(token) if others else self._noun(token)

    def _pronoun(self, token: Token) -> Noun:
        of, it = self.whole(token), token.lower_ in ('it', 'itself')
        if of is not None and of.tag_ != 'PRP':
            return self.read(of)
        if token.dep_ in (*_TOPICS, 'conj', 'appos', 'npadvmod'):
            apart = (META, ART, HUMAN) if it else (META, ART)
            for other in self._nouns_before(token):
                shows = other.dep_ == 'dobj' and sub(other.head, 'nsubj')
                # 'the image shows two men': the men are the topic
                topic = shows and self.read(shows[0]).kind == META
                if topic or other.dep_ in _TOPICS:
                    if self.read(other).kind not in apart:
                        return self.read(other)
        elif token.lower_ in WORDS['objects'] or of is not None:
            for noun in self.things(token):
                return noun
        return Noun(THING, -1, token.lower_) if it else self.person

    def _noun(self, token: Token) -> Noun:
        words, of = self._words(token), self.whole(token)
        head = singular(words[-1])
        label = self._label(words, of)
        if label >= 0:
            name = self.vocabulary.objects[label]
            animal = name.replace('_', ' ') in WORDS['animals']
            return Noun(ANIMAL if animal else THING, label, name)
        amount = head in self.words['quantifiers'] | self.words['parts']
        if of is not None and (amount or token.tag_[:2] in ('JJ', 'CD', 'DT')):
            return self.read(of)
        kind = self._kind(words[-1], head)
        above = singular(token.head.head.lower_) in self.words[ART]
        statue = of is not None and self.read(of).kind == ART
        if kind == HUMAN and not (token.head.lower_ == 'of' and above):
            return self.person
        art = kind == HUMAN or (kind == META and statue)
        return Noun(ART if art else kind, -1, ' '.join(words))

    def _words(self, token: Token) -> list[str]:
        """List the words of a noun's name."""
        words = [token.lower_]
        for i in range(token.i - 1, max(token.i - 5, -1), -1):
            word = token.doc[i]
            inside = word.dep_ in ('compound', 'amod', 'nmod', 'nummod')
            if word.lower_ != '-':
                if not inside or not i < word.head.i <= token.i:
                    break
                words.insert(0, word.lower_)
        return words

    def _label(self, words: list[str], of: Optional[Token]) -> int:
        head, name = singular(words[-1]), ' '.join(words[-2:])
        other = ' '.join([*words[-2:-1], head])
        if {name, other} & self.words['compounds']:
            return self.vocabulary.object_label(name)
        name = f'{words[-1]} of {of.lower_}' if of is not None else ''
        if name in self.lexicon.objects:
            return self.lexicon.objects[name]
        found = self.lexicon.find_object(words)
        if found is not None:
            toy = set(words[: -found[1]][-1:]) & WORDS['toys']
            gloves = words[-1] == 'gloves' and found[1] < 2
            return -1 if toy or gloves else found[0]
        return self._board if head == 'board' else -1

    def _kind(self, word: str, head: str) -> str:
        for kind in (ART, META, ANIMAL, HUMAN):
            if {word, head} & self.words[kind]:
                return kind
        stems = {head[:-2], head[:-2] + 'e', head[:-3]}
        does = head.endswith(('er', 'or')) and head not in WORDS['tools']
        does = does and stems & self.lexicon.verb_lemmas  # 'skier'
        return HUMAN if does or _PEOPLE.match(head) else THING
