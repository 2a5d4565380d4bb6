"""What a noun of a parsed sentence stands for."""

import re
from typing import TYPE_CHECKING, Iterator, List, NamedTuple, Optional, Tuple

from ..lexicon import Lexicon, load_words
from ..morphology import noun_lemma, singular, verb_form

if TYPE_CHECKING:
    from spacy.tokens import Token

HUMAN, ANIMAL, THING, ART, META = 'human', 'animal', 'thing', 'art', 'meta'
_ANIMALS = frozenset(
    'bird cat dog horse sheep cow elephant bear zebra giraffe'.split()
)
_BOARDS = (
    ('surfboard', ('surf', 'wave', 'ocean', 'beach')),
    ('snowboard', ('snow', 'slope')),
    ('skateboard', ('skat', 'ramp', 'halfpipe')),
)
_BASEBALL = ('ball', 'catch', 'pitch', 'field', 'mitt', 'batter', 'umpire')
_PEOPLE_LIKE = re.compile(r'[a-z]{3,}(?:ist|man|men|woman|women|eer)$')
_TOOLS = frozenset('cutter peeler washer dryer cooker wiper holder'.split())
_PERSONAL = frozenset('he she i we you him me us himself herself who'.split())
_OTHERS = frozenset(
    'they them both all others other some one another each two three four '
    'few several many these those themselves most any'.split()
)
_NOBODY = frozenset('nobody none neither nothing no-one'.split())
_TOYS = frozenset(
    'toy rocking miniature carousel stuffed plush statue inflatable origami '
    'cartoon lego'.split()
)
_OTHER_BOARDS = frozenset('cutting chopping score notice white bill'.split())
# What is done with a thing that is there.
PLACES = {
    'in hand': 'have in hand',
    'in arm': 'have in hand',
    'in other': 'have in hand',
    'on hand': 'wear',
    'under arm': 'carry',
    'on back': 'have on back',
    'on shoulder': 'have on back',
    'over shoulder': 'have on back',
    'on foot': 'wear',
    'around neck': 'wear',
}
_BABIES = frozenset('baby infant newborn toddler'.split())
# 'licks it clean', 'paints it red'.
_RESULTS = frozenset(
    'clean dry open shut closed empty full red blue green yellow white black '
    'brown pink orange purple gray grey'.split()
)
_INSIDE = ('compound', 'amod', 'nmod', 'nummod', 'poss', 'punct')


class Noun(NamedTuple):
    """A thing, an animal or a person that a token names.

    Attributes:
        token (Token): The noun.
        kind (str): human, animal, thing, art or meta.
        label (int): The vocabulary's object, -1 for none.
        name (str): The words, or the vocabulary's name.
    """

    token: 'Token'
    kind: str
    label: int
    name: str


class NounReader:
    """Names the nouns of one text after another.

    Args:
        lexicon (Lexicon): Knows the vocabulary's objects.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.vocabulary = lexicon.vocabulary
        self.words = load_words()
        self._board = -1
        self._baseball = False
        self._known: dict = {}

    def start(self, text: str) -> None:
        """Forget the last text; note which board a 'board' is here."""
        low = text.lower()
        self._known = {}
        self._baseball = any(sign in low for sign in _BASEBALL)
        self._board = -1
        for name, signs in _BOARDS:
            if any(sign in low for sign in signs):
                self._board = self.vocabulary.object_label(name)
                break

    def read(self, token: 'Token') -> Noun:
        """What a token stands for, pronouns by what was named before."""
        if token.i not in self._known:
            self._known[token.i] = Noun(token, THING, -1, token.lower_)
            self._known[token.i] = self._read(token)
        return self._known[token.i]

    def is_pronoun(self, token: 'Token') -> bool:
        low = token.lower_
        return token.tag_ in ('PRP', 'WP', 'WDT') or (
            low in _OTHERS or low in ('that', 'which', 'who')
        )

    def group(self, token: 'Token') -> Iterator['Token']:
        """The token, what is joined to it by 'and', and what it includes."""
        todo = [token]  # a list may be longer than Python's stack
        while todo:
            token = todo.pop()
            yield token
            todo += reversed(list(self._joined(token)))

    def _joined(self, token: 'Token') -> Iterator['Token']:
        for child in token.children:
            if child.dep_ in ('conj', 'appos') and child.i > token.i:
                # 'holding a cup and a man reading' joins two clauses.
                if child.tag_[:2] in ('NN', 'PR', 'JJ', 'CD', 'DT') and (
                    self.read(child).kind != HUMAN
                    or self.read(token).kind == HUMAN
                ):
                    yield child
            elif child.lower_ in ('including', 'like') or (
                child.lower_ == 'as' and _before(child) == 'such'
            ):
                for part in child.children:
                    if part.dep_ in ('pobj', 'dobj'):
                        yield part

    def whole(self, token: 'Token') -> Optional['Token']:
        """What a part or an amount is of: 'the handle *of a bat*'."""
        for child in token.children:
            if child.dep_ == 'prep' and child.lower_ == 'of':
                for part in child.children:
                    if part.dep_ in ('pobj', 'pcomp'):
                        return part
            if child.dep_ == 'poss' and child.tag_ != 'PRP$':
                return child
        if singular(token.lower_) in self.words['parts']:
            for child in token.children:
                if child.dep_ == 'compound':
                    return child
        return None

    def place(self, token: 'Token') -> Optional[Tuple[str, 'Token']]:
        """Where on a body something is: 'a cup *in her hand*'."""
        for child in token.children:
            if child.dep_ != 'prep':
                continue
            for part in child.children:
                name = f'{child.lower_} {singular(part.lower_)}'
                if part.dep_ == 'pobj' and name in PLACES:
                    of = self.whole(part)
                    its = any(x.lower_ == 'its' for x in part.children)
                    if not its and (of is None or self.read(of).kind == HUMAN):
                        return name, part
        return None

    def is_nobody(self, token: 'Token') -> bool:
        """'no man', 'nobody', 'none of them'."""
        return token.lower_ in _NOBODY or any(
            child.lower_ in ('no', 'neither') and child.i < token.i
            for child in token.children
            if child.dep_ in ('det', 'neg', 'preconj')
        )

    def is_person(self, token: 'Token') -> bool:
        """Whether a word, whatever the model takes it for, is a person."""
        persons = self.words['persons']
        return token.lower_ in persons or singular(token.lower_) in persons

    def is_body(self, token: 'Token') -> bool:
        return singular(token.lower_) in self.words['body'] or (
            token.lower_ == 'back'
        )

    def is_lost_verb(self, token: 'Token') -> bool:
        """'a man riding a horse *jumps* over it', taken for a noun.

        Where a sentence has no finite verb, the last of an object's words
        may be it.
        """
        if token.tag_ != 'NNS' or token.dep_ not in ('dobj', 'pobj', 'conj'):
            return False
        form = verb_form(token.lower_)
        sentence = token.sent
        if (
            form is None
            or 'VBZ' not in form.tags
            or (
                sentence.root.tag_[:2] != 'NN'
                or any(x.tag_ in ('VBZ', 'VBP', 'VBD', 'MD') for x in sentence)
            )
        ):
            return False
        words = self._words(token)
        known = ' '.join([*words[-2:-1], singular(words[-1])])
        return (
            len(words) > 1
            and known not in self.words['compounds']
            and self.lexicon.find_object(words) is None
            and self.lexicon.find_object(words[:-1]) is not None
        )

    def _read(self, token: 'Token') -> Noun:
        if token.dep_ in ('nsubj', 'nsubjpass', 'dobj', 'pobj') and (
            token.tag_ in ('WDT', 'WP', 'IN') and token.lower_ != 'what'
        ):
            named = self._relative(token)
            if named is not None:
                return named
        low = token.lower_
        if low in _PERSONAL:
            return Noun(token, HUMAN, self.vocabulary.person_label, 'person')
        if low in _OTHERS or low in ('it', 'itself'):
            return self._pronoun(token)
        return self._noun(token)

    def _relative(self, token: 'Token') -> Optional[Noun]:
        for above in token.ancestors:
            if above.dep_ == 'relcl':
                return self.read(above.head)
        return None

    def _pronoun(self, token: 'Token') -> Noun:
        low = token.lower_
        before = _before(token)
        if (before, low) in (('each', 'other'), ('one', 'another')):
            return Noun(token, HUMAN, self.vocabulary.person_label, 'person')
        of = self.whole(token)
        if of is not None and of.tag_ != 'PRP':
            return self.read(of)
        if token.dep_ in ('nsubj', 'nsubjpass', 'conj', 'appos', 'ROOT'):
            for before in self._subjects(token):
                found = self.read(before)
                if low not in ('it', 'itself') or found.kind != HUMAN:
                    return Noun(token, *found[1:])
            if low in ('it', 'itself'):
                return Noun(token, THING, -1, low)
        elif of is not None or low not in (
            'one',
            'another',
            'other',
            'others',
            'all',
            'both',
        ):
            things = self.things_before(token)
            if things:
                return Noun(token, *things[0][1:])
        elif low in ('one', 'another', 'other'):
            things = self.things_before(token)
            return Noun(
                token, THING, *(things[0][2:] if things else (-1, low))
            )
        if low in ('it', 'itself'):
            return Noun(token, THING, -1, low)
        return Noun(token, HUMAN, self.vocabulary.person_label, 'person')

    def _subjects(self, token: 'Token') -> Iterator['Token']:
        """What sentences were about, the nearest first."""
        doc = token.doc
        for i in range(token.i - 1, -1, -1):
            other = doc[i]
            if self.is_pronoun(other) or other.tag_[:2] not in ('NN', 'CD'):
                continue
            subject = other.dep_ in ('nsubj', 'nsubjpass', 'attr', 'ROOT')
            if other.dep_ == 'dobj':  # 'the image shows two men'
                subject = any(
                    child.dep_ == 'nsubj' and self.read(child).kind == META
                    for child in other.head.children
                )
            if subject and self.read(other).kind not in (META, ART):
                yield other

    def things_before(self, token: 'Token') -> List[Noun]:
        """Objects of the vocabulary that were named, the nearest first."""
        many = token.lower_ in ('them', 'they', 'these', 'those')
        found = []
        for i in range(token.i - 1, -1, -1):
            other = token.doc[i]
            if other.tag_[:2] != 'NN' or other.dep_ == 'compound':
                continue
            noun = self.read(other)
            baby = singular(other.lower_) in _BABIES
            if noun.label >= 0 and (noun.kind in (THING, ANIMAL) or baby):
                found.append(noun)
        if many != (token.lower_ == 'it'):
            right = [x for x in found if x.token.tag_.endswith('S') == many]
            found = right or found
        return found

    def _noun(self, token: 'Token') -> Noun:
        words = self._words(token)
        if self.is_lost_verb(token):
            words.pop()
        head = singular(words[-1])
        of = self.whole(token)
        label = self._label(words, head, token)
        if label >= 0:
            return Noun(
                token,
                self._kind_of_label(label),
                label,
                self.vocabulary.objects[label],
            )
        if of is not None and (
            self._is_amount(head) or token.tag_[:2] in ('JJ', 'CD', 'DT')
        ):
            return self.read(of)
        kind = self._kind(token, words, head)
        above = token.head
        if kind == HUMAN and above.lower_ == 'of' and above.head != above:
            if singular(above.head.lower_) in self.words['art']:
                kind = ART  # 'a statue of a man'
        if kind == META and of is not None:
            of_what = self.read(of)
            return (
                of_what if of_what.kind == ART else Noun(token, META, -1, head)
            )
        label = self.vocabulary.person_label if kind == HUMAN else -1
        return Noun(token, kind, label, ' '.join(words))

    def _is_amount(self, head: str) -> bool:
        return head in self.words['quantifiers'] or head in self.words['parts']

    def _words(self, token: 'Token') -> List[str]:
        """The noun and the words before it that belong to its name."""
        words = [token.lower_]
        for i in range(
            token.i - 1, max(token.i - 5, token.sent.start - 1), -1
        ):
            before = token.doc[i]
            if before.lower_ == '-':
                continue
            if (
                before.head.i > token.i
                or before.head.i < i
                or (before.dep_ not in _INSIDE or before.tag_ in ('PRP$', ','))
            ):
                break
            words.insert(0, before.lower_)
        if len(words) > 1 and words[-1] in _RESULTS:
            words.pop()
        return words

    def _label(self, words: List[str], head: str, token: 'Token') -> int:
        if ' '.join(words[-2:]) in self.words['compounds'] or (
            ' '.join([*words[-2:-1], head]) in self.words['compounds']
        ):
            return self.vocabulary.object_label(' '.join(words[-2:]))
        label = self._of_name(words, token)
        found = self.lexicon.find_object(words)
        if label < 0 and found is not None:
            label = found[0]
            rest = words[: -found[1]]
            if rest and rest[-1] in _TOYS:
                return -1
            if words[-1] == 'gloves' and not self._baseball:
                return -1
        if (
            label < 0
            and head == 'board'
            and not (set(words[-2:-1]) & _OTHER_BOARDS)
        ):
            label = self._board
        if label < 0 and token.i + 1 < len(token.doc):
            # The model may part a name that it does not know.
            after = token.nbor(1)
            if after.tag_[:2] != 'NN' or after.dep_ == 'advmod':
                name = f'{words[-1]} {after.lower_}'
                label = self.lexicon.objects.get(name, -1)
        if label < 0 and len(head) > 4 and noun_lemma(words[-1]) is None:
            right = self.lexicon.correct(words[-1])
            if right != words[-1]:
                return self._label([*words[:-1], right], right, token)
        return label

    def _of_name(self, words: List[str], token: 'Token') -> int:
        """'a glass of red wine', 'a pair of skis'."""
        of = self.whole(token)
        if of is None or of.i < token.i:
            return -1
        for name in (
            f'{words[-1]} of {of.lower_}',
            f'{singular(words[-1])} of {of.lower_}',
        ):
            label = self.lexicon.objects.get(name, -1)
            if label >= 0:
                return label
        return -1

    def _kind_of_label(self, label: int) -> str:
        if label == self.vocabulary.person_label:
            return HUMAN
        name = self.vocabulary.objects[label].replace('_', ' ')
        return ANIMAL if name in _ANIMALS else THING

    def _kind(self, token: 'Token', words: List[str], head: str) -> str:
        for kind, names in (
            (ART, 'art'),
            (META, 'meta'),
            (ANIMAL, 'animals'),
            (HUMAN, 'persons'),
        ):
            if words[-1] in self.words[names] or head in self.words[names]:
                return kind
        if _PEOPLE_LIKE.match(head) or self._does(head):
            return HUMAN
        named = token.tag_ == 'NNP' and token.dep_ in ('nsubj', 'conj')
        if named and noun_lemma(words[-1]) is None:
            return HUMAN  # 'Anna holds a cup'
        return THING

    def _does(self, noun: str) -> bool:
        """Whether a noun is made from one of the verbs: 'skier'."""
        if not noun.endswith(('er', 'or')) or noun in _TOOLS:
            return False
        stem = noun[:-2]
        stems = {stem, stem + 'e', stem[:-1]}
        return any(
            verb_form(part) and part in self.lexicon.verb_lemmas
            for part in stems
            if len(part) > 2
        )


def _before(token: 'Token') -> str:
    """The word before, empty at the start of a text."""
    return token.nbor(-1).lower_ if token.i else ''
