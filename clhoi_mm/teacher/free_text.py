"""Prose to interactions, by rule; no model and no download is needed."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Dict, Iterator, List, Tuple

from ..vocabulary import HOIVocabulary
from .prose.chunker import Chunker
from .prose.chunks import NounPhrase
from .prose.clauses import read_events
from .prose.events import Argument, Event
from .prose.lexicon import Lexicon, Reading
from .prose.text import split_prose
from .prose.triplets import TripletReader

# Verbs that say nothing of what is done with an object.
_EMPTY = frozenset(
    'be have do get go seem appear show include feature see look make take '
    'give come keep start begin stop try want need like love enjoy add '
    'create contain depict capture suggest indicate say tell ask let help '
    'use cause involve surround wear_off engage form find know think notice '
    'appear remain become feel mean provide allow put place await'.split()
)
_PART_VERBS = frozenset(
    'pet scratch kiss groom lick wash touch repair inspect clean dry brush '
    'pat stroke rub fix examine check milk shear hug sit stand lie ride lean '
    'hose paint feed open seat climb lay scrub wipe polish look stare gaze '
    'type watch read work set tighten'.split()
)
_CONTENT_VERBS = frozenset('eat stir cook wash cut peel chop slice'.split())
_NEEDS_NO_OBJECT = frozenset(
    'walk run jump sit stand lie race turn move'.split()
)
_LOOKS = frozenset('look stare gaze peer lean watch see glance'.split())
_RECIPROCAL = frozenset('hug kiss embrace cuddle snuggle'.split())
_LIMBS = frozenset('hand finger arm foot leg'.split())
_RESTS = frozenset('rest lie sit lay stand hang'.split())
# 'hops on a bike and rides off': what is ridden was named before.
_GOES_ON = frozenset('ride drive sail row paddle fly'.split())
# Longer ones are loops of a model; time grows with their square.
_LONGEST_SENTENCE = 2000


@dataclass(frozen=True)
class ParsedInteraction:
    """An interaction that a text says a person does.

    Attributes:
        verb (str): As the vocabulary spells it, or the verb's lemma with
            its particle where it has none.
        object (str): As the vocabulary spells it, or the noun's words.
        in_vocabulary (bool): Whether the pair is one of its classes.
        ruled_out (bool): Whether it knows both and has no such class.
    """

    verb: str
    object: str
    in_vocabulary: bool
    ruled_out: bool = False


def parse_sentences(
    text: str, vocabulary: HOIVocabulary
) -> List[ParsedInteraction]:
    """Read who does what in a VLLM's prose.

    What is negated ('not holding', 'nobody rides'), not real ('could be
    about to throw') or done by an animal or a thing is left out. Of a
    sentence the first 2,000 characters are read. The same text gives the
    same list.

    Args:
        text (str): English sentences; markdown and lists are read as well.
        vocabulary (HOIVocabulary): Gives names.

    Returns:
        List[ParsedInteraction]: In the text's order, each pair once.
    """
    parser = _parser(vocabulary)
    found: Dict[Tuple[str, str], ParsedInteraction] = {}
    for event in parser.events(text):
        for interaction in parser.interactions(event):
            found.setdefault(
                (interaction.verb, interaction.object), interaction
            )
    return list(found.values())


@lru_cache(maxsize=8)
def _parser(vocabulary: HOIVocabulary) -> '_EventReader':
    return _EventReader(Lexicon(vocabulary))


class _EventReader:
    """Events to the vocabulary's interactions."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.vocabulary = lexicon.vocabulary
        self.chunker = Chunker(lexicon)
        self.triplets = TripletReader(lexicon)

    def events(self, text: str) -> List[Event]:
        """The text's events, what an ellipsis leaves out restored."""
        self.chunker.set_topic(text)
        events = read_events(
            [
                self.triplets.expand(line[:_LONGEST_SENTENCE])
                for line in split_prose(text)
            ],
            self.chunker,
        )
        before = None
        for event in events:
            agent = event.agent
            heads = {phrase.head for phrase in event.objects}
            if (
                event.verb.lemma in _GOES_ON
                and heads <= {'wave'}
                and agent is not None
                and not event.passive
            ):
                known = list(agent.places)
                if before is not None and before.agent in (None, agent):
                    known += [arg.phrase for arg in before.arguments[:1]]
                event.arguments += [
                    Argument([], phrase, [])
                    for phrase in known
                    if phrase.kind in ('thing', 'animal') and phrase.obj >= 0
                ]
            before = event
        for event in reversed(events):
            if (
                event.shares is not None
                and not event.arguments
                and (event.verb.lemma not in _NEEDS_NO_OBJECT)
            ):
                event.arguments += [
                    Argument([], phrase, [])
                    for phrase in event.shares.objects
                    if self._is_class(event.verb.lemma, phrase.obj)
                ]
        return events

    def _is_class(self, lemma: str, obj: int) -> bool:
        reading = self.lexicon.read(lemma, [], obj, ())
        return reading is not None and reading.valid

    def interactions(self, event: Event) -> Iterator[ParsedInteraction]:
        """What a person does in an event."""
        if not self._is_done_by_person(event):
            return
        lemma = event.verb.lemma
        if event.patient is not None:
            for phrase in event.patient.group:
                yield from self._one(lemma, event.stranded, phrase, [])
        agent = event.agent
        shared = [
            phrase.head
            for phrase in event.objects
            if lemma in ('share', 'exchange') and phrase.head in _RECIPROCAL
        ]  # 'share a kiss'
        if shared:
            lemma = shared[0]
        if (
            lemma in _RECIPROCAL
            and agent is not None
            and not event.passive
            and (shared or not event.objects)
            and (agent.plural or len(agent.group) > 1)
        ):
            someone = NounPhrase('person', 'human')
            yield from self._one(lemma, [], someone, [])
        implied = self.lexicon.implied_object(
            lemma, [phrase.head for phrase in event.objects]
        )
        named = False
        for argument in event.arguments:
            chain, between = argument.chain, argument.between
            if chain == ['of'] and lemma in _CONTENT_VERBS:
                chain, between = [], []  # 'stirs a bowl of broccoli'
            for phrase in argument.phrase.group:
                for found in self._one(lemma, chain, phrase, between):
                    named = named or found.in_vocabulary
                    yield found
        if implied >= 0 and not named and not event.patient:
            chain = ['with'] if lemma == 'brush' else []
            reading = self.lexicon.read(lemma, chain, implied, ())
            if reading is not None and reading.valid:
                yield self._said(reading, implied, '')

    @staticmethod
    def _is_done_by_person(event: Event) -> bool:
        if event.negated or event.unreal:
            return False
        if event.patient is not None:
            if event.patient.nobody:
                return False
            if event.agent is None:
                return event.verb.being
        agent = event.agent
        if agent is None:
            return True
        if agent.head in _LIMBS and event.verb.lemma in _RESTS:
            return False  # 'his foot rests on a skateboard'
        return agent.human and not agent.nobody

    def _one(
        self,
        lemma: str,
        chain: List[str],
        phrase: NounPhrase,
        between: List[str],
    ) -> Iterator[ParsedInteraction]:
        if phrase.negated or phrase.kind in ('art', 'meta', 'pronoun'):
            return
        obj = phrase.obj
        owner = phrase.owner
        if phrase.head == 'window' and lemma in _LOOKS:
            return
        if (
            obj < 0
            and owner is not None
            and owner.obj >= 0
            and (owner.kind != 'human' and (chain or lemma in _PART_VERBS))
        ):
            phrase, obj = owner, owner.obj
        if phrase.kind == 'human' and phrase.head not in ('hand', 'arm'):
            obj = self.vocabulary.person_label
        reading = self.lexicon.read(lemma, chain, obj, between)
        if reading is None:
            return
        if lemma == 'play' and phrase.bare:
            return
        if not reading.known and (obj < 0 or lemma in _EMPTY):
            return
        if obj < 0 and (chain or between):
            return
        yield self._said(reading, obj, phrase.label)

    def _said(
        self, reading: Reading, obj: int, label: str
    ) -> ParsedInteraction:
        name = self.vocabulary.objects[obj] if obj >= 0 else label
        return ParsedInteraction(
            reading.verb,
            name,
            reading.valid,
            reading.known and obj >= 0 and not reading.valid,
        )
