"""What part a noun phrase plays in its clause."""

from typing import List, Optional

from .chunks import Chunk, Mark, NounPhrase, VerbGroup
from .context import Context
from .events import Argument, Event

_META_VERBS = frozenset(
    'show depict capture feature include portray display contain illustrate '
    'present see reveal suggest indicate highlight notice showcase observe '
    'describe add'.split()
)
# 'with a cup in her hand', 'with a backpack on his back'.
_CARRIED = {
    ('in', 'hand'): 'hold', ('in', 'arm'): 'hold',
    ('on', 'back'): 'wear', ('on', 'shoulder'): 'carry',
    ('over', 'shoulder'): 'carry', ('under', 'arm'): 'hold',
    ('from', 'shoulder'): 'carry', ('across', 'shoulder'): 'carry',
}  # fmt: skip
_HUNG = frozenset('sling hang drape strap tuck clutch balance'.split())


class NounRoles:
    """The state of reading a sentence, and what nouns do to it.

    Args:
        chunks (List[Chunk]): Of the sentence.
        context (Context): Of the text; changed.
    """

    def __init__(self, chunks: List[Chunk], context: Context) -> None:
        self.chunks = chunks
        self.context = context
        self.events: List[Event] = []
        self.subject: Optional[NounPhrase] = None
        self.has_finite = False
        self.event: Optional[Event] = None
        self.last: Optional[NounPhrase] = None
        self.last_role = ''  # 'subject', 'object', 'prep', 'other'
        self.chain: List[str] = []
        self.last_chain: List[str] = []
        self.negate = self.unreal = False
        self.relative: Optional[NounPhrase] = None
        self.outer: List[tuple] = []
        self.tools: List[NounPhrase] = []  # 'With a knife, he ...'

    def _noun(
        self, i: int, phrase: NounPhrase, before: Optional[Chunk]
    ) -> None:
        opens = self._opens_clause(i, before)
        if phrase.kind == 'pronoun':
            resolved = self.context.resolve(
                phrase, opens or self._verb_follows(i)
            )
            self.chunks[i] = phrase = resolved
        if phrase.owner is not None and phrase.owner.kind == 'pronoun':
            phrase.owner = self.context.resolve(phrase.owner, False)
        if (
            self.negate
            and not opens
            and before is not None
            and isinstance(before, Mark)
            and before.kind == 'not'
        ):
            if not self._verb_follows(i):
                phrase.negated = True
                self.negate = False
        if (
            self.subject is None
            and isinstance(before, VerbGroup)
            and (self.event is not None and self.event.negated)
        ):
            phrase.negated = True  # 'there are not any people'
        if opens:
            self._open(i, phrase, before)
        elif (
            isinstance(before, Mark)
            and before.kind in ('and', 'comma')
            and self.last is not None
        ):
            self._coordinate(i, phrase)
        elif self.chain:
            self._prepositional(phrase)
        elif self.event is not None and not self.event.closed:
            self._object(phrase)
        else:
            if self.subject is None:
                self.subject = phrase
            self.last_role = 'other'
        self.last = phrase
        self.context.name(phrase)
        self.chain = []

    def _opens_clause(self, i: int, before: Optional[Chunk]) -> bool:
        if self.chain:
            return False
        if self.relative is not None:
            return True
        if self.subject is None:
            return not (
                self.event is not None and self._is_object_slot(before)
            )
        if isinstance(before, Mark) and before.kind in (
            'and',
            'comma',
            'sub',
            'other',
            'adverb',
            'unreal',
            'not',
        ):
            return self._is_subject(i)
        if (
            isinstance(before, NounPhrase)
            and self.last_role != 'other'
            and (_acts(self.chunks[i]))
            and self._verb_follows(i, finite=True)
        ):
            self.relative = self.last  # 'the cup the man holds'
            return True
        if before is not None and isinstance(before, VerbGroup):
            return (
                before.lemma not in ('be', 'have', 'do')
                and (self._verb_follows(i, finite=True))
                and not (
                    before.form == 'VBG'
                    and self.subject is not None
                    and not self.has_finite
                )
            )
        return False

    def _is_object_slot(self, before: Optional[Chunk]) -> bool:
        return (
            isinstance(before, VerbGroup)
            or (isinstance(before, Mark) and before.kind in ('adverb', 'and'))
            or isinstance(before, NounPhrase)
        )

    def _is_subject(self, i: int) -> bool:
        """Whether the phrase at ``i`` has a verb of its own."""
        phrase = self.chunks[i]
        coordinated = (
            isinstance(self.chunks[i - 1], Mark)
            and self.chunks[i - 1].kind == 'and'
        )
        if (
            not self.has_finite
            and self.event is None
            and (self.subject is not None and coordinated)
        ):
            return False
        j = i + 1
        while j < len(self.chunks):
            chunk = self.chunks[j]
            if isinstance(chunk, VerbGroup):
                if chunk.infinitive or chunk.form == 'VB':
                    return False
                if chunk.form == 'VBN':
                    return False
                if chunk.form == 'VBG':
                    return phrase.kind in ('human', 'animal', 'pronoun')
                if (
                    not self.has_finite
                    and self.event is not None
                    and (phrase.kind not in ('human', 'animal', 'pronoun'))
                ):
                    return False
                return True
            if isinstance(chunk, Mark):
                if chunk.kind in ('prep', 'adverb', 'unreal', 'not'):
                    j += 1
                    continue
                if (
                    chunk.kind == 'and'
                    and j + 1 < len(self.chunks)
                    and isinstance(self.chunks[j + 1], NounPhrase)
                ):
                    j += 1
                    continue
                if chunk.kind == 'comma' and self._after_sub(i):
                    return phrase.kind in ('human', 'animal') and self._late(
                        j, 0
                    )
                if chunk.kind == 'rel':
                    return phrase.kind in ('human', 'animal') and self._late(j)
                return False
            if isinstance(chunk, NounPhrase) and not isinstance(
                self.chunks[j - 1], Mark
            ):
                return False
            j += 1
        return False

    def _after_sub(self, i: int) -> bool:
        before = self.chunks[i - 1]
        return isinstance(before, Mark) and before.kind == 'sub'

    def _late(self, j: int, others: int = 1) -> bool:
        """Whether a finite verb follows those of a relative clause."""
        return (
            sum(
                isinstance(chunk, VerbGroup) and chunk.form == 'finite'
                for chunk in self.chunks[j:]
            )
            > others
        )

    def _verb_follows(self, i: int, finite: bool = False) -> bool:
        for chunk in self.chunks[i + 1 : i + 3]:
            if isinstance(chunk, VerbGroup):
                if finite:
                    return chunk.form == 'finite' and not chunk.infinitive
                return chunk.form in ('finite', 'VBG')
            if not (isinstance(chunk, Mark) and chunk.kind == 'adverb'):
                return False
        return False

    def _open(
        self, i: int, phrase: NounPhrase, before: Optional[Chunk]
    ) -> None:
        if self.relative is not None:
            # 'the horse that the man rides': the horse is awaited.
            self.outer.append((self.subject, self.has_finite, self.relative))
        elif isinstance(before, VerbGroup) and self.event is not None:
            # 'watches the man ride': the man is an object as well.
            self._object(phrase)
        self.subject = phrase
        self.has_finite = self._is_existential(before)
        self.event = None
        self.last_role = 'subject'

    @staticmethod
    def _is_existential(before: Optional[Chunk]) -> bool:
        return isinstance(before, VerbGroup) and before.lemma == 'be'

    def _object(self, phrase: NounPhrase) -> None:
        event = self.event
        assert event is not None
        if event.verb.lemma in _META_VERBS and (
            event.agent is None
            or event.agent.kind == 'meta'
            or event.agent.head in ('we', 'you', 'i')
        ):
            self.subject, self.has_finite = phrase, True
            self.event, self.last_role = None, 'subject'
            return
        if event.verb.lemma == 'be' and self.subject is None:
            self.subject, self.has_finite = phrase, True
            self.event, self.last_role = None, 'subject'
            return
        if event.passive:
            self.last_role = 'other'
            return
        if event.objects and not event.arguments[-1].chain:
            self.last_role = 'other'
            return
        event.arguments.append(Argument([], phrase, []))
        self.last_role = 'object'

    def _prepositional(self, phrase: NounPhrase) -> None:
        event, chain = self.event, self.chain
        self.last_chain = chain
        if self._is_in_hand(phrase):
            self.last_role = 'prep'
            return
        self.last_role = 'with' if chain == ['with'] else 'prep'
        if event is None or event.closed:
            if event is None and self.subject is None and chain == ['with']:
                self.tools.append(phrase)
            if (
                event is None
                and self.subject is not None
                and chain[-1] in ('in', 'on', 'atop')
            ):
                self.subject.places.append(phrase)
            return
        if chain[-1] == 'by' and event.passive and event.agent is None:
            event.agent = phrase
            self.last_role = 'agent'
            return
        self._argue(event, chain, phrase)

    def _is_in_hand(self, phrase: NounPhrase) -> bool:
        """'with a cup in her hand' says that she holds it."""
        thing = self.last
        verb = _CARRIED.get((*self.chain, phrase.head))
        if verb is None or thing is None or thing.kind != 'thing':
            return False
        if (
            self.event is not None
            and self.event.verb.lemma in _HUNG
            and (thing in (self.event.patient, self.event.agent))
        ):
            self._hold(verb, self.subject, thing)  # 'slung over a shoulder'
            return True
        has = (
            self.event is not None
            and self.event.verb.lemma == 'have'
            and self.last_role == 'object'
        )
        if not has and self.last_role != 'with':
            return False
        agent = self.event.agent if has else self.subject
        holds = self._hold(verb, agent, thing)
        if has:
            holds.negated = self.event.negated
            holds.unreal = self.event.unreal
        return True

    def _hold(
        self, verb: str, agent: Optional[NounPhrase], thing: NounPhrase
    ) -> Event:
        holds = Event(VerbGroup(verb, 'finite'), agent)
        holds.arguments = [Argument([], part, []) for part in thing.group]
        self.events.append(holds)
        return holds

    def _argue(
        self, event: Event, chain: List[str], phrase: NounPhrase
    ) -> None:
        heads = [item.head for item in event.objects]
        if event.patient is not None:
            heads.append(event.patient.head)
        event.arguments.append(Argument(plain_chain(chain), phrase, heads))

    def _coordinate(self, i: int, phrase: NounPhrase) -> None:
        """'a cup and a phone': the same place as the one before."""
        last, event = self.last, self.event
        assert last is not None
        comma = (
            isinstance(self.chunks[i - 1], Mark)
            and self.chunks[i - 1].kind == 'comma'
        )
        if comma and not self._list_goes_on(i):
            if not (
                self.subject is not None
                and event is not None
                and event.objects
            ):
                self.last_role = 'other'
                return
            self.last_role = 'other'
            return
        if self.last_role == 'subject' or event is None:
            last.group.append(phrase)
            phrase.group = last.group
            return
        if self.last_role == 'agent':
            last.group.append(phrase)
            phrase.group = last.group
            return
        if not event.arguments:
            return
        if self._is_next_person(i, phrase, event):
            self.subject, self.event = phrase, None
            self.last_role = 'subject'
            return
        if self.chunks[i - 1].word == 'nor':
            phrase.negated = True
        place = event.arguments[-1]
        direct = [arg for arg in event.arguments if not arg.chain]
        if (
            direct
            and place.chain
            and (place.phrase.obj < 0 or self._parallel(i, place.chain))
        ):
            place = direct[-1]
            self.last_role = 'object'
        event.arguments.append(Argument(place.chain, phrase, place.between))

    def _is_next_person(
        self, i: int, phrase: NounPhrase, event: Event
    ) -> bool:
        """'a woman carrying a bag and a man with an umbrella'."""
        after = self.chunks[i + 1] if i + 1 < len(self.chunks) else None
        return (
            event.verb.form == 'VBG'
            and not self.chain
            and phrase.kind == 'human'
            and not event.arguments[-1].phrase.human
            and isinstance(after, Mark)
            and after.word in ('with', 'in')
        )

    def _parallel(self, i: int, chain: List[str]) -> bool:
        """'a cup in one hand and a phone in the other'."""
        after = self.chunks[i + 1] if i + 1 < len(self.chunks) else None
        return isinstance(after, Mark) and after.word == chain[-1]

    def _list_goes_on(self, i: int) -> bool:
        for j in range(i + 1, len(self.chunks)):
            chunk = self.chunks[j]
            if isinstance(chunk, VerbGroup):
                return False
            if isinstance(chunk, Mark) and chunk.kind == 'and':
                return j + 1 < len(self.chunks) and isinstance(
                    self.chunks[j + 1], NounPhrase
                )
            if isinstance(chunk, Mark) and chunk.kind not in ('comma', 'prep'):
                return False
        return (
            i >= 3
            and isinstance(self.chunks[i - 1], Mark)
            and self.last_role == 'list'
        )


def _acts(phrase: Chunk) -> bool:
    """Whether a noun phrase can begin a clause with no word before it."""
    return isinstance(phrase, NounPhrase) and phrase.kind in (
        'human',
        'animal',
        'pronoun',
    )


def plain_chain(chain: List[str]) -> List[str]:
    """'off of' -> 'off', 'upon' -> 'on': one form for each relation."""
    same = {'onto': 'onto', 'upon': 'on', 'onboard': 'aboard', 'within': 'in'}
    words = [same.get(word, word) for word in chain]
    if len(words) > 1 and words[0] in (
        'together',
        'back',
        'forward',
        'ahead',
        'outside',
        'past',
    ):
        words = words[1:]
    return words
