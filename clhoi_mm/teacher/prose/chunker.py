"""Sentences to chunks: noun phrases, verb groups and marks."""
import re
from typing import List, Optional, Union

from .chunks import Mark, NounPhrase, VerbGroup, Word
from .lexicon import Lexicon, load_words
from .morphology import noun_lemma, parts_of_speech, singular, verb_form
from .text import tokenise

Chunk = Union[NounPhrase, VerbGroup, Mark]


def _set(text: str) -> frozenset:
    return frozenset(text.split())


DETERMINERS = _set(
    'a an the this these those my your his her its their our another each '
    'every some any all both no either neither several many few various most '
    'other two three four five six seven eight nine ten one multiple '
    'numerous certain such what whose more half dozens dozen')
POSSESSIVES = _set('my your his her its their our')
NEGATIVE_NOUNS = _set('nobody none nothing')
SUBJECTS = _set('he she they we you i him them me us')
PREPOSITIONS = _set(
    'on onto upon in into inside within at to toward towards from of off with '
    'without by for over under underneath beneath below above behind beside '
    'besides near next through across along alongside around between among '
    'against atop astride aboard out up down away past about before after '
    'during amid amidst outside back together via like beyond despite '
    'throughout except plus per versus opposite ahead forward apart aside '
    'onboard abreast')
CONJUNCTIONS = _set('and or but nor yet & plus')
SUBORDINATORS = _set('while when whilst whereas because since if as although '
                     'though until unless once where so then than whenever')
RELATIVES = _set('who which that whom')
BE = _set('be is are was were been being am')
HAVE = _set('have has had having')
DO = _set('do does did')
UNREAL_MODALS = _set('could may might would should will shall can must')
ADVERBS = _set(
    'also just still currently now only even always often very quite rather '
    'too simply actively happily together carefully not clearly evidently '
    'likely probably apparently presumably already both either neither '
    'almost nearly there here not really about along then again later '
    'nearby indoors outdoors outside inside else somewhat mid midair '
    'seemingly instead')
# 'seems to ride' and 'keeps riding' say that it is done, 'wants to' does not.
REAL_RAISING = _set('appear seem begin start continue manage try attempt '
                    'happen proceed look come keep stop pause bend lean go '
                    'reach get finish enjoy')
UNREAL_RAISING = _set(
    'want hope plan intend need wish wait prepare decide expect like love '
    'learn refuse fail consider pretend aim yearn dream hesitate desire ask '
    'promise threaten seek forget decline offer agree avoid')
READY = _set('about ready going poised set able eager likely due preparing '
             'supposed unable prepared willing trying waiting hoping wanting '
             'determined reluctant afraid')
_NO_NOUNS = _set('how if why but whether perhaps maybe possibly potentially')
_NOT_ONLY = _set('only just merely simply')
_COLOURS = _set('red blue green yellow white black brown pink orange purple '
                'gray grey golden')
_NOT_VERBS = _set('morning evening clothing railing ceiling string king ring '
                  'wing spring thing something anything nothing everything '
                  'during sibling')
_SELDOM_VERBS = _set('painting building wedding meeting parking crossing')
_PEOPLE_LIKE = re.compile(r'[a-z]{3,}(?:ist|ian|man|men|woman|women|eer)$')
_THINGS_LIKE_PEOPLE = _set(
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
    'tumbler controller joker poker pacifier croissant')


class Chunker:
    """Splits sentences into chunks, by rule.

    Args:
        lexicon (Lexicon): Knows objects and verbs of the vocabulary.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.words = load_words()
        self._phrases = self._multiword()
        self._board = -1

    def set_topic(self, text: str) -> None:
        """Note what a text is about: which board a 'board' is."""
        low = text.lower()
        self._board = -1
        for name, signs in _BOARDS:
            if any(sign in low for sign in signs):
                self._board = self.lexicon.vocabulary.object_label(name)
                break

    def chunk(self, sentence: str) -> List[Chunk]:
        """The chunks of one sentence, in order."""
        tokens = [
            part for token in tokenise(sentence)
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
        if singular(low[-1]) in self.words['persons']:
            return parts[-1:]
        return [token]

    @staticmethod
    def _restore_is(words: List[Word]) -> None:
        """"The woman's carrying a bag": 's is a verb here."""
        for i, word in enumerate(words[:-1]):
            if word.low != "'s":
                continue
            after = words[i + 1]
            further = words[i + 2] if i + 2 < len(words) else Word('', '')
            if after.low in DETERMINERS - POSSESSIVES or after.low == 'not' \
                    or ('VBG' in after.tags and (
                        further.low in DETERMINERS
                        or further.low in PREPOSITIONS or not further.low)):
                words[i] = Word("'s", 'is')

    def _multiword(self) -> dict:
        """Names of several words -> (object label, kind)."""
        found = {
            name: (label, 'thing')
            for name, label in self.lexicon.objects.items() if ' ' in name
        }
        for name in _FIXED:
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
        if form and low not in _NOT_VERBS and low not in _COLOURS:
            return Word(token, low, parts_of_speech(low), form.lemma,
                        form.tags)
        return Word(token, low, parts_of_speech(low) - {'VERB'})

    @staticmethod
    def _hyphenated(low: str) -> frozenset:
        last = low.split('-')[-1]
        form = verb_form(last)
        if form and form.tags & {'VBN', 'VBG'} or last in PREPOSITIONS \
                or 'ADJ' in parts_of_speech(last):
            return frozenset(['ADJ'])
        return frozenset(['ADJ', 'NOUN'])

    def _join(self, words: List[Word]) -> List[Word]:
        """Makes one word of the names that have several."""
        joined, i = [], 0
        while i < len(words):
            for size in range(min(5, len(words) - i), 1, -1):
                name = ' '.join(word.low for word in words[i:i + size])
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
        if low == 'there' and (after.low in BE or after.low in
                               ('appears', 'seems', 'appear', 'seem')):
            chunks.append(Mark('there', low))
            return i + 1
        if low in CONJUNCTIONS:
            chunks.append(Mark('and', low))
            return i + 1
        if low in ('no', 'any') and after.low in ('longer', ):
            chunks.append(Mark('not', low))
            return i + 2
        if low == 'no' and after.low == 'one':
            phrase = NounPhrase('nobody', 'human', negated=True)
            chunks.append(phrase)
            return i + 2
        if low == 'not' and after.low in _NOT_ONLY:
            return i + 2
        if low in ('not', 'never', 'hardly', 'without', 'nor') or (
                low in ('instead', 'rather') and after.low in ('of', 'than')):
            chunks.append(Mark('not', low))
            return i + (2 if low in ('instead', 'rather') else 1)
        if low == 'as' and after.low in ('if', 'though'):
            chunks.append(Mark('sub', low))
            return i + 2
        if low in self.words['hypothetical_adverbs'] or low in (
                'if', 'unless', 'how'):
            chunks.append(Mark('unreal', low))
            return i + 1
        if low in READY and after.low == 'to' and low != 'trying':
            chunks.append(Mark('unreal', low))
            return i + 1
        if low == 'in' and after.low == 'front' and self._word_at(
                words, i + 2) == 'of':
            chunks += [Mark('prep', name) for name in ('in', 'front', 'of')]
            return i + 3
        if low == 'neither' and after.tags and 'NOUN' not in after.pos - (
                {'NOUN'} if 'VBG' in after.tags else set()):
            chunks.append(Mark('not', low))
            return i + 1
        if low in SUBORDINATORS:
            chunks.append(Mark('sub', low))
            return i + 1
        if low in RELATIVES and not (low == 'that' and
                                     self._is_determiner(words, i, chunks)):
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

    def _is_determiner(self, words: List[Word], i: int,
                       chunks: List[Chunk]) -> bool:
        """Whether 'that' points at a noun rather than opens a clause."""
        if not chunks or i + 1 >= len(words):
            return True
        if isinstance(chunks[-1], NounPhrase):
            return False
        follower = words[i + 1]
        return 'NOUN' in follower.pos and not follower.tags - {'VB'}

    # ------------------------------------------------------------ verbs

    def _verb_group(self, words: List[Word], i: int,
                    chunks: List[Chunk]) -> int:
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
                if not ('VB' in follower.tags or follower.low in BE | HAVE) \
                        or follower.phrase:
                    break
                if i == start and not self._is_infinitive(words, i, chunks):
                    break
                to, auxiliary = True, auxiliary or 'to'
                group.infinitive = group.infinitive or i == start
            elif low in UNREAL_MODALS and not (low == 'can' and after.low in
                                               ('', )):
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
            elif low in HAVE and (after.tags & {'VBN'} or after.low in
                                  ('been', 'just', 'already', 'not', 'also',
                                   'never', 'recently') or
                                  self._skip(words, i + 1).low in BE):
                if auxiliary == 'be':
                    break
                auxiliary = 'have'
                group.form = 'VBG' if low == 'having' else ''
            elif low in DO and (self._skip(words, i + 1).tags & {'VB'}
                                or after.low == 'not'):
                auxiliary = 'do'
            elif low in ('not', 'never', 'neither') and auxiliary:
                negated = negated or after.low not in _NOT_ONLY
            elif auxiliary and low in READY and self._to_follows(words, i):
                unreal = unreal or low != 'trying'
            elif auxiliary == 'be' and low in ('unable', 'busy') :
                negated = negated or low == 'unable'
            elif auxiliary and (low in ADVERBS or (
                    low.endswith('ly') and 'VERB' not in word.pos)
                    or low in self.words['hypothetical_adverbs']):
                unreal = unreal or low in self.words['hypothetical_adverbs']
            elif self._is_verb(words, i, auxiliary, chunks, start):
                end = self._finish(words, i, auxiliary, to, unreal, negated,
                                   group, chunks)
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
            group.form = 'VB' if group.infinitive else (
                group.form or 'finite')
            group.unreal, group.negated = unreal, negated
            chunks.append(group)
            return i
        if auxiliary in ('modal', 'do') and i > start:
            chunks.append(
                VerbGroup('do', 'finite', unreal=unreal, negated=negated))
            return i
        return start

    def _finish(self, words: List[Word], i: int, auxiliary: str, to: bool,
                unreal: bool, negated: bool, group: VerbGroup,
                chunks: List[Chunk]) -> int:
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
        if group.passive and group.lemma in ('see', 'show', 'picture',
                                             'depict', 'capture', 'say',
                                             'portray', 'photograph',
                                             'engage', 'catch', 'suppose',
                                             'feature', 'find', 'spot'):
            return self._transparent(words, i, group)
        return self._raise(words, i, group, chunks)

    def _transparent(self, words: List[Word], i: int,
                     group: VerbGroup) -> int:
        """'is seen riding': the verb is 'ride'."""
        j = i
        while j < len(words) and (words[j].low in ADVERBS
                                  or words[j].low in ('to', 'in', 'be')
                                  or words[j].low.endswith('ly')):
            j += 1
        if j < len(words) and 'VBG' in words[j].tags and words[
                j].low not in _NOT_VERBS and not words[j].phrase:
            group.lemma, group.passive = words[j].verb, False
            return j + 1
        if j < len(words) and words[j].low == 'being' and j + 1 < len(
                words) and 'VBN' in words[j + 1].tags:
            group.lemma, group.being = words[j + 1].verb, True
            return j + 2
        if group.lemma == 'suppose':
            group.unreal = True
        return i

    def _raise(self, words: List[Word], i: int, group: VerbGroup,
               chunks: List[Chunk]) -> int:
        """'seems to be riding', 'wants to ride': the verb is 'ride'."""
        real = group.lemma in REAL_RAISING
        if not real and group.lemma not in UNREAL_RAISING:
            return i
        j = i
        while j < len(words) and (
                words[j].low in ('to', 'be', 'not', 'have', 'been', 'being',
                                 'hard')
                or words[j].low in READY or words[j].low in ADVERBS
                or words[j].low.endswith('ly')):
            j += 1
        between = {word.low for word in words[i:j]}
        if group.lemma in ('bend', 'lean', 'reach', 'go', 'look', 'come',
                           'stop', 'pause', 'get', 'like', 'love', 'ask'
                           ) and 'to' not in between:
            return i
        if j >= len(words) or words[j].phrase:
            return i
        word = words[j]
        gerund = 'VBG' in word.tags
        base = 'VB' in word.tags and 'to' in between
        passive = 'VBN' in word.tags and between & {'be', 'been', 'being'}
        if not (gerund or base or passive) or (
                not between and not gerund) or word.low in _NOT_VERBS:
            return i
        if words[i:j] and words[i].low not in (
                'to', 'not') and words[i].low not in READY | ADVERBS \
                and not words[i].low.endswith('ly'):
            return i
        group.lemma = word.verb
        group.passive = bool(passive and not gerund)
        group.being = group.being or group.passive
        group.unreal = group.unreal or not real or bool(
            between & (READY - {'trying', 'likely'}))
        group.negated = group.negated or 'not' in between
        return self._raise(words, j + 1, group, chunks)

    def _is_infinitive(self, words: List[Word], i: int,
                       chunks: List[Chunk]) -> bool:
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
                after.low in DETERMINERS or 'NOUN' in after.pos
                or after.phrase or after.low in PREPOSITIONS
                or after.low in SUBJECTS or after.low in ('it', '')):
            return False
        return True

    def _is_verb(self, words: List[Word], i: int, auxiliary: str,
                 chunks: List[Chunk], start: int) -> bool:
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
                'ADJ' in word.pos and 'NOUN' in after.pos
                and 'VBN' in word.tags and not after.tags)
        if auxiliary == 'have':
            return 'VBN' in word.tags
        return self._is_bare_verb(words, i, chunks, after)

    def _is_bare_verb(self, words: List[Word], i: int, chunks: List[Chunk],
                      after: Word) -> bool:
        """Whether a word without auxiliary is a verb where it stands."""
        word = words[i]
        last = chunks[-1] if chunks else None
        if word.low in HAVE:
            return True
        only_verb = word.pos <= {'VERB'}
        object_follows = (
            after.low in DETERMINERS or after.low in SUBJECTS or after.low in
            ('it', 'herself', 'himself', 'themselves') or bool(after.phrase)
            or (self._names_object(after)
                and not self._names_object(word)))
        if word.low in _SELDOM_VERBS:
            return object_follows and not (isinstance(last, Mark)
                                           and last.kind == 'prep')
        if 'VBG' in word.tags:
            if isinstance(last, Mark) and last.kind == 'prep':
                return bool(only_verb or object_follows
                            or after.low in PREPOSITIONS)
            if 'NOUN' in after.pos and not after.tags & {'VBZ'} and (
                    not only_verb) and not object_follows and not isinstance(
                        last, NounPhrase):
                return True
            return True
        if isinstance(last, Mark) and last.kind == 'prep':
            return False
        if last is None or (isinstance(last, Mark) and last.kind in
                            ('comma', 'adverb', 'unreal', 'not', 'sub',
                             'other')):
            if word.tags & {'VBN'} and 'VB' not in word.tags:
                return True
            if self._subject_waits(chunks):
                return bool(word.tags & {'VBZ', 'VBD', 'VB'}) and (
                    only_verb or object_follows
                    or after.low in PREPOSITIONS or 'NOUN' not in word.pos
                    or not after.low)
            return object_follows and 'ADJ' not in word.pos or (
                only_verb and last is not None) or (
                    last is None and 'VB' in word.tags
                    and self._names_object(after))
        if isinstance(last, Mark) and last.kind == 'rel':
            return bool(word.tags & {'VBZ', 'VBD', 'VB'})
        if isinstance(last, Mark) and last.kind == 'and':
            return self._is_coordinated(word, chunks, only_verb,
                                        object_follows, after)
        if isinstance(last, NounPhrase):
            return self._follows_noun(word, last, chunks, only_verb,
                                      object_follows, after)
        if isinstance(last, VerbGroup):
            return bool(word.tags & {'VBN'}) and only_verb
        return only_verb

    def _follows_noun(self, word: Word, last: NounPhrase,
                      chunks: List[Chunk], only_verb: bool,
                      object_follows: bool, after: Word) -> bool:
        if only_verb:
            return True
        if word.tags & {'VBN', 'VBD'} and 'VB' not in word.tags:
            return True
        person = last.kind in ('human', 'animal', 'pronoun')
        waits = self._subject_waits(chunks) or person
        follows = (
            object_follows or after.low in PREPOSITIONS
            or after.low in ADVERBS or after.low.endswith('ly')
            or not after.low or after.low in (',', 'and', 'as', 'while')
            or 'VBG' in after.tags or 'ADJ' in after.pos
            or 'NOUN' in after.pos
            or (after.low in BE and len(chunks) > 1
                and isinstance(chunks[-2], Mark) and chunks[-2].kind == 'rel'))
        if 'VBZ' in word.tags:
            return waits and follows
        if 'VBD' in word.tags and waits and follows:
            return True
        if 'VB' in word.tags:
            plural = last.plural or len(last.group) > 1
            return (plural or object_follows) and waits and follows
        return False

    def _is_coordinated(self, word: Word, chunks: List[Chunk],
                        only_verb: bool, object_follows: bool,
                        after: Word) -> bool:
        verbs = [chunk for chunk in chunks if isinstance(chunk, VerbGroup)]
        if only_verb:
            return True
        if not verbs:
            return False
        if word.tags & {'VBN', 'VBD'} and 'VB' not in word.tags:
            return 'ADJ' not in word.pos or object_follows \
                or after.low in PREPOSITIONS
        if 'VBZ' in word.tags:
            return verbs[-1].form == 'finite' and (
                object_follows or after.low in PREPOSITIONS
                or 'NOUN' in after.pos or after.low.endswith('ly'))
        return verbs[-1].form in ('finite', 'VB') and object_follows

    def _subject_waits(self, chunks: List[Chunk]) -> bool:
        """Whether a noun phrase of this clause has no finite verb yet."""
        seen = False
        for chunk in reversed(chunks):
            if isinstance(chunk, VerbGroup) and chunk.form == 'finite':
                return False
            if isinstance(chunk, Mark) and chunk.kind in ('sub', ):
                break
            seen = seen or isinstance(chunk, NounPhrase)
        return seen

    def _bare_form(self, words: List[Word], i: int,
                   chunks: List[Chunk]) -> str:
        word = words[i]
        if 'VBG' in word.tags:
            return 'VBG'
        last = chunks[-1] if chunks else None
        if 'VBN' in word.tags and 'VB' not in word.tags:
            if 'VBD' not in word.tags:
                return 'VBN'
            if word.verb in self.words['stative'] or word.verb == 'seat':
                return 'VBN'
            before = [c for c in chunks[-2:] if not isinstance(c, Mark)
                      or c.kind != 'adverb']
            last = before[-1] if before else None
            after = words[i + 1].low if i + 1 < len(words) else ''
            if after == 'by':
                return 'VBN'
            if isinstance(last, NounPhrase):
                return 'finite' if last.human else 'VBN'
            if isinstance(last, Mark) and last.kind in ('rel', 'and'):
                return 'finite'
            return 'VBN' if last is None or (
                isinstance(last, Mark) and last.kind in ('comma', 'sub')
            ) else 'finite'
        return 'finite'

    @staticmethod
    def _word_at(words: List[Word], i: int) -> str:
        return words[i].low if i < len(words) else ''

    @staticmethod
    def _skip(words: List[Word], i: int) -> Word:
        while i < len(words) and (words[i].low in ADVERBS
                                  or words[i].low.endswith('ly')):
            i += 1
        return words[i] if i < len(words) else Word('', '')

    @staticmethod
    def _to_follows(words: List[Word], i: int) -> bool:
        following = [word.low for word in words[i + 1:i + 3]]
        return 'to' in following[:1] or following[:1] == ['for']

    def _seen(self, words: List[Word], i: int) -> bool:
        """'can be seen', 'can see': no doubt about what is seen."""
        following = [word.verb for word in words[i + 1:i + 5]]
        return bool({'see', 'spot', 'observe', 'notice', 'view', 'find'}
                    & set(following)) and words[i].low in ('can', 'could')

    def _names_object(self, word: Word) -> bool:
        if word.phrase:
            return word.phrase[1] >= 0
        return bool(word.low.isalpha()
                    and self.lexicon.find_object([word.low]))

    # ------------------------------------------------------------ nouns

    def _noun_phrase(self, words: List[Word], i: int,
                     chunks: List[Chunk]) -> int:
        start = i
        low = words[i].low
        after = words[i + 1] if i + 1 < len(words) else Word('', '')
        if low in SUBJECTS or low == 'it' or low in (
                'himself', 'herself', 'themselves', 'itself'):
            kind = 'pronoun' if low in ('it', 'they', 'them', 'him') or (
                low.endswith('sel') or low.endswith('selves')) else 'human'
            chunks.append(
                NounPhrase(low, kind, plural=low in ('they', 'them', 'we')))
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
            elif low in DETERMINERS or low == 'that' or low.isdigit():
                if gathered:
                    break
                if low in ('her', 'his') and not self._noun_ahead(
                        words, i + 1):
                    if low == 'her':
                        chunks.append(NounPhrase('her', 'human'))
                        return i + 1
                    break
                negated = negated or low in ('no', 'neither')
                if low == 'its':
                    owner = NounPhrase('it', 'pronoun')
                bare = False
                quantity = low
            elif low == 'and' and self._joins_adjectives(words, i, gathered):
                pass
            elif gathered and self._ends_phrase(words, i, gathered, chunks,
                                                bare):
                break
            elif self._may_be_noun(word, after, gathered, bare, quantity):
                gathered.append(word)
            else:
                break
            i += 1
        while gathered and not (gathered[-1].phrase or self._is_noun(
                gathered[-1])):
            if len(gathered) == 1 and not bare and quantity not in (
                    'one', 'another', 'some', 'both', 'each'):
                break
            gathered.pop()
            i -= 1
        if not gathered:
            if owner:
                chunks.append(owner)
                return max(i, start + 1)
            if quantity in ('one', 'another', 'some', 'others', 'several',
                            'both', 'two', 'many', 'few', 'each', 'three',
                            'all', 'other', 'neither', 'any', 'this',
                            'these', 'those'):
                end = max(i, start + 1)
                if self._word_at(words, end) == 'of':
                    inner: List[Chunk] = []
                    stop = self._noun_phrase(words, end + 1, inner)
                    if stop > end + 1 and isinstance(inner[0], NounPhrase):
                        inner[0].negated = inner[0].negated or negated
                        inner[0].plural = quantity not in ('one', 'each',
                                                           'neither')
                        chunks.append(inner[0])
                        return stop
                chunks.append(
                    NounPhrase(
                        quantity, 'pronoun', negated=negated,
                        plural=quantity in ('both', 'all', 'some', 'two',
                                            'several', 'many', 'few',
                                            'these', 'those')))
                return end
            return start
        phrase = self._make(gathered, negated, bare, False, owner)
        i = self._of(words, i, phrase, chunks)
        return i

    @staticmethod
    def _joins_adjectives(words: List[Word], i: int,
                          gathered: List[Word]) -> bool:
        """'a black and white cow'."""
        if not gathered or i + 2 >= len(words):
            return False
        ahead, noun = words[i + 1], words[i + 2]
        return ('ADJ' in gathered[-1].pos and 'ADJ' in ahead.pos
                and not gathered[-1].phrase
                and ('NOUN' in noun.pos or noun.phrase is not None
                     or 'ADJ' in noun.pos) and not noun.tags - {'VB'})

    def _of(self, words: List[Word], i: int, phrase: NounPhrase,
            chunks: List[Chunk]) -> int:
        """'a group of men' is men; 'the back of a truck' is a truck's."""
        follows = i < len(words) and words[i].low == 'of'
        if follows and phrase.obj < 0:
            inner: List[Chunk] = []
            end = self._noun_phrase(words, i + 1, inner)
            if end > i + 1 and isinstance(inner[0], NounPhrase):
                other = inner[0]
                quantity = phrase.head in self.words['quantifiers']
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
                        'slice', 'piece', 'bite', 'one')
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

    def _noun_ahead(self, words: List[Word], i: int) -> bool:
        for word in words[i:i + 4]:
            if word.phrase or self._is_noun(word):
                return True
            if not word.pos & {'ADJ', 'ADV'} and not word.tags & {
                    'VBN', 'VBG'}:
                return False
        return False

    def _is_noun(self, word: Word) -> bool:
        if word.low == 'back':
            return True  # asked after a determiner only
        if word.low in PREPOSITIONS or word.low in ADVERBS | _NO_NOUNS:
            return False
        if word.phrase or 'NOUN' in word.pos:
            return True
        if singular(word.low) in self.words['persons'] or self._names_object(
                word):
            return True
        return not word.pos and word.low.isalpha() and len(word.low) > 1

    def _may_be_noun(self, word: Word, after: Word, gathered: List[Word],
                     bare: bool, quantity: str) -> bool:
        low = word.low
        if low in ('back', 'inside', 'outside') and (
                not gathered) and quantity and (
                    low == 'back' or after.low == 'of'):
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
            return bool(after.phrase or 'NOUN' in after.pos
                        or 'ADJ' in after.pos or not after.pos)
        return (low.endswith('ly') or 'ADV' in word.pos) and bool(
            after.pos & {'ADJ'} or after.tags & {'VBN', 'VBG'}) and (
                not gathered) and not bare

    def _ends_phrase(self, words: List[Word], i: int, gathered: List[Word],
                     chunks: List[Chunk], bare: bool) -> bool:
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
            return word.low not in _SELDOM_VERBS or self._is_bare_verb(
                words, i, [*chunks, phrase], after)
        if self._names_object(word) and 'VBZ' in after.tags and (
                not self._names_object(after)):
            return False  # 'a skier on red skis glides'
        trial = [*chunks, phrase]
        return self._is_bare_verb(words, i, trial, after)

    def _make(self, gathered: List[Word], negated: bool, bare: bool,
              owning: bool, owner: Optional[NounPhrase]) -> NounPhrase:
        if len(gathered) > 1 and gathered[-1].low in _COLOURS and (
                gathered[-2].phrase or self._names_object(gathered[-2])):
            gathered = gathered[:-1]  # 'paints a vase red'
        last = gathered[-1]
        words = [part for word in gathered for part in word.low.split(' ')]
        label = ' '.join(words)
        found = self.lexicon.find_object(words)
        head = singular(words[-1])
        plural = words[-1] != head or head in ('people', 'cattle', 'crowd')
        obj = -1
        if last.phrase:
            obj = last.phrase[1]
        elif found:
            obj = found[0]
        elif head == 'board' and (len(words) < 2 or words[-2] not in (
                'cutting', 'chopping', 'score', 'notice')):
            obj = self._board
        if obj >= 0:
            kind = self._object_kind(obj)
            if found and found[1] < len(words):
                before = words[-found[1] - 1]
                if before in ('toy', 'rocking', 'miniature', 'carousel',
                              'stuffed', 'wooden_toy', 'plush', 'statue',
                              'inflatable', 'origami', 'cartoon'):
                    if before in ('stuffed', 'plush', 'inflatable', 'toy',
                                  'rocking', 'carousel', 'origami',
                                  'cartoon', 'miniature'):
                        obj, kind = -1, 'thing'
            label = self.lexicon.vocabulary.objects[obj] if obj >= 0 \
                else label
        else:
            kind = self._kind(words[-1], head, last)
            if kind == 'human':
                obj = self.lexicon.vocabulary.person_label
        phrase = NounPhrase(head, kind, obj, label, plural, negated,
                            bare and len(gathered) == 1 and not owner)
        phrase.owner = owner
        if obj < 0 and owner is None and head in self.words['parts']:
            whole = self.lexicon.find_object(words[:-1]) if words[
                :-1] else None
            if whole:
                name = self.lexicon.vocabulary.objects[whole[0]]
                phrase.owner = NounPhrase(
                    name, self._object_kind(whole[0]), whole[0], name)
        if kind == 'thing' and head in self.words['body'] | frozenset(
            ['hand', 'finger']):
            phrase.kind = 'human' if head in (
                'hand', 'finger', 'arm', 'foot', 'leg', 'mouth',
                'fingertip') else 'thing'
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
            for kind, names in (('art', 'art'), ('meta', 'meta'),
                                ('animal', 'animals'), ('human', 'persons')):
                if name in self.words[names]:
                    return kind
        if head not in _THINGS_LIKE_PEOPLE and (_PEOPLE_LIKE.match(head)
                                                or _does(head)):
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
    return any(verb_form(part) and 'VB' in verb_form(part).tags
               for part in stems)


_BOARDS = (('surfboard', ('surf', 'wave', 'ocean', 'beach')),
           ('snowboard', ('snow', 'slope')),
           ('skateboard', ('skat', 'ramp', 'halfpipe')))
_ANIMALS = _set('bird cat dog horse sheep cow elephant bear zebra giraffe')
_FIXED = [
    'bus driver', 'truck driver', 'taxi driver', 'train driver', 'bus stop',
    'bus station', 'train station', 'train track', 'train tracks',
    'swimming pool', 'cutting board', 'chopping board', 'parking lot',
    'parking garage', 'parking space', 'living room', 'dining room',
    'shopping bag', 'shopping cart', 'sewing machine', 'washing machine',
    'rolling pin', 'walking stick', 'walking path', 'riding boots',
    'riding helmet', 'running shoes', 'baking sheet', 'baking tray',
    'ski pole', 'ski lift', 'ski slope', 'ski resort', 'ski boot', 'ski gear',
    'remote control car', 'rocking horse', 'hot dog stand', 'boxing glove',
    'oven mitt', 'rubber glove', 'latex glove', 'desktop computer',
    'coffee table', 'side table', 'pool table', 'ping pong table',
    'operating table', 'examination table', 'flower bed', 'sofa bed cover',
    'truck bed', 'boarding pass', 'fishing rod', 'fishing pole',
    'paint brush', 'hair brush', 'cable car', 'baseball game',
    'baseball player', 'baseball field', 'baseball cap', 'baseball uniform',
    'baseball hat', 'baseball team', 'baseball diamond', 'soccer game',
    'soccer player', 'soccer field', 'tennis court', 'tennis player',
    'tennis match', 'tennis game', 'football player', 'football field',
    'volleyball player', 'basketball player', 'basketball court',
    'skate park', 'skateboard park', 'skateboard ramp', 'sand castle',
    'wine bottle opener', 'book shelf', 'book store', 'kite string',
    'kite festival', 'dog show', 'dog leash', 'dog park', 'horse race',
    'horse show', 'horse cart', 'horse trailer', 'car show', 'car door',
    'boat ramp', 'boat dock', 'boat race', 'bird feeder', 'bird cage',
    'cat litter', 'cow barn', 'sheep pen', 'bear costume', 'clock tower',
    'tv show', 'tv stand', 'phone booth', 'phone call', 'phone case',
    'bike rack', 'bike lane', 'bike path', 'bike helmet', 'bike shop',
    'bicycle helmet', 'bicycle lane', 'bicycle race', 'motorcycle helmet',
    'motorcycle race', 'apple tree', 'orange tree', 'banana tree',
    'orange juice', 'apple juice', 'apple pie', 'carrot cake', 'pizza box',
    'pizza oven', 'pizza dough', 'pizza cutter', 'pizza shop',
    'birthday party', 'wine tasting', 'umbrella stand', 'bed sheet',
    'bench press', 'video game', 'each other', 'one another', 'sun glasses',
    'living area', 'baseball helmet', 'riding crop', 'riding gear',
    'tie rack', 'train car', 'truck stop', 'car wash', 'car seat',
    'wedding dress', 'drinking fountain', 'racing suit'
]  # yapf: disable
