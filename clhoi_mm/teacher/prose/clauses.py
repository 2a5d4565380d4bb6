"""From chunks to events: who does what to which things."""
from dataclasses import dataclass, field
from typing import List, NamedTuple, Optional

from .chunker import Chunk, Chunker
from .chunks import Mark, NounPhrase, VerbGroup
from .lexicon import load_words

_HUMAN_ONLY = frozenset(
    'hold read talk text type throw cut use cook drive open wash repair '
    'brush swing hit serve feed wave pour wear sip toast peel wield paint '
    'smile laugh kneel hug pet guide paddle row'.split())
_META_VERBS = frozenset(
    'show depict capture feature include portray display contain illustrate '
    'present see reveal suggest indicate highlight notice showcase observe '
    'describe add'.split())
_CONTROL = frozenset(
    'ask teach train tell invite want encourage remind instruct tell urge '
    'request command convince'.split())
_CHANCES = frozenset(
    'chance opportunity time turn plan way ability permission desire '
    'intention attempt reason place need rule'.split())
# 'with a cup in her hand', 'with a backpack on his back'.
_CARRIED = {
    ('in', 'hand'): 'hold', ('in', 'arm'): 'hold',
    ('on', 'back'): 'wear', ('on', 'shoulder'): 'carry',
    ('over', 'shoulder'): 'carry', ('under', 'arm'): 'hold',
}  # yapf: disable
_NO_VERBS = frozenset(['be', 'have', 'do'])


class Argument(NamedTuple):
    """A thing that a verb reaches.

    Attributes:
        chain (List[str]): The words just before it; empty for an object.
        phrase (NounPhrase): The thing.
        between (List[str]): Heads of the objects before it.
    """
    chain: List[str]
    phrase: NounPhrase
    between: List[str]


@dataclass
class Event:
    """A verb, who does it, and the things it reaches.

    Attributes:
        verb (VerbGroup): The verb.
        agent (NounPhrase, optional): Who does it, as far as it is said.
        negated (bool): It is said not to be done.
        unreal (bool): It is said to be possible, wanted or to come.
        patient (NounPhrase, optional): Of a passive, what it is done to.
        arguments (List[Argument]): The things it reaches.
        awaited (NounPhrase, optional): 'the cup' of 'the cup that he holds'.
        stranded (List[str]): Prepositions after which no thing came.
        closed (bool): Whether it reaches no further things.
        shares (Event, optional): Whose objects are its own: 'peels' and
            'eats' in 'peels and eats an apple'.
    """
    verb: VerbGroup
    agent: Optional[NounPhrase]
    negated: bool = False
    unreal: bool = False
    patient: Optional[NounPhrase] = None
    arguments: List[Argument] = field(default_factory=list)
    awaited: Optional[NounPhrase] = None
    stranded: List[str] = field(default_factory=list)
    closed: bool = False
    shares: Optional['Event'] = None

    @property
    def passive(self) -> bool:
        return self.patient is not None

    @property
    def objects(self) -> List[NounPhrase]:
        return [arg.phrase for arg in self.arguments if not arg.chain]


class Context:
    """What earlier sentences named, for pronouns."""

    def __init__(self) -> None:
        self.things: List[NounPhrase] = []
        self.subject: Optional[NounPhrase] = None

    def name(self, phrase: NounPhrase) -> None:
        """Remember what a phrase names."""
        if phrase.kind in ('thing', 'animal') and phrase.obj >= 0:
            self.things.append(phrase)

    def resolve(self, phrase: NounPhrase, subject: bool) -> NounPhrase:
        """What a pronoun stands for; itself where nothing is known."""
        many = phrase.head in ('they', 'them', 'both', 'all', 'these',
                               'those')
        last = self.subject
        if subject and (many or phrase.head in ('one', 'another', 'some',
                                                'others', 'other', 'each',
                                                'two', 'several', 'few',
                                                'any', 'three', 'neither',
                                                'many', 'this', 'both')):
            if last is not None and not last.human and last.kind == 'animal':
                return self._copy(last, phrase)
            human = self._copy(last, phrase) if last and last.human else \
                NounPhrase('person', 'human', plural=phrase.plural)
            human.negated = phrase.negated
            return human
        if phrase.head in ('him', 'himself', 'herself', 'themselves'):
            return NounPhrase('person', 'human')
        if phrase.head == 'it' or many or phrase.head in ('one', 'another',
                                                          'other'):
            for thing in reversed(self.things):
                if phrase.head == 'it' and thing.plural:
                    continue
                return self._copy(thing, phrase)
            if phrase.head == 'it' and self.things:
                return self._copy(self.things[-1], phrase)
        if phrase.head == 'them':
            return NounPhrase('person', 'human')
        return phrase

    @staticmethod
    def _copy(source: NounPhrase, pronoun: NounPhrase) -> NounPhrase:
        found = NounPhrase(source.head, source.kind, source.obj, source.label,
                           source.plural, pronoun.negated)
        found.group = list(source.group)
        if pronoun.head in ('it', 'one', 'another'):
            found.group = [found]
        return found


class ClauseReader:
    """Reads one sentence's chunks from left to right.

    Args:
        chunks (List[Chunk]): Of the sentence.
        context (Context): Of the text; changed.
        person_label (int): What a human object is.
    """

    def __init__(self, chunks: List[Chunk], context: Context,
                 person_label: int) -> None:
        self.chunks = chunks
        self.context = context
        self.person_label = person_label
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

    def read(self) -> List[Event]:
        """The sentence's events, in order."""
        for i, chunk in enumerate(self.chunks):
            before = self.chunks[i - 1] if i else None
            if isinstance(chunk, NounPhrase):
                self._noun(i, chunk, before)
            elif isinstance(chunk, VerbGroup):
                self._verb(i, chunk, before)
            else:
                self._mark(i, chunk)
        for event in self.events:
            self._settle(event)
        for event, after in zip(self.events[-2::-1], self.events[:0:-1]):
            # 'is washed and dried by a boy': he does both.
            if event.passive and event.agent is None and (
                    after.patient is event.patient):
                event.agent = after.agent
        if self.subject is not None and self.subject.kind != 'meta':
            self.context.subject = self.subject
        return self.events

    # ------------------------------------------------------------- marks

    def _mark(self, i: int, mark: Mark) -> None:
        if mark.kind == 'prep':
            self.chain.append(mark.word)
            return
        if mark.kind == 'adverb':
            return
        if mark.kind == 'there':
            self._new_clause()
            self.has_finite = True
            return
        if mark.kind == 'sub':
            self.chain = []
            self.negate = self.unreal = False
            main = self.subject
            self._new_clause()
            self.subject, self.has_finite = main, main is not None
            if mark.word in ('so', ):
                self.unreal = False
            return
        if mark.kind in ('and', 'comma'):
            if self.chain and self.event and not self.event.arguments:
                self.event.stranded = list(self.chain)
            self.chain = []
            if mark.word == 'but':
                self.negate = False
                self.unreal = False
            return
        if mark.kind == 'rel':
            self.relative = self._antecedent(mark.word)
            self.chain = []
            return
        if mark.kind == 'not':
            self.negate = True
        elif mark.kind == 'unreal':
            self.unreal = True

    def _new_clause(self) -> None:
        self.event = None
        self.last = None
        self.last_role = ''
        self.relative = None
        self.subject, self.has_finite = None, False
        self.negate = self.unreal = False

    def _antecedent(self, word: str) -> Optional[NounPhrase]:
        seen = [chunk for chunk in [self.last, self.subject]
                if chunk is not None]
        if word in ('who', 'whom'):
            for phrase in seen:
                if phrase.human:
                    return phrase
        return seen[0] if seen else None

    # ------------------------------------------------------------- nouns

    def _noun(self, i: int, phrase: NounPhrase,
              before: Optional[Chunk]) -> None:
        opens = self._opens_clause(i, before)
        if phrase.kind == 'pronoun':
            resolved = self.context.resolve(
                phrase, opens or self._verb_follows(i))
            self.chunks[i] = phrase = resolved
        if phrase.owner is not None and phrase.owner.kind == 'pronoun':
            phrase.owner = self.context.resolve(phrase.owner, False)
        if self.negate and not opens and before is not None and isinstance(
                before, Mark) and before.kind == 'not':
            if not self._verb_follows(i):
                phrase.negated = True
                self.negate = False
        if opens:
            self._open(i, phrase, before)
        elif isinstance(before, Mark) and before.kind in (
                'and', 'comma') and self.last is not None:
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
            return not (self.event is not None and self._is_object_slot(
                before))
        if isinstance(before, Mark) and before.kind in (
                'and', 'comma', 'sub', 'other', 'adverb', 'unreal', 'not'):
            return self._is_subject(i)
        if isinstance(before, NounPhrase) and self.last_role != 'other' and (
                phrase_acts(self.chunks[i])) and self._verb_follows(
                    i, finite=True):
            self.relative = self.last  # 'the cup the man holds'
            return True
        if before is not None and isinstance(before, VerbGroup):
            return before.lemma not in ('be', 'have', 'do') and (
                self._verb_follows(i, finite=True)) and not (
                    before.form == 'VBG' and self.subject is not None
                    and not self.has_finite)
        return False

    def _is_object_slot(self, before: Optional[Chunk]) -> bool:
        return isinstance(before, VerbGroup) or (
            isinstance(before, Mark)
            and before.kind in ('adverb', 'and')) or isinstance(
                before, NounPhrase)

    def _is_subject(self, i: int) -> bool:
        """Whether the phrase at ``i`` has a verb of its own."""
        phrase = self.chunks[i]
        coordinated = isinstance(self.chunks[i - 1], Mark) and self.chunks[
            i - 1].kind == 'and'
        if not self.has_finite and self.event is None and (
                self.subject is not None and coordinated):
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
                if not self.has_finite and self.event is not None and (
                        phrase.kind not in ('human', 'animal', 'pronoun')):
                    return False
                return True
            if isinstance(chunk, Mark):
                if chunk.kind in ('prep', 'adverb', 'unreal', 'not'):
                    j += 1
                    continue
                if chunk.kind == 'and' and j + 1 < len(
                        self.chunks) and isinstance(self.chunks[j + 1],
                                                    NounPhrase):
                    j += 1
                    continue
                if chunk.kind == 'rel':
                    return phrase.kind in ('human', 'animal') and self._late(
                        j)
                return False
            if isinstance(chunk, NounPhrase) and not isinstance(
                    self.chunks[j - 1], Mark):
                return False
            j += 1
        return False

    def _late(self, j: int) -> bool:
        """Whether a second finite verb follows a relative clause."""
        return sum(
            isinstance(chunk, VerbGroup) and chunk.form == 'finite'
            for chunk in self.chunks[j:]) > 1

    def _verb_follows(self, i: int, finite: bool = False) -> bool:
        for chunk in self.chunks[i + 1:i + 3]:
            if isinstance(chunk, VerbGroup):
                if finite:
                    return chunk.form == 'finite' and not chunk.infinitive
                return chunk.form in ('finite', 'VBG')
            if not (isinstance(chunk, Mark) and chunk.kind == 'adverb'):
                return False
        return False

    def _open(self, i: int, phrase: NounPhrase,
              before: Optional[Chunk]) -> None:
        if self.relative is not None:
            # 'the horse that the man rides': the horse is awaited.
            self.outer.append(
                (self.subject, self.has_finite, self.relative))
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
                event.agent is None or event.agent.kind == 'meta'
                or event.agent.head in ('we', 'you', 'i')):
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
            if event is None and self.subject is not None and chain[-1] in (
                    'in', 'on', 'atop'):
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
        has = self.event is not None and self.event.verb.lemma == 'have' \
            and self.last_role == 'object'
        if not has and self.last_role != 'with':
            return False
        agent = self.event.agent if has else self.subject
        holds = Event(VerbGroup(verb, 'finite'), agent)
        if has:
            holds.negated = self.event.negated
            holds.unreal = self.event.unreal
        holds.arguments = [
            Argument([], part, []) for part in thing.group
        ]
        self.events.append(holds)
        return True

    def _argue(self, event: Event, chain: List[str],
               phrase: NounPhrase) -> None:
        heads = [item.head for item in event.objects]
        if event.patient is not None:
            heads.append(event.patient.head)
        event.arguments.append(Argument(_plain(chain), phrase, heads))

    def _coordinate(self, i: int, phrase: NounPhrase) -> None:
        """'a cup and a phone': the same place as the one before."""
        last, event = self.last, self.event
        assert last is not None
        comma = isinstance(self.chunks[i - 1],
                           Mark) and self.chunks[i - 1].kind == 'comma'
        if comma and not self._list_goes_on(i):
            if not (self.subject is not None and event is not None
                    and event.objects):
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
        if self.chunks[i - 1].word == 'nor':
            phrase.negated = True
        place = event.arguments[-1]
        direct = [arg for arg in event.arguments if not arg.chain]
        if direct and place.chain and (place.phrase.obj < 0 or self._parallel(
                i, place.chain)):
            place = direct[-1]
            self.last_role = 'object'
        event.arguments.append(
            Argument(place.chain, phrase, place.between))

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
                    self.chunks[j + 1], NounPhrase)
            if isinstance(chunk, Mark) and chunk.kind not in ('comma',
                                                              'prep'):
                return False
        return i >= 3 and isinstance(
            self.chunks[i - 1], Mark) and self.last_role == 'list'

    # ------------------------------------------------------------- verbs

    def _verb(self, i: int, verb: VerbGroup,
              before: Optional[Chunk]) -> None:
        previous = self.event
        if self.chain and previous is not None and not previous.arguments:
            previous.stranded = list(self.chain)
        gerund_of = self.chain[-1] if self.chain else ''
        self.chain = []
        negated = verb.negated or self.negate or (
            isinstance(before, Mark) and before.word == 'nor')
        unreal = verb.unreal or self.unreal
        event = Event(verb, None)
        if verb.form == 'finite':
            self._finite(i, event, before)
        elif verb.form == 'VBN':
            self._participle(event, before)
        elif verb.form == 'VBG':
            event.agent = self._agent_of_gerund(verb, before)
            if verb.passive:
                event.patient, event.agent = event.agent, None
        else:
            event.agent = self._agent_of_infinitive(event, previous)
        unreal = unreal or verb.unreal or self.unreal
        if gerund_of in ('for', 'without', 'from') and verb.form == 'VBG':
            unreal = True
        if gerund_of in ('about', ) and verb.form == 'VBG':
            unreal = True
        if previous is not None and self._shares_doubt(i, verb, before):
            negated = negated or previous.negated
            unreal = unreal or previous.unreal
        event.negated, event.unreal = negated, unreal
        self.negate = self.unreal = False
        if verb.lemma == 'use' and verb.form == 'VBG' and (
                previous is not None and previous.verb.lemma not in _NO_VERBS
                and not isinstance(before, NounPhrase) or
                (verb.lemma == 'use' and verb.form == 'VBG'
                 and previous is not None and previous.objects)):
            # 'brushes his teeth using a toothbrush' is 'with' one.
            self.chain = ['with']
            self.event = previous
            return
        self._instrument(event, previous)
        if previous is not None and not previous.arguments and i > 1 and (
                self.chunks[i - 2] is previous.verb):
            previous.shares = event
        self.events.append(event)
        self.event = event
        self.last_role = ''

    def _instrument(self, event: Event, previous: Optional[Event]) -> None:
        """'uses a knife to cut': the knife is what is cut with."""
        if event.verb.form != 'VB' or previous is None:
            return
        if previous.verb.lemma in ('use', 'utilize', 'employ'):
            tools = previous.objects + (
                [previous.patient] if previous.patient else [])
            previous.closed = True
            if not previous.passive:
                previous.verb = VerbGroup('use', 'finite')
            for tool in tools:
                event.arguments.append(Argument(['with'], tool, ['*']))
        elif event.verb.lemma not in _NO_VERBS:
            for tool in previous.objects:
                if previous.verb.lemma in ('swing', 'raise'):
                    event.arguments.append(Argument(['with'], tool, ['*']))

    def _finite(self, i: int, event: Event,
                before: Optional[Chunk]) -> None:
        verb = event.verb
        if self.relative is not None and not (
                self.outer and self.outer[-1][2] is self.relative):
            agent: Optional[NounPhrase] = self.relative
            self.relative = None
        elif self.outer and self.relative is self.outer[-1][2]:
            agent = self.subject
            event.awaited = self.relative
            self.subject, self.has_finite, _ = self.outer.pop()
            self.relative = None
        else:
            agent = self._finite_agent(before)
            self.has_finite = True
        if verb.passive:
            if verb.lemma in ('seat', 'perch'):
                event.verb = VerbGroup(verb.lemma, verb.form)
                event.agent = agent
            else:
                event.patient = agent or NounPhrase('', 'thing')
        else:
            event.agent = agent

    def _finite_agent(self,
                      before: Optional[Chunk]) -> Optional[NounPhrase]:
        if isinstance(before, NounPhrase) and self.has_finite and (
                self.last_role not in ('subject', )):
            if before.kind in ('human', 'animal') and (
                    self.last_role != 'prep'):
                self.subject = before
                return before
        return self.subject

    def _participle(self, event: Event, before: Optional[Chunk]) -> None:
        verb = event.verb
        phrase = before if isinstance(before, NounPhrase) else None
        if isinstance(before, Mark) and before.kind == 'adverb':
            phrase = self.last
        if verb.lemma == 'seat':
            event.agent = phrase or self.subject
            return
        if phrase is None and isinstance(before, Mark) and before.kind in (
                'and', 'comma'):
            previous = self.events[-1] if self.events else None
            if previous is not None and previous.passive:
                phrase = previous.patient
            elif before.kind == 'and' and previous is not None:
                event.agent = previous.agent
                return
            else:
                phrase = self.last or self.subject
        event.patient = phrase or NounPhrase('', 'thing')

    def _agent_of_gerund(self, verb: VerbGroup, before: Optional[Chunk]
                         ) -> Optional[NounPhrase]:
        if self.relative is not None:
            agent, self.relative = self.relative, None
            return agent
        if isinstance(before, NounPhrase) or (isinstance(before, Mark)
                                              and before.kind == 'adverb'
                                              and self.last is not None):
            phrase = self.last if self.last is not None else None
            if phrase is not None:
                return self._modified(verb, phrase)
        if isinstance(before, Mark) and before.kind == 'and' and self.events:
            last = self.events[-1]
            if last.passive and last.agent is None:
                return self.subject
            return last.agent or self.subject
        return self.subject

    def _modified(self, verb: VerbGroup,
                  phrase: NounPhrase) -> Optional[NounPhrase]:
        """Who rides in 'a man on a bench beside a dog riding'."""
        if self.last_role == 'subject' or phrase is self.subject:
            return phrase
        if phrase.human and phrase.owner is None:
            return phrase
        if phrase.kind == 'animal' and verb.lemma not in _HUMAN_ONLY:
            if self.last_role == 'object' or self.event is None or (
                    self.last_chain[-1:] not in (['on'], ['in'], ['atop'])):
                return phrase
            return phrase if not (self.subject
                                  and self.subject.human) else self.subject
        if self.event is not None and self.event.passive and (
                self.event.agent is not None):
            return self.event.agent
        if self.event is not None and self.event.agent is not None:
            return self.event.agent
        return self.subject or phrase

    def _agent_of_infinitive(
            self, event: Event,
            previous: Optional[Event]) -> Optional[NounPhrase]:
        if self.last is not None and self.last.head in _CHANCES:
            event.verb.unreal = True
            self.unreal = True
        if previous is None:
            return self.subject
        if previous.verb.lemma == 'use' and not (previous.objects
                                                 or previous.passive):
            self.unreal = True  # 'used to ride'
        if previous.verb.lemma in _CONTROL or (
                previous.verb.lemma in ('help', 'let', 'make', 'allow')):
            if previous.objects:
                event.verb.unreal = previous.verb.lemma in _CONTROL
                self.unreal = self.unreal or event.verb.unreal
                return previous.objects[-1]
            self.unreal = self.unreal or previous.verb.lemma in _CONTROL
        if previous.passive:
            return previous.agent or (
                NounPhrase('person', 'human')
                if previous.verb.lemma == 'use' and previous.verb.being else
                None)
        return previous.agent

    def _shares_doubt(self, i: int, verb: VerbGroup,
                      before: Optional[Chunk]) -> bool:
        previous = self.events[-1] if self.events else None
        if previous is None:
            return False
        if verb.infinitive:
            return True
        if not (isinstance(before, Mark) and before.kind == 'and'):
            return False
        if before.word in ('or', 'nor'):
            return True
        return before.word == 'and' and previous.unreal and (
            verb.form == 'VB' or (verb.form == 'finite'
                                  and previous.verb.unreal
                                  and not verb.passive
                                  and verb.lemma not in _NO_VERBS
                                  and False))

    def _settle(self, event: Event) -> None:
        """What is awaited takes the place that stayed empty."""
        if event.awaited is not None and not event.objects:
            event.arguments.insert(
                0, Argument(_plain(event.stranded), event.awaited, []))


def phrase_acts(phrase: Chunk) -> bool:
    """Whether a noun phrase can begin a clause with no word before it."""
    return isinstance(phrase, NounPhrase) and phrase.kind in ('human',
                                                              'animal',
                                                              'pronoun')


def _plain(chain: List[str]) -> List[str]:
    """'off of' -> 'off', 'upon' -> 'on': one form for each relation."""
    same = {'onto': 'onto', 'upon': 'on', 'onboard': 'aboard',
            'within': 'in'}
    words = [same.get(word, word) for word in chain]
    if len(words) > 1 and words[0] in ('together', 'back', 'forward',
                                       'ahead', 'outside', 'past'):
        words = words[1:]
    return words


def read_events(sentences: List[str], chunker: Chunker) -> List[Event]:
    """The events of a text.

    Args:
        sentences (List[str]): In order; pronouns reach back.
        chunker (Chunker): Splits them.

    Returns:
        List[Event]: In order.
    """
    load_words()
    context = Context()
    person = chunker.lexicon.vocabulary.person_label
    events: List[Event] = []
    for sentence in sentences:
        events += ClauseReader(chunker.chunk(sentence), context,
                               person).read()
    return events
