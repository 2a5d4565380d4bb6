"""Captions to interactions, by a rule over their dependency parse."""

import re
from typing import TYPE_CHECKING, Dict, Iterator, List, Sequence, Tuple

from ...vocabulary import HOIVocabulary
from ..lexicon import Lexicon, Reading
from ..morphology import singular
from ..parsed_interaction import ParsedInteraction
from .clauses import Argument, ClauseReader, Event, lemma_of, light_verb
from .nouns import ART, HUMAN, META, PLACES, Noun, NounReader
from .plain_text import split_prose
from .spacy_model import load_model

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

# Verbs that say nothing of what is done with an object.
_EMPTY = frozenset(
    'be have do get go seem appear show include feature see look make take '
    'give come keep start begin stop try want need like love enjoy add '
    'create contain depict capture suggest indicate say tell ask let help '
    'use cause involve surround engage form find know think notice '
    'remain become feel mean provide allow put place await'.split()
)
_CONTENT = frozenset('eat stir cook wash cut peel chop slice enjoy'.split())
_RECIPROCAL = frozenset('hug kiss embrace cuddle snuggle'.split())
_WORD = re.compile(r'\b[a-z]{5,}\b')
# 'hops on a bike and rides off': what is ridden was named before.
_GOES_ON = frozenset('ride drive sail row paddle fly pedal type text'.split())
_LONGEST = 4000


class CaptionParser:
    """Reads who does what in English captions.

    What is negated, hedged, intended or done by an animal or a thing is
    left out. Of a text the first 4,000 characters are read. The same text
    gives the same list.

    Args:
        vocabulary (HOIVocabulary): Gives names.

    Raises:
        ImportError: spaCy or its model is missing.
    """

    def __init__(self, vocabulary: HOIVocabulary) -> None:
        self.vocabulary = vocabulary
        self.lexicon = Lexicon(vocabulary)
        self.nouns = NounReader(self.lexicon)
        self.clauses = ClauseReader(self.nouns)
        self.model = load_model()
        self._in_use: List[int] = []

    def parse(self, texts: Sequence[str]) -> List[List[ParsedInteraction]]:
        """What texts say, each by itself.

        Args:
            texts (Sequence[str]): Captions.

        Returns:
            List[List[ParsedInteraction]]: For each text in its order, each
            pair once.
        """
        docs = self.model.pipe(map(self._plain, texts))
        return [self.read(doc) for doc in docs]

    def read(self, doc: 'Doc') -> List[ParsedInteraction]:
        """What a parsed text says."""
        self.nouns.start(doc.text)
        self._in_use = []
        found: Dict[Tuple[str, str], ParsedInteraction] = {}
        for token in doc:
            for item in self._said_by(token):
                found.setdefault((item.verb, item.object), item)
                if item.in_vocabulary:
                    self._in_use.append(
                        self.vocabulary.object_label(item.object)
                    )
        return list(found.values())

    def _said_by(self, token: 'Token') -> Iterator[ParsedInteraction]:
        if token.tag_[:2] == 'NN':
            yield from self._held(token)
        if not self.clauses.is_verb(token):
            return
        yield from self._seen_in_place(token)
        event = self.clauses.read(token)
        if event is None:
            return
        yield from self._interactions(token, event)
        for other in light_verb(event):
            yield from self._interactions(token, other)

    def _held(self, token: 'Token') -> Iterator[ParsedInteraction]:
        """'a phone in her hand', 'skis on his feet'."""
        place = self.nouns.place(token)
        if place is None:
            return
        noun = self.nouns.read(token)
        if noun.kind != HUMAN:
            yield from self._place(place, token)
        for child in token.children:
            if child.lower_ == 'with' and noun.kind == HUMAN:
                for thing in child.children:
                    yield from self._place(place, thing)

    def _place(
        self, place: Tuple[str, 'Token'], token: 'Token'
    ) -> Iterator[ParsedInteraction]:
        """What is said of things in a hand or on a body."""
        name, body = place
        lemma, *chain = PLACES[name].split(' ')
        for other in self.nouns.group(token):
            if token.i < body.i < other.i:
                continue  # 'a racket in his hand and a ball nearby'
            noun = self.nouns.read(other)
            reading = self.lexicon.read(lemma, chain, noun.label, ())
            if noun.kind != HUMAN and reading is not None and reading.valid:
                yield self._say(reading, noun.label, '')

    def _seen_in_place(self, token: 'Token') -> Iterator[ParsedInteraction]:
        """'a phone is seen in her hand', 'has a bag over his shoulder'."""
        place = self.nouns.place(token)
        if place is None:
            return
        for child in token.children:
            if child.dep_ in ('nsubj', 'nsubjpass') or (
                child.dep_ == 'dobj' and lemma_of(token) in ('have', 'be')
            ):
                yield from self._place(place, child)
        if token.dep_ == 'acl' and token.tag_ == 'VBN':
            yield from self._place(place, token.head)

    def _interactions(
        self, token: 'Token', event: Event
    ) -> Iterator[ParsedInteraction]:
        objects = [x for x in event.arguments if not x.chain and not x.between]
        heads = [singular(x.token.lower_) for x in objects]
        named = False
        for argument in self._shared(token, event, objects):
            for other in self.nouns.group(argument.token):
                for item in self._one(event.lemma, argument, other):
                    named = named or item.in_vocabulary
                    yield item
        if event.lemma in _RECIPROCAL and event.plural and not objects:
            reading = self.lexicon.read(
                event.lemma, (), self.vocabulary.person_label, ()
            )
            if reading is not None and reading.valid:
                yield self._say(reading, self.vocabulary.person_label, '')
        if event.lemma in _GOES_ON and not named and set(heads) <= {'wave'}:
            yield from self._going_on(token, event)
        implied = self.lexicon.implied_object(event.lemma, heads)
        if implied >= 0 and not named:
            chain = ['with'] if event.lemma == 'brush' else []
            reading = self.lexicon.read(event.lemma, chain, implied, ())
            if reading is not None and reading.valid:
                yield self._say(reading, implied, '')

    def _going_on(
        self, token: 'Token', event: Event
    ) -> Iterator[ParsedInteraction]:
        """What was in use before, or the doer is in or on, is ridden."""
        labels = list(reversed(self._in_use))
        if event.subject is not None:
            for child in event.subject.children:
                if child.lower_ in ('in', 'on', 'atop', 'aboard', 'with'):
                    labels += [
                        self.nouns.read(x).label for x in child.children
                    ]
        if event.lemma in ('type', 'text'):
            labels += [x.label for x in self.nouns.things_before(token)]
        for label in labels:
            reading = self.lexicon.read(event.lemma, (), label, ())
            if label >= 0 and reading is not None and reading.valid:
                yield self._say(reading, label, '')
                return

    def _shared(
        self, token: 'Token', event: Event, objects: List[Argument]
    ) -> Iterator[Argument]:
        """An event's own arguments, and those it shares with the next."""
        yield from event.arguments
        for child in token.children:
            if (
                child.dep_ == 'conj'
                and self.clauses.is_verb(child)
                and not objects
            ):
                for part in child.children:
                    if part.dep_ == 'dobj' and not event.arguments:
                        yield Argument((), part)

    def _one(
        self, lemma: str, argument: Argument, token: 'Token'
    ) -> Iterator[ParsedInteraction]:
        if self.nouns.is_nobody(token):
            return
        noun = self.nouns.read(token)
        if noun.kind in (ART, META):
            return
        chain, between = list(argument.chain), list(argument.between)
        for choice in self._choices(lemma, token, noun):
            reading = self._read(lemma, chain, choice.label, between)
            if reading is not None and reading.valid:
                yield self._say(reading, choice.label, '')
                return
        reading = self._read(lemma, chain, noun.label, between)
        if reading is None or noun.name == 'it':
            return
        if not reading.known and (noun.label < 0 or lemma in _EMPTY):
            return
        if noun.label < 0 and (chain or between):
            return
        yield self._say(reading, noun.label, noun.name)

    def _choices(
        self, lemma: str, token: 'Token', noun: Noun
    ) -> Iterator[Noun]:
        """What is meant, the most likely first."""
        whole = self.nouns.whole(token)
        if whole is not None and lemma in _CONTENT:
            yield from map(self.nouns.read, self.nouns.group(whole))
        yield noun
        if self.nouns.is_pronoun(token) and noun.kind != HUMAN:
            yield from self.nouns.things_before(token)[:3]
        if whole is not None and noun.label < 0:
            owner = self.nouns.read(whole)
            if owner.kind != HUMAN:
                yield owner

    def _read(
        self, lemma: str, chain: List[str], label: int, between: List[str]
    ) -> Reading:
        reading = self.lexicon.read(lemma, chain, label, between)
        if reading is None and len(chain) > 1:
            reading = self.lexicon.read(lemma, chain[-1:], label, between)
            # 'down the slope on a board': no object of its own.
            if reading is None or not reading.valid:
                reading = self.lexicon.read(lemma, chain[-1:], label, ())
        return reading

    def _say(
        self, reading: Reading, label: int, name: str
    ) -> ParsedInteraction:
        return ParsedInteraction(
            reading.verb,
            self.vocabulary.objects[label] if label >= 0 else name,
            reading.valid,
            reading.known and label >= 0 and not reading.valid,
        )

    def _plain(self, text: str) -> str:
        """Running text without markdown, each line a sentence."""
        lines = split_prose(text[:_LONGEST])
        text = ' '.join(
            line if line.endswith(('.', '!', '?')) else line + '.'
            for line in lines
        )
        return _WORD.sub(lambda m: self.lexicon.correct(m.group()), text)
