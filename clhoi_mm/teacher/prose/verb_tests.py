"""Whether a word is a verb where it stands."""

from typing import List

from .chunks import Chunk, Mark, NounPhrase, VerbGroup, Word
from .function_words import (
    ADVERBS,
    BE,
    DETERMINERS,
    HAVE,
    PREPOSITIONS,
    SELDOM_VERBS,
    SUBJECTS,
    SUBORDINATORS,
)
from .naming import PhraseNamer


class VerbTests(PhraseNamer):
    """Tells verbs from nouns by what stands before and after."""

    def _is_verb(
        self,
        words: List[Word],
        i: int,
        auxiliary: str,
        chunks: List[Chunk],
        start: int,
    ) -> bool:
        word = words[i]
        if not word.tags or word.phrase or word.low in DETERMINERS:
            return False
        if word.low in PREPOSITIONS | SUBORDINATORS:
            return False
        after = words[i + 1] if i + 1 < len(words) else Word('', '')
        if auxiliary in ('modal', 'do', 'to'):
            return 'VB' in word.tags
        if auxiliary == 'be':
            return bool(word.tags & {'VBG', 'VBN'}) and not (
                'ADJ' in word.pos
                and 'NOUN' in after.pos
                and 'VBN' in word.tags
                and not after.tags
            )
        if auxiliary == 'have':
            return 'VBN' in word.tags
        return self._is_bare_verb(words, i, chunks, after)

    def _is_bare_verb(
        self, words: List[Word], i: int, chunks: List[Chunk], after: Word
    ) -> bool:
        """Whether a word without auxiliary is a verb where it stands."""
        word = words[i]
        last = chunks[-1] if chunks else None
        if word.low in HAVE:
            return True
        only_verb = word.pos <= {'VERB'}
        object_follows = (
            after.low in DETERMINERS
            or after.low in SUBJECTS
            or after.low in ('it', 'herself', 'himself', 'themselves')
            or bool(after.phrase)
            or (self._names_object(after) and not self._names_object(word))
        )
        if word.low in SELDOM_VERBS:
            return object_follows and not (
                isinstance(last, Mark) and last.kind == 'prep'
            )
        if 'VBG' in word.tags:
            if isinstance(last, Mark) and last.kind == 'prep':
                return bool(
                    only_verb or object_follows or after.low in PREPOSITIONS
                )
            if (
                'NOUN' in after.pos
                and not after.tags & {'VBZ'}
                and (not only_verb)
                and not object_follows
                and not isinstance(last, NounPhrase)
            ):
                return True
            return True
        if isinstance(last, Mark) and last.kind == 'prep':
            return False
        if last is None or (
            isinstance(last, Mark)
            and last.kind
            in ('comma', 'adverb', 'unreal', 'not', 'sub', 'other')
        ):
            if word.tags & {'VBN'} and 'VB' not in word.tags:
                return True
            if self._subject_waits(chunks):
                return bool(word.tags & {'VBZ', 'VBD', 'VB'}) and (
                    only_verb
                    or object_follows
                    or after.low in PREPOSITIONS
                    or 'NOUN' not in word.pos
                    or not after.low
                )
            return (
                object_follows
                and 'ADJ' not in word.pos
                or (only_verb and last is not None)
                or (
                    last is None
                    and 'VB' in word.tags
                    and self._names_object(after)
                )
            )
        if isinstance(last, Mark) and last.kind == 'rel':
            return bool(word.tags & {'VBZ', 'VBD', 'VB'})
        if isinstance(last, Mark) and last.kind == 'and':
            return self._is_coordinated(
                word, chunks, only_verb, object_follows, after
            )
        if isinstance(last, NounPhrase):
            return self._follows_noun(
                word, last, chunks, only_verb, object_follows, after
            )
        if isinstance(last, VerbGroup):
            return bool(word.tags & {'VBN'}) and only_verb
        return only_verb

    def _follows_noun(
        self,
        word: Word,
        last: NounPhrase,
        chunks: List[Chunk],
        only_verb: bool,
        object_follows: bool,
        after: Word,
    ) -> bool:
        if only_verb:
            return True
        if word.tags & {'VBN', 'VBD'} and 'VB' not in word.tags:
            return True
        person = last.kind in ('human', 'animal', 'pronoun')
        waits = self._subject_waits(chunks) or person
        follows = (
            object_follows
            or after.low in PREPOSITIONS
            or after.low in ADVERBS
            or after.low.endswith('ly')
            or not after.low
            or after.low in (',', 'and', 'as', 'while')
            or 'VBG' in after.tags
            or 'ADJ' in after.pos
            or 'NOUN' in after.pos
            or (
                after.low in BE
                and len(chunks) > 1
                and isinstance(chunks[-2], Mark)
                and chunks[-2].kind == 'rel'
            )
        )
        if 'VBZ' in word.tags:
            return waits and follows
        if 'VBD' in word.tags and waits and follows:
            return True
        if 'VB' in word.tags:
            plural = last.plural or len(last.group) > 1
            return (plural or object_follows) and waits and follows
        return False

    def _is_coordinated(
        self,
        word: Word,
        chunks: List[Chunk],
        only_verb: bool,
        object_follows: bool,
        after: Word,
    ) -> bool:
        verbs = [chunk for chunk in chunks if isinstance(chunk, VerbGroup)]
        if only_verb:
            return True
        if not verbs:
            return False
        if word.tags & {'VBN', 'VBD'} and 'VB' not in word.tags:
            return (
                'ADJ' not in word.pos
                or object_follows
                or after.low in PREPOSITIONS
            )
        if 'VBZ' in word.tags:
            return verbs[-1].form == 'finite' and (
                object_follows
                or after.low in PREPOSITIONS
                or 'NOUN' in after.pos
                or after.low.endswith('ly')
            )
        return verbs[-1].form in ('finite', 'VB') and object_follows

    def _subject_waits(self, chunks: List[Chunk]) -> bool:
        """Whether a noun phrase of this clause has no finite verb yet."""
        seen = False
        for chunk in reversed(chunks):
            if isinstance(chunk, VerbGroup) and chunk.form == 'finite':
                return False
            if isinstance(chunk, Mark) and chunk.kind in ('sub',):
                break
            seen = seen or isinstance(chunk, NounPhrase)
        return seen

    def _bare_form(
        self, words: List[Word], i: int, chunks: List[Chunk]
    ) -> str:
        word = words[i]
        if 'VBG' in word.tags:
            return 'VBG'
        last = chunks[-1] if chunks else None
        if 'VBN' in word.tags and 'VB' not in word.tags:
            if 'VBD' not in word.tags:
                return 'VBN'
            if word.verb in self.words['stative'] or word.verb == 'seat':
                return 'VBN'
            before = [
                c
                for c in chunks[-2:]
                if not isinstance(c, Mark) or c.kind != 'adverb'
            ]
            last = before[-1] if before else None
            after = words[i + 1].low if i + 1 < len(words) else ''
            if after == 'by':
                return 'VBN'
            if isinstance(last, NounPhrase):
                return 'finite' if last.human else 'VBN'
            if isinstance(last, Mark) and last.kind in ('rel', 'and'):
                return 'finite'
            if (
                isinstance(last, Mark)
                and last.kind in ('comma', 'sub')
                and (self._takes_object(after))
            ):
                return 'finite'  # 'opened the oven, then cleaned it'
            return (
                'VBN'
                if last is None
                or (isinstance(last, Mark) and last.kind in ('comma', 'sub'))
                else 'finite'
            )
        return 'finite'

    @staticmethod
    def _takes_object(after: str) -> bool:
        return after in (
            'the',
            'it',
            'him',
            'them',
            'his',
            'their',
            'her',
            'its',
        )

    def _is_infinitive(
        self, words: List[Word], i: int, chunks: List[Chunk]
    ) -> bool:
        follower = self._skip(words, i + 1)
        if follower.low in BE | HAVE:
            return True
        last = chunks[-1] if chunks else None
        if isinstance(last, Mark) and last.word in ('next', 'close', 'due'):
            return False
        j = i + 2
        after = words[j] if j < len(words) else Word('', '')
        # 'to work', 'to school': a noun without a word of its own.
        if 'NOUN' in follower.pos and not (
            after.low in DETERMINERS
            or 'NOUN' in after.pos
            or after.phrase
            or after.low in PREPOSITIONS
            or after.low in SUBJECTS
            or after.low in ('it', '')
        ):
            return False
        return True

    @staticmethod
    def _to_follows(words: List[Word], i: int) -> bool:
        following = [word.low for word in words[i + 1 : i + 3]]
        return 'to' in following[:1] or following[:1] == ['for']

    def _seen(self, words: List[Word], i: int) -> bool:
        """'can be seen', 'can see': no doubt about what is seen."""
        following = [word.verb for word in words[i + 1 : i + 5]]
        return bool(
            {'see', 'spot', 'observe', 'notice', 'view', 'find'}
            & set(following)
        ) and words[i].low in ('can', 'could')

    @staticmethod
    def _word_at(words: List[Word], i: int) -> str:
        return words[i].low if i < len(words) else ''

    @staticmethod
    def _skip(words: List[Word], i: int) -> Word:
        while i < len(words) and (
            words[i].low in ADVERBS or words[i].low.endswith('ly')
        ):
            i += 1
        return words[i] if i < len(words) else Word('', '')
