"""From chunks to events: who does what to which things."""

from typing import List, Optional

from .chunker import Chunker
from .chunks import Chunk, Mark, NounPhrase, VerbGroup
from .context import Context
from .events import Argument, Event
from .noun_roles import NounRoles, plain_chain

_HUMAN_ONLY = frozenset(
    'hold read talk text type throw cut use cook drive open wash repair '
    'brush swing hit serve feed wave pour wear sip toast peel wield paint '
    'smile laugh kneel hug pet guide paddle row'.split()
)
_CONTROL = frozenset(
    'ask teach train tell invite want encourage remind instruct tell urge '
    'request command convince'.split()
)
_CHANCES = frozenset(
    'chance opportunity time turn plan way ability permission desire '
    'intention attempt reason place need rule'.split()
)
# fmt: off
_NO_VERBS = frozenset(['be', 'have', 'do'])


class ClauseReader(NounRoles):
    """Reads one sentence's chunks from left to right."""

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
        elif mark.kind == 'unreal' and not self._hedges_a_noun(i):
            self.unreal = True

    def _hedges_a_noun(self, i: int) -> bool:
        """'a man, possibly a hunter, is ...': what he does is no doubt."""
        before, *after = self.chunks[max(i - 1, 0):i + 3]
        return i > 0 and len(after) == 3 and all(
            isinstance(mark, Mark) and mark.kind == 'comma'
            for mark in (before, after[2])) and isinstance(
                after[1], NounPhrase)

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
        event.tools, self.tools = self.tools, []
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
        """What came before the verb takes its place."""
        heads = [phrase.head for phrase in event.objects]
        event.arguments += [
            Argument(['with'], tool, heads) for tool in event.tools
        ]
        if event.awaited is not None and not event.objects:
            event.arguments.insert(
                0, Argument(plain_chain(event.stranded), event.awaited, []))


def read_events(sentences: List[str], chunker: Chunker) -> List[Event]:
    """The events of a text.

    Args:
        sentences (List[str]): In order; pronouns reach back.
        chunker (Chunker): Splits them.

    Returns:
        List[Event]: In order.
    """
    context = Context()
    events: List[Event] = []
    for sentence in sentences:
        events += ClauseReader(chunker.chunk(sentence), context).read()
    return events
