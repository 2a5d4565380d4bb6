"""Verbs with their auxiliaries, and what is said of them."""

from typing import List

from .chunks import Chunk, VerbGroup, Word
from .function_words import (
    ADVERBS,
    BE,
    DO,
    HAVE,
    NOT_ONLY,
    NOT_VERBS,
    READY,
    REAL_RAISING,
    UNREAL_MODALS,
    UNREAL_RAISING,
)
from .verb_tests import VerbTests


class VerbGroups(VerbTests):
    """Reads verb groups: 'is about to ride', 'can be seen riding'."""

    def _verb_group(
        self, words: List[Word], i: int, chunks: List[Chunk]
    ) -> int:
        """Appends the verb group at ``i``; returns where it ends, or i."""
        group = VerbGroup('', '')
        start, auxiliary, to = i, '', False
        unreal = negated = False
        while i < len(words):
            word = words[i]
            low = word.low
            after = words[i + 1] if i + 1 < len(words) else Word('', '')
            if low == 'to' and (auxiliary or i == start or to):
                follower = self._skip(words, i + 1)
                if (
                    not ('VB' in follower.tags or follower.low in BE | HAVE)
                    or follower.phrase
                ):
                    break
                if i == start and not self._is_infinitive(words, i, chunks):
                    break
                to, auxiliary = True, auxiliary or 'to'
                group.infinitive = group.infinitive or i == start
            elif low in UNREAL_MODALS and not (
                low == 'can' and after.low in ('',)
            ):
                if i > start and auxiliary == '':
                    break
                unreal = unreal or not self._seen(words, i)
                auxiliary = 'modal'
            elif low in BE:
                if auxiliary and low in ('is', 'are', 'was', 'were', 'am'):
                    break
                if low == 'being' and auxiliary == '':
                    group.form = 'VBG'
                group.being = group.being or low == 'being'
                auxiliary = 'be'
            elif low in HAVE and (
                after.tags & {'VBN'}
                or after.low
                in (
                    'been',
                    'just',
                    'already',
                    'not',
                    'also',
                    'never',
                    'recently',
                )
                or self._skip(words, i + 1).low in BE
            ):
                if auxiliary == 'be':
                    break
                auxiliary = 'have'
                group.form = 'VBG' if low == 'having' else ''
            elif low in DO and (
                self._skip(words, i + 1).tags & {'VB'} or after.low == 'not'
            ):
                auxiliary = 'do'
            elif low in ('not', 'never', 'neither') and auxiliary:
                negated = negated or after.low not in NOT_ONLY
            elif auxiliary and low in READY and self._to_follows(words, i):
                unreal = unreal or low != 'trying'
            elif auxiliary == 'be' and low in ('unable', 'busy'):
                negated = negated or low == 'unable'
            elif auxiliary and (
                low in ADVERBS
                or (low.endswith('ly') and 'VERB' not in word.pos)
                or low in self.words['hypothetical_adverbs']
            ):
                unreal = unreal or low in self.words['hypothetical_adverbs']
            elif self._is_verb(words, i, auxiliary, chunks, start):
                end = self._finish(
                    words, i, auxiliary, to, unreal, negated, group, chunks
                )
                return end
            else:
                break
            i += 1
        if auxiliary in ('be', 'have') and i > start:
            # 'is on the phone', 'is a player': the verb is 'be' itself.
            while i > start and words[i - 1].low not in BE | HAVE | {'not'}:
                i -= 1
            if i == start:
                return start
            group.lemma = 'be' if auxiliary == 'be' else 'have'
            group.form = 'VB' if group.infinitive else (group.form or 'finite')
            group.unreal, group.negated = unreal, negated
            chunks.append(group)
            return i
        if auxiliary in ('modal', 'do') and i > start:
            chunks.append(
                VerbGroup('do', 'finite', unreal=unreal, negated=negated)
            )
            return i
        return start

    def _finish(
        self,
        words: List[Word],
        i: int,
        auxiliary: str,
        to: bool,
        unreal: bool,
        negated: bool,
        group: VerbGroup,
        chunks: List[Chunk],
    ) -> int:
        """Reads the main verb at ``i`` and what it governs."""
        word = words[i]
        participle = 'VBN' in word.tags and 'VBG' not in word.tags
        if auxiliary == 'be':
            group.passive = participle and 'VBG' not in word.tags
        if auxiliary == '':
            group.form = self._bare_form(words, i, chunks)
        elif group.infinitive:
            group.form = 'VB'
        elif group.form == '':
            group.form = 'finite'
        group.lemma = word.verb
        group.unreal, group.negated = unreal, negated
        chunks.append(group)
        i += 1
        if group.passive and group.lemma in (
            'see',
            'show',
            'picture',
            'depict',
            'capture',
            'say',
            'portray',
            'photograph',
            'engage',
            'catch',
            'suppose',
            'feature',
            'find',
            'spot',
        ):
            return self._transparent(words, i, group)
        return self._raise(words, i, group, chunks)

    def _transparent(self, words: List[Word], i: int, group: VerbGroup) -> int:
        """'is seen riding': the verb is 'ride'."""
        j = i
        while j < len(words) and (
            words[j].low in ADVERBS
            or words[j].low in ('to', 'in', 'be')
            or words[j].low.endswith('ly')
        ):
            j += 1
        if (
            j < len(words)
            and 'VBG' in words[j].tags
            and words[j].low not in NOT_VERBS
            and not words[j].phrase
        ):
            group.lemma, group.passive = words[j].verb, False
            return j + 1
        if (
            j < len(words)
            and words[j].low == 'being'
            and j + 1 < len(words)
            and 'VBN' in words[j + 1].tags
        ):
            group.lemma, group.being = words[j + 1].verb, True
            return j + 2
        if group.lemma == 'suppose':
            group.unreal = True
        return i

    def _raise(
        self, words: List[Word], i: int, group: VerbGroup, chunks: List[Chunk]
    ) -> int:
        """'seems to be riding', 'wants to ride': the verb is 'ride'."""
        real = group.lemma in REAL_RAISING
        if not real and group.lemma not in UNREAL_RAISING:
            return i
        j = i
        while j < len(words) and (
            words[j].low
            in ('to', 'be', 'not', 'have', 'been', 'being', 'hard')
            or words[j].low in READY
            or words[j].low in ADVERBS
            or words[j].low.endswith('ly')
        ):
            j += 1
        between = {word.low for word in words[i:j]}
        if (
            group.lemma
            in (
                'bend',
                'lean',
                'reach',
                'go',
                'look',
                'come',
                'stop',
                'pause',
                'get',
                'like',
                'love',
                'ask',
            )
            and 'to' not in between
        ):
            return i
        if j >= len(words) or words[j].phrase:
            return i
        word = words[j]
        gerund = 'VBG' in word.tags
        base = 'VB' in word.tags and 'to' in between
        passive = 'VBN' in word.tags and between & {'be', 'been', 'being'}
        if (
            not (gerund or base or passive)
            or (not between and not gerund)
            or word.low in NOT_VERBS
        ):
            return i
        if (
            words[i:j]
            and words[i].low not in ('to', 'not')
            and words[i].low not in READY | ADVERBS
            and not words[i].low.endswith('ly')
        ):
            return i
        group.lemma = word.verb
        group.passive = bool(passive and not gerund)
        group.being = group.being or group.passive
        group.unreal = (
            group.unreal
            or not real
            or bool(between & (READY - {'trying', 'likely'}))
        )
        group.negated = group.negated or 'not' in between
        return self._raise(words, j + 1, group, chunks)
