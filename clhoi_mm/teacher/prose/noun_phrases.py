"""Noun phrases: where they begin and end, and what they are part of."""

from typing import List, Optional

from .chunks import Chunk, NounPhrase, Word
from .function_words import (
    BE,
    CONJUNCTIONS,
    DETERMINERS,
    HAVE,
    NEGATIVE_NOUNS,
    PREPOSITIONS,
    RELATIVES,
    SELDOM_VERBS,
    SUBJECTS,
    SUBORDINATORS,
    UNREAL_MODALS,
)
from .verb_groups import VerbGroups


class NounPhrases(VerbGroups):
    """Reads noun phrases: 'one of the men', "a dog's head"."""

    def _noun_phrase(
        self, words: List[Word], i: int, chunks: List[Chunk]
    ) -> int:
        if i >= len(words):  # answers are cut off anywhere
            return i
        start = i
        low = words[i].low
        after = words[i + 1] if i + 1 < len(words) else Word('', '')
        if (
            low in SUBJECTS
            or low == 'it'
            or low in ('himself', 'herself', 'themselves', 'itself')
        ):
            kind = (
                'pronoun'
                if low in ('it', 'they', 'them', 'him')
                or (low.endswith('sel') or low.endswith('selves'))
                else 'human'
            )
            chunks.append(
                NounPhrase(low, kind, plural=low in ('they', 'them', 'we'))
            )
            return i + 1
        if low in NEGATIVE_NOUNS:
            chunks.append(NounPhrase(low, 'human', negated=low != 'nothing'))
            return i + 1
        negated = bare = False
        bare = True
        gathered: List[Word] = []
        owner: Optional[NounPhrase] = None
        quantity = ''
        while i < len(words):
            word = words[i]
            low = word.low
            after = words[i + 1] if i + 1 < len(words) else Word('', '')
            if low == "'s" or low == "'":
                if not gathered:
                    break
                owner = self._make(gathered, False, False, True, None)
                gathered = []
            elif word.phrase:
                gathered.append(word)
            elif low in SUBJECTS and gathered:
                break  # 'a donut she bought'
            elif (
                not gathered
                and quantity in ('another', 'each')
                and 'VBZ' in word.tags
                and not word.phrase
                and (
                    after.low in DETERMINERS
                    or after.low in PREPOSITIONS
                    or after.low in ('it', '')
                )
            ):
                break  # 'while another holds a cup'
            elif low in DETERMINERS or low == 'that' or low.isdigit():
                if gathered:
                    break
                if low in ('her', 'his') and not self._noun_ahead(
                    words, i + 1
                ):
                    if low == 'her':
                        chunks.append(NounPhrase('her', 'human'))
                        return i + 1
                    break
                negated = negated or low in ('no', 'neither')
                if low == 'its':
                    owner = NounPhrase('it', 'pronoun')
                bare = False
                quantity = low
            elif (
                not gathered
                and quantity
                and 'VBG' in word.tags
                and (after.low in DETERMINERS or after.low in PREPOSITIONS)
            ):
                break  # 'one holding a cup'
            elif low == 'and' and self._joins_adjectives(words, i, gathered):
                pass
            elif gathered and self._ends_phrase(
                words, i, gathered, chunks, bare
            ):
                break
            elif self._may_be_noun(word, after, gathered, bare, quantity):
                gathered.append(word)
            else:
                break
            i += 1
        while gathered and not (
            gathered[-1].phrase or self._is_noun(gathered[-1])
        ):
            if (
                len(gathered) == 1
                and not bare
                and quantity not in ('one', 'another', 'some', 'both', 'each')
            ):
                break
            gathered.pop()
            i -= 1
        if not gathered:
            if owner:
                chunks.append(owner)
                return max(i, start + 1)
            if quantity in (
                'one',
                'another',
                'some',
                'others',
                'several',
                'both',
                'two',
                'many',
                'few',
                'each',
                'three',
                'all',
                'other',
                'neither',
                'any',
                'this',
                'these',
                'those',
            ):
                end = max(i, start + 1)
                if self._word_at(words, end) == 'of':
                    inner: List[Chunk] = []
                    stop = self._noun_phrase(words, end + 1, inner)
                    if stop > end + 1 and isinstance(inner[0], NounPhrase):
                        inner[0].negated = inner[0].negated or negated
                        inner[0].plural = quantity not in (
                            'one',
                            'each',
                            'neither',
                        )
                        chunks.append(inner[0])
                        return stop
                chunks.append(
                    NounPhrase(
                        quantity,
                        'pronoun',
                        negated=negated,
                        plural=quantity
                        in (
                            'both',
                            'all',
                            'some',
                            'two',
                            'several',
                            'many',
                            'few',
                            'these',
                            'those',
                        ),
                    )
                )
                return end
            return start
        phrase = self._make(gathered, negated, bare, False, owner)
        i = self._of(words, i, phrase, chunks)
        return i

    def _of(
        self,
        words: List[Word],
        i: int,
        phrase: NounPhrase,
        chunks: List[Chunk],
    ) -> int:
        """'a group of men' is men; 'the back of a truck' is a truck's."""
        follows = i < len(words) and words[i].low == 'of'
        if follows and phrase.obj < 0:
            inner: List[Chunk] = []
            end = self._noun_phrase(words, i + 1, inner)
            if end > i + 1 and isinstance(inner[0], NounPhrase):
                other = inner[0]
                quantity = phrase.head in self.words['quantifiers'] or (
                    other.human
                    and other.plural
                    and phrase.head.endswith(('er', 'est'))
                )
                if phrase.kind == 'art' or other.kind == 'art':
                    other.kind, other.obj = 'art', -1
                    chunks.append(other)
                    return end
                if phrase.kind == 'meta':
                    chunks.append(phrase)
                    return i
                if quantity:
                    other.negated = other.negated or phrase.negated
                    other.plural = other.plural and phrase.head not in (
                        'slice',
                        'piece',
                        'bite',
                        'one',
                    )
                    if other.kind == 'pronoun':
                        other.kind = 'pronoun'
                    other.bare = False
                    chunks.append(other)
                    return end
                if phrase.head in self.words['parts']:
                    phrase.owner = other
                    chunks.append(phrase)
                    return end
        chunks.append(phrase)
        return i

    @staticmethod
    def _joins_adjectives(
        words: List[Word], i: int, gathered: List[Word]
    ) -> bool:
        """'a black and white cow'."""
        if not gathered or i + 2 >= len(words):
            return False
        ahead, noun = words[i + 1], words[i + 2]
        return (
            'ADJ' in gathered[-1].pos
            and 'ADJ' in ahead.pos
            and not gathered[-1].phrase
            and (
                'NOUN' in noun.pos
                or noun.phrase is not None
                or 'ADJ' in noun.pos
            )
            and not noun.tags - {'VB'}
        )

    def _noun_ahead(self, words: List[Word], i: int) -> bool:
        for word in words[i : i + 4]:
            if word.phrase or self._is_noun(word):
                return True
            if not word.pos & {'ADJ', 'ADV'} and not word.tags & {
                'VBN',
                'VBG',
            }:
                return False
        return False

    def _may_be_noun(
        self,
        word: Word,
        after: Word,
        gathered: List[Word],
        bare: bool,
        quantity: str,
    ) -> bool:
        low = word.low
        if (
            low in ('back', 'inside', 'outside')
            and (not gathered)
            and quantity
            and (low == 'back' or after.low == 'of')
        ):
            return True
        if not low[:1].isalpha() or low in PREPOSITIONS:
            return False
        if low in SUBORDINATORS or low in CONJUNCTIONS or low in RELATIVES:
            return False
        if low in BE or low in UNREAL_MODALS or low in HAVE:
            return False
        if self._is_noun(word) or 'ADJ' in word.pos:
            return True
        if word.tags & {'VBG', 'VBN'} and not bare and not gathered:
            return bool(
                after.phrase
                or 'NOUN' in after.pos
                or 'ADJ' in after.pos
                or not after.pos
            )
        return (
            (low.endswith('ly') or 'ADV' in word.pos)
            and bool(after.pos & {'ADJ'} or after.tags & {'VBN', 'VBG'})
            and (not gathered)
            and not bare
        )

    def _ends_phrase(
        self,
        words: List[Word],
        i: int,
        gathered: List[Word],
        chunks: List[Chunk],
        bare: bool,
    ) -> bool:
        """Whether the word at ``i`` is a verb after the phrase's head."""
        word = words[i]
        head = gathered[-1]
        if not word.tags or not self._is_noun(head):
            return False
        after = words[i + 1] if i + 1 < len(words) else Word('', '')
        if word.phrase:
            return False
        phrase = self._make(gathered, False, bare, False, None)
        if 'VBG' in word.tags:
            return word.low not in SELDOM_VERBS or self._is_bare_verb(
                words, i, [*chunks, phrase], after
            )
        if (
            self._names_object(word)
            and 'VBZ' in after.tags
            and (not self._names_object(after))
        ):
            return False  # 'a skier on red skis glides'
        trial = [*chunks, phrase]
        return self._is_bare_verb(words, i, trial, after)
