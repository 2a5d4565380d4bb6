"""What a noun phrase is: a person, an animal, one of the objects."""

import re
from typing import List, Optional

from .chunks import NounPhrase, Word
from .function_words import (
    ADVERBS,
    COLOURS,
    NO_NOUNS,
    PREPOSITIONS,
    RESULTS,
    word_set,
)
from .lexicon import Lexicon, load_words
from .morphology import noun_lemma, singular, verb_form

_PEOPLE_LIKE = re.compile(r'[a-z]{3,}(?:ist|ian|man|men|woman|women|eer)$')
_THINGS_LIKE_PEOPLE = word_set(
    'water paper river corner flower counter tower helicopter freezer burner '
    'sticker banner border monitor motor mirror floor door number weather '
    'summer winter leather feather center matter power dinner supper letter '
    'container computer tractor trailer toaster shower drawer ladder hammer '
    'shelter gutter chamber timber lumber cucumber cover poster color order '
    'error armor decor anchor interior exterior ladder screwdriver hanger '
    'stroller fender bumper planter platter butter pepper rubber sweater '
    'finger shoulder water meter thunder cylinder ginger tiger spider '
    'lobster badger beaver otter oyster rooster saucer skewer blender mixer '
    'cooker dryer washer dresser lever roller slider buffer folder jumper '
    'sneaker slipper copper silver wrapper zipper calendar outdoor indoor '
    'refrigerator escalator elevator tier layer cluster filter cutter '
    'clipper peeler scooter cruiser bier pier soldering holster fiber '
    'vapor tenor minor major odor harbor humor labor neighbor_place razor '
    'tumbler controller joker poker pacifier croissant'
)
_BOARDS = (
    ('surfboard', ('surf', 'wave', 'ocean', 'beach')),
    ('snowboard', ('snow', 'slope')),
    ('skateboard', ('skat', 'ramp', 'halfpipe')),
)
_BASEBALL = ('ball', 'catch', 'pitch', 'field', 'mitt', 'batter', 'umpire')
_ANIMALS = word_set('bird cat dog horse sheep cow elephant bear zebra giraffe')


class PhraseNamer:
    """Names the words of a noun phrase.

    Args:
        lexicon (Lexicon): Knows objects and verbs of the vocabulary.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.words = load_words()
        self._board = -1
        self._baseball = False

    def set_topic(self, text: str) -> None:
        """Note what a text is about: which board a 'board' is."""
        low = text.lower()
        self._baseball = any(sign in low for sign in _BASEBALL)
        self._board = -1
        for name, signs in _BOARDS:
            if any(sign in low for sign in signs):
                self._board = self.lexicon.vocabulary.object_label(name)
                break

    def _is_noun(self, word: Word) -> bool:
        if word.low == 'back':
            return True  # asked after a determiner only
        if word.low in PREPOSITIONS or word.low in ADVERBS | NO_NOUNS:
            return False
        if word.phrase or 'NOUN' in word.pos:
            return True
        if singular(word.low) in self.words['persons'] or self._names_object(
            word
        ):
            return True
        return not word.pos and word.low.isalpha() and len(word.low) > 1

    def _names_object(self, word: Word) -> bool:
        if word.phrase:
            return word.phrase[1] >= 0
        return bool(
            word.low.isalpha() and self.lexicon.find_object([word.low])
        )

    def _make(
        self,
        gathered: List[Word],
        negated: bool,
        bare: bool,
        owning: bool,
        owner: Optional[NounPhrase],
    ) -> NounPhrase:
        if (
            len(gathered) > 1
            and gathered[-1].low in COLOURS | RESULTS
            and (gathered[-2].phrase or self._names_object(gathered[-2]))
        ):
            gathered = gathered[:-1]  # 'paints a vase red', 'licks it clean'
        last = gathered[-1]
        words = [part for word in gathered for part in word.low.split(' ')]
        label = ' '.join(words)
        found = self.lexicon.find_object(words)
        head = singular(words[-1])
        plural = words[-1] != head or head in ('people', 'cattle', 'crowd')
        obj = -1
        if last.phrase:
            obj = last.phrase[1]
        elif found and (words[-1] != 'gloves' or self._baseball):
            obj = found[0]
        elif head == 'board' and (
            len(words) < 2
            or words[-2] not in ('cutting', 'chopping', 'score', 'notice')
        ):
            obj = self._board
        if obj >= 0:
            kind = self._object_kind(obj)
            if found and found[1] < len(words):
                before = words[-found[1] - 1]
                if before in (
                    'toy',
                    'rocking',
                    'miniature',
                    'carousel',
                    'stuffed',
                    'wooden_toy',
                    'plush',
                    'statue',
                    'inflatable',
                    'origami',
                    'cartoon',
                ):
                    if before in (
                        'stuffed',
                        'plush',
                        'inflatable',
                        'toy',
                        'rocking',
                        'carousel',
                        'origami',
                        'cartoon',
                        'miniature',
                    ):
                        obj, kind = -1, 'thing'
            label = self.lexicon.vocabulary.objects[obj] if obj >= 0 else label
        else:
            kind = self._kind(words[-1], head, last)
            if kind == 'human':
                obj = self.lexicon.vocabulary.person_label
        phrase = NounPhrase(
            head,
            kind,
            obj,
            label,
            plural,
            negated,
            bare and len(gathered) == 1 and not owner,
        )
        phrase.owner = owner
        if obj < 0 and owner is None and head in self.words['parts']:
            whole = (
                self.lexicon.find_object(words[:-1]) if words[:-1] else None
            )
            if whole:
                name = self.lexicon.vocabulary.objects[whole[0]]
                phrase.owner = NounPhrase(
                    name, self._object_kind(whole[0]), whole[0], name
                )
        if kind == 'thing' and head in self.words['body'] | frozenset(
            ['hand', 'finger']
        ):
            phrase.kind = (
                'human'
                if head
                in (
                    'hand',
                    'finger',
                    'arm',
                    'foot',
                    'leg',
                    'mouth',
                    'fingertip',
                )
                else 'thing'
            )
            phrase.obj = -1
            if owner and owner.kind != 'human':
                phrase.kind = owner.kind
        return phrase

    def _object_kind(self, obj: int) -> str:
        name = self.lexicon.vocabulary.objects[obj].replace('_', ' ')
        if obj == self.lexicon.vocabulary.person_label:
            return 'human'
        return 'animal' if name in _ANIMALS else 'thing'

    def _kind(self, word: str, head: str, last: Word) -> str:
        if last.low in ('each other', 'one another'):
            return 'human'
        for name in (word, head):
            for kind, names in (
                ('art', 'art'),
                ('meta', 'meta'),
                ('animal', 'animals'),
                ('human', 'persons'),
            ):
                if name in self.words[names]:
                    return kind
        if head not in _THINGS_LIKE_PEOPLE and (
            _PEOPLE_LIKE.match(head) or _does(head)
        ):
            return 'human'
        # A name: 'Anna holds a cup'.
        if last.text[:1].isupper() and noun_lemma(word) is None:
            return 'human'
        return 'thing'


def _does(noun: str) -> bool:
    """Whether a noun is made from a verb: 'skater', 'swimmer'."""
    if not noun.endswith(('er', 'or')) or len(noun) < 5:
        return False
    stem = noun[:-2]
    stems = [stem, stem + 'e']
    if stem[-1] == stem[-2]:
        stems.append(stem[:-1])
    return any(
        verb_form(part) and 'VB' in verb_form(part).tags for part in stems
    )
