"""Sentences to chunks: noun phrases, verb groups and marks."""

from typing import List

from .chunks import Chunk, Mark, NounPhrase, Word
from .function_words import (
    ADVERBS,
    BE,
    COLOURS,
    CONJUNCTIONS,
    DETERMINERS,
    DO,
    NOT_ONLY,
    NOT_VERBS,
    POSSESSIVES,
    PREPOSITIONS,
    READY,
    RELATIVES,
    SUBORDINATORS,
)
from .lexicon import Lexicon
from .morphology import parts_of_speech, singular, verb_form
from .noun_phrases import NounPhrases
from .text import tokenise

# 'blow-drying', 'bottle-feeding': how it is done matters to no class.
_MANNERS = frozenset('blow towel hand bottle spoon spray pressure'.split())


class Chunker(NounPhrases):
    """Splits sentences into chunks, by rule.

    Args:
        lexicon (Lexicon): Knows objects and verbs of the vocabulary.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        super().__init__(lexicon)
        self._phrases = self._multiword()

    def chunk(self, sentence: str) -> List[Chunk]:
        """The chunks of one sentence, in order."""
        tokens = [
            part
            for token in tokenise(sentence)
            for part in self._split_hyphen(token)
        ]
        words = self._join([self._word(token) for token in tokens])
        self._restore_is(words)
        chunks: List[Chunk] = []
        position = 0
        while position < len(words):
            position = self._next(words, position, chunks)
        return chunks

    def _split_hyphen(self, token: str) -> List[str]:
        """'hot-dog' is two words, 'broken-down' is an adjective."""
        parts = token.split('-')
        if len(parts) == 1:
            return parts
        low = [part.lower() for part in parts]
        found = self.lexicon.find_object(low)
        if found or ' '.join(low) in self._phrases:
            return parts
        last = verb_form(low[-1])
        if last and 'VBG' in last.tags and self.lexicon.find_object(low[:-1]):
            return parts
        if singular(low[-1]) in self.words['persons'] or (
            low[0] in _MANNERS and last
        ):
            return parts[-1:]
        return [token]

    @staticmethod
    def _restore_is(words: List[Word]) -> None:
        """ "The woman's carrying a bag": 's is a verb here."""
        for i, word in enumerate(words[:-1]):
            if word.low != "'s":
                continue
            after = words[i + 1]
            further = words[i + 2] if i + 2 < len(words) else Word('', '')
            if (
                after.low in DETERMINERS - POSSESSIVES
                or after.low == 'not'
                or (
                    'VBG' in after.tags
                    and (
                        further.low in DETERMINERS
                        or further.low in PREPOSITIONS
                        or not further.low
                    )
                )
            ):
                words[i] = Word("'s", 'is')

    def _multiword(self) -> dict:
        """Names of several words -> (object label, kind)."""
        found = {
            name: (label, 'thing')
            for name, label in self.lexicon.objects.items()
            if ' ' in name
        }
        for name in self.words['compounds']:
            found.setdefault(name, (-1, 'thing'))
            found.setdefault(name + 's', (-1, 'thing'))
        return found

    def _word(self, token: str) -> Word:
        low = token.lower()
        if '-' in low and len(low) > 1:
            return Word(token, low, self._hyphenated(low))
        low = self.lexicon.correct(low)
        if low in DETERMINERS or low in PREPOSITIONS or low in BE:
            return Word(token, low)
        form = verb_form(low)
        if form and low not in NOT_VERBS and low not in COLOURS:
            return Word(
                token, low, parts_of_speech(low), form.lemma, form.tags
            )
        return Word(token, low, parts_of_speech(low) - {'VERB'})

    @staticmethod
    def _hyphenated(low: str) -> frozenset:
        last = low.split('-')[-1]
        form = verb_form(last)
        if (
            form
            and form.tags & {'VBN', 'VBG'}
            or last in PREPOSITIONS
            or 'ADJ' in parts_of_speech(last)
        ):
            return frozenset(['ADJ'])
        return frozenset(['ADJ', 'NOUN'])

    def _join(self, words: List[Word]) -> List[Word]:
        """Makes one word of the names that have several."""
        joined, i = [], 0
        while i < len(words):
            for size in range(min(5, len(words) - i), 1, -1):
                name = ' '.join(word.low for word in words[i : i + size])
                if name in self._phrases:
                    label, kind = self._phrases[name]
                    word = Word(name, name, frozenset(['NOUN']))
                    word.phrase = (name, label, kind)
                    joined.append(word)
                    i += size
                    break
            else:
                joined.append(words[i])
                i += 1
        return joined

    def _next(self, words: List[Word], i: int, chunks: List[Chunk]) -> int:
        word = words[i]
        low = word.low
        after = words[i + 1] if i + 1 < len(words) else Word('', '')
        if low in (',', '(', ')', ':', '-', '/', '"', "'", '\u00b7'):
            if low not in '"\'':
                chunks.append(Mark('comma', low))
            return i + 1
        if low == 'there' and (
            after.low in BE | DO
            or after.low in ('appears', 'seems', 'appear', 'seem')
        ):
            chunks.append(Mark('there', low))
            return i + 1
        if low in CONJUNCTIONS:
            chunks.append(Mark('and', low))
            return i + 1
        if low in ('no', 'any') and after.low in ('longer',):
            chunks.append(Mark('not', low))
            return i + 2
        if low == 'no' and after.low == 'one':
            phrase = NounPhrase('nobody', 'human', negated=True)
            chunks.append(phrase)
            return i + 2
        if low == 'not' and after.low in NOT_ONLY:
            return i + 2
        if low in ('not', 'never', 'hardly', 'without', 'nor') or (
            low in ('instead', 'rather') and after.low in ('of', 'than')
        ):
            chunks.append(Mark('not', low))
            return i + (2 if low in ('instead', 'rather') else 1)
        if low == 'as' and after.low in ('if', 'though'):
            chunks.append(Mark('sub', low))
            return i + 2
        if low in self.words['hypothetical_adverbs'] or low in (
            'if',
            'unless',
            'how',
        ):
            chunks.append(Mark('unreal', low))
            return i + 1
        if low in READY and after.low == 'to' and low != 'trying':
            chunks.append(Mark('unreal', low))
            return i + 1
        if (
            low == 'in'
            and after.low == 'front'
            and self._word_at(words, i + 2) == 'of'
        ):
            chunks += [Mark('prep', name) for name in ('in', 'front', 'of')]
            return i + 3
        if (
            low == 'neither'
            and after.tags
            and 'NOUN'
            not in after.pos - ({'NOUN'} if 'VBG' in after.tags else set())
        ):
            chunks.append(Mark('not', low))
            return i + 1
        if low in SUBORDINATORS:
            chunks.append(Mark('sub', low))
            return i + 1
        if low in RELATIVES and not (
            low == 'that' and self._is_determiner(words, i, chunks)
        ):
            chunks.append(Mark('rel', low))
            return i + 1
        end = self._verb_group(words, i, chunks)
        if end > i:
            return end
        end = self._noun_phrase(words, i, chunks)
        if end > i:
            return end
        if low in PREPOSITIONS:
            chunks.append(Mark('prep', low))
        elif low in ADVERBS or low.endswith('ly') or 'ADV' in word.pos:
            chunks.append(Mark('adverb', low))
        else:
            chunks.append(Mark('other', low))
        return i + 1

    def _is_determiner(
        self, words: List[Word], i: int, chunks: List[Chunk]
    ) -> bool:
        """Whether 'that' points at a noun rather than opens a clause."""
        if not chunks or i + 1 >= len(words):
            return True
        if isinstance(chunks[-1], NounPhrase):
            return False
        follower = words[i + 1]
        return 'NOUN' in follower.pos and not follower.tags - {'VB'}
