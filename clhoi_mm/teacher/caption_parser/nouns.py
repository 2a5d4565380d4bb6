"""What a noun of a parsed sentence stands for."""

import re
from typing import TYPE_CHECKING, Dict, Iterator, List, NamedTuple, Optional

from ..lexicon import Lexicon, load_table, load_words
from ..morphology import noun_lemma, singular, verb_form

if TYPE_CHECKING:
    from spacy.tokens import Token

HUMAN, ANIMAL, THING, ART, META = 'persons', 'animals', 'thing', 'art', 'meta'
TABLE = load_table('captions.json')
WORDS = {
    name: frozenset(text.split()) for name, text in TABLE['words'].items()
}
_PEOPLE = re.compile(r'[a-z]{3,}(?:ist|man|men|woman|women|eer)$')
_SUBJECTS = ('nsubj', 'nsubjpass', 'attr', 'ROOT')


class Noun(NamedTuple):
    """A person, an animal, a thing, a work of art or a picture.

    ``label`` is the vocabulary's object, -1 for none.
    """

    kind: str
    label: int
    name: str


def sub(token: 'Token', *deps: str) -> List['Token']:
    """A token's children in some relations to it."""
    return [child for child in token.children if child.dep_ in deps]


class NounReader:
    """Names the nouns of one text after another.

    Args:
        lexicon (Lexicon): Knows the vocabulary's objects.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.vocabulary = lexicon.vocabulary
        self.words = load_words()
        self.person = Noun(HUMAN, self.vocabulary.person_label, 'person')
        self.start('')

    def start(self, text: str) -> None:
        """Forget the last text; note what a 'board' and 'gloves' are here."""
        low = text.lower()
        self._known: Dict[int, Noun] = {}
        self._baseball = any(sign in low for sign in WORDS['baseball'])
        self._board = -1
        for name, signs in reversed(TABLE['boards'].items()):
            if any(sign in low for sign in signs):
                self._board = self.vocabulary.object_label(name)

    def read(self, token: 'Token') -> Noun:
        """What a token stands for, pronouns by what was named before."""
        if token.i not in self._known:
            # What is asked in a circle is a thing.
            self._known[token.i] = Noun(THING, -1, token.lower_)
            self._known[token.i] = self._read(token)
        return self._known[token.i]

    def group(self, token: 'Token') -> Iterator['Token']:
        """The token, what is joined to it by 'and', and what it includes."""
        todo = [token]  # a list may be longer than Python's stack
        while todo:
            token = todo.pop()
            yield token
            found = []
            for child in sub(token, 'conj', 'appos', 'prep'):
                if child.lower_ in ('including', 'like', 'as'):
                    found += sub(child, 'pobj', 'dobj')
                # 'holding a cup and a man reading' joins two clauses.
                elif child.dep_ != 'prep' and child.tag_[:2] not in (
                    'VB',
                    'RB',
                ):
                    people = self.read(child).kind == HUMAN
                    if not people or self.read(token).kind == HUMAN:
                        found.append(child)
            todo += reversed(found)

    def whole(self, token: 'Token') -> Optional['Token']:
        """What a part or an amount is of: 'the handle *of a bat*'."""
        for child in sub(token, 'prep', 'poss', 'compound'):
            part = singular(token.lower_) in self.words['parts']
            if child.lower_ == 'of' and sub(child, 'pobj'):
                return sub(child, 'pobj')[0]
            if child.dep_ == 'poss' and child.tag_ != 'PRP$':
                return child
            if child.dep_ == 'compound' and part:
                return child
        return None

    def place(self, token: 'Token') -> Optional[tuple]:
        """Where on a body something is, and the body's part."""
        for prep in sub(token, 'prep'):
            for part in sub(prep, 'pobj'):
                name = f'{prep.lower_} {singular(part.lower_)}'
                its = any(x.lower_ == 'its' for x in part.children)
                of = self.whole(part)
                if name in TABLE['places'] and not its:
                    if of is None or self.read(of).kind == HUMAN:
                        return TABLE['places'][name], part
        return None

    def is_nobody(self, token: 'Token') -> bool:
        """'no man', 'nobody', 'none of them'."""
        return token.lower_ in WORDS['nobody'] or any(
            child.lower_ in ('no', 'neither') and child.i < token.i
            for child in token.children
        )

    def is_person(self, token: 'Token') -> bool:
        """Whether a word, whatever the model takes it for, is a person."""
        words = {token.lower_, singular(token.lower_)}
        return bool(words & self.words['persons'])

    def before(self, token: 'Token') -> Iterator['Token']:
        """Nouns before a token, the nearest first."""
        for i in range(token.i - 1, -1, -1):
            other = token.doc[i]
            if other.tag_[:2] == 'NN' and other.dep_ != 'compound':
                if other.lower_ not in WORDS['others']:
                    yield other

    def things(self, token: 'Token') -> List[Noun]:
        """Objects of the vocabulary named before, the likeliest first."""
        many = token.lower_ != 'it'
        found: List[List[Noun]] = [[], []]
        for other in self.before(token):
            noun = self.read(other)
            baby = singular(other.lower_) in WORDS['babies']
            if noun.label >= 0 and (noun.kind in (THING, ANIMAL) or baby):
                found[other.tag_.endswith('S') != many].append(noun)
        return found[0] + found[1]

    def _read(self, token: 'Token') -> Noun:
        low = token.lower_
        if token.tag_ in ('WDT', 'WP'):
            for above in token.ancestors:
                if above.dep_ == 'relcl':
                    return self.read(above.head)
        if low in WORDS['personal'] or token.doc[
            max(token.i - 1, 0) : token.i + 1
        ].text.lower() in ('each other', 'one another'):
            return self.person
        if low not in WORDS['others']:
            return self._noun(token)
        of, it = self.whole(token), low in ('it', 'itself')
        if of is not None and of.tag_ != 'PRP':
            return self.read(of)
        if token.dep_ in (*_SUBJECTS, 'conj', 'appos'):
            for other in self.before(token):
                noun = self.read(other)
                if self._is_topic(other) and not (it and noun.kind == HUMAN):
                    if noun.kind not in (META, ART):
                        return noun
        elif low in WORDS['objects'] or of is not None:
            for noun in self.things(token):
                return noun
        return Noun(THING, -1, low) if it else self.person

    def _is_topic(self, token: 'Token') -> bool:
        """Whether a sentence is about it: 'the image shows *two men*'."""
        if token.dep_ == 'dobj':
            shows = sub(token.head, 'nsubj')
            return bool(shows) and self.read(shows[0]).kind == META
        return token.dep_ in _SUBJECTS

    def _noun(self, token: 'Token') -> Noun:
        words = self._words(token)
        head, of = singular(words[-1]), self.whole(token)
        label = self._label(words, head, token, of)
        if label >= 0:
            name = self.vocabulary.objects[label]
            known = name.replace('_', ' ') in WORDS['animals']
            return Noun(ANIMAL if known else THING, label, name)
        amount = head in self.words['quantifiers'] | self.words['parts']
        if of is not None and (amount or token.tag_[:2] in ('JJ', 'CD', 'DT')):
            return self.read(of)
        kind = self._kind(token, words[-1], head)
        above = token.head.head
        if kind == HUMAN and token.head.lower_ == 'of':
            if singular(above.lower_) in self.words[ART]:
                kind = ART  # 'a statue of a man'
        if kind == META and of is not None and self.read(of).kind == ART:
            kind = ART
        return (
            self.person if kind == HUMAN else Noun(kind, -1, ' '.join(words))
        )

    def _words(self, token: 'Token') -> List[str]:
        """The noun and the words before it that belong to its name."""
        words = [token.lower_]
        for i in range(token.i - 1, max(token.i - 5, -1), -1):
            word = token.doc[i]
            inside = word.dep_ in ('compound', 'amod', 'nmod', 'nummod')
            if word.lower_ != '-' and not (
                inside and i < word.head.i <= token.i
            ):
                break
            words[:0] = [word.lower_] if word.lower_ != '-' else []
        if len(words) > 1 and words[-1] in WORDS['results']:
            words.pop()  # 'licks it clean', 'paints it red'
        form = verb_form(words[-1]) if len(words) > 1 else None
        if form and token.tag_ == 'NNS' and token.sent.root.tag_[:2] == 'NN':
            # 'a man riding a horse jumps', with nothing else that is finite.
            if 'VBZ' in form.tags and self.lexicon.find_object(words[:-1]):
                known = ' '.join([words[-2], singular(words[-1])])
                if known not in self.words['compounds']:
                    words.pop()
        return words

    def _label(
        self,
        words: List[str],
        head: str,
        token: 'Token',
        of: Optional['Token'],
    ) -> int:
        last = [*words[-2:-1], head]
        if {' '.join(words[-2:]), ' '.join(last)} & self.words['compounds']:
            return self.vocabulary.object_label(' '.join(words[-2:]))
        names = [f'{words[-1]} of {of.lower_}'] if of is not None else []
        if token.i + 1 < len(token.doc):  # a name that the model parts
            after = token.nbor(1)
            if after.tag_[:2] != 'NN' or after.dep_ == 'advmod':
                names.append(f'{words[-1]} {after.lower_}')
        for name in names:
            if name in self.lexicon.objects:
                return self.lexicon.objects[name]
        found = self.lexicon.find_object(words)
        if found is not None:
            toy = set(words[: -found[1]][-1:]) & WORDS['toys']
            gloves = words[-1] == 'gloves' and not self._baseball
            return -1 if toy or gloves else found[0]
        other = set(words[-2:-1]) & WORDS['boards']
        return self._board if head == 'board' and not other else -1

    def _kind(self, token: 'Token', word: str, head: str) -> str:
        for kind in (ART, META, ANIMAL, HUMAN):
            if {word, head} & self.words[kind]:
                return kind
        stems = {
            head[:-2],
            head[:-2] + 'e',
            head[:-3],
        } & self.lexicon.verb_lemmas
        does = head.endswith(('er', 'or')) and head not in WORDS['tools']
        named = token.tag_ == 'NNP' and token.dep_ in ('nsubj', 'conj')
        if _PEOPLE.match(head) or (does and stems):
            return HUMAN  # 'skier'
        return HUMAN if named and noun_lemma(word) is None else THING
