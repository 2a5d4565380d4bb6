"""Captions to interactions, by a rule over their dependency parse."""

import re
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from ...vocabulary import HOIVocabulary
from ..lexicon import Lexicon, Reading
from ..morphology import singular, verb_form
from ..parsed_interaction import ParsedInteraction
from .clauses import Argument, ClauseReader, Event, lemma_of
from .nouns import ART, HUMAN, META, WORDS, NounReader, Token, sub
from .spacy_model import load_model

_WORD = re.compile(r'\b[a-z]{5,}\b')
_LONGEST = 4000


class CaptionParser:
    """Reads who does what in English captions.

    What is negated, hedged, intended or done by no person is left out. Of a
    text the first 4,000 characters are read.

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

    def parse(self, texts: Sequence[str]) -> List[List[ParsedInteraction]]:
        """What texts say, each by itself, each pair once.

        Args:
            texts (Sequence[str]): Running texts without markdown; a line is
                a sentence or several.
        """
        docs = self.model.pipe(map(self._plain, texts))
        return [self.read(doc) for doc in docs]

    def read(self, doc: Any) -> List[ParsedInteraction]:
        """What a parsed text says."""
        self.nouns.start(doc.text)
        self._in_use: List[int] = []
        found: Dict[Tuple[str, str], ParsedInteraction] = {}
        for token in doc:
            for item in self._said_by(token):
                found.setdefault((item.verb, item.object), item)
                if item.in_vocabulary:
                    label = self.vocabulary.object_label(item.object)
                    self._in_use.insert(0, label)
        return list(found.values())

    def _plain(self, text: str) -> str:
        """Each line a sentence, slips of the pen corrected."""
        text = re.sub(r'([^.!?\s])\s*(\n|\Z)', r'\1.\2', text[:_LONGEST])
        text = text.replace('\n', ' ')
        return _WORD.sub(lambda m: self.lexicon.correct(m.group()), text)

    def _said_by(self, token: Token) -> Iterator[ParsedInteraction]:
        yield from self._placed(token)
        verb = self.clauses.is_verb(token)
        event = self.clauses.read(token) if verb else None
        if event is None:
            return
        yield from self._interactions(token, event)
        for noun in event.arguments if event.lemma in WORDS['light'] else ():
            # 'performs a jump with it' says what 'jumps with it' says.
            form = verb_form(singular(noun.token.lower_))
            if form and 'VB' in form.tags and not noun.chain:
                it = [x._replace(between=()) for x in event.arguments if x[2]]
                deed = Event(form.lemma, it, event.subject)
                yield from self._interactions(token, deed)

    def _placed(self, token: Token) -> Iterator[ParsedInteraction]:
        """'a phone in her hand', 'has skis on his feet'."""
        place = self.nouns.place(token)
        if place is None:
            return
        (lemma, *chain), body = place[0].split(' '), place[1]
        things = sub(token, 'nsubj', 'nsubjpass')
        if token.tag_[:2] == 'NN':
            human = self.nouns.read(token).kind == HUMAN
            things = [] if human else [token]
        if lemma_of(token) == 'have':
            things += sub(token, 'dobj')
        for child in token.children:
            things += sub(child, 'pobj') if child.lower_ == 'with' else []
        for other in (x for thing in things for x in self.nouns.group(thing)):
            noun = self.nouns.read(other)
            # 'a racket in his hand and a ball nearby'
            if noun.kind != HUMAN and not token.i < body.i < other.i:
                yield from self._valid(lemma, chain, noun.label)

    def _interactions(
        self, token: Token, event: Event
    ) -> Iterator[ParsedInteraction]:
        lemma, arguments, subject = event
        own = [x.token for x in arguments if not x.chain and not x.between]
        heads, named = [singular(x.lower_) for x in own], False
        if not arguments:  # 'holding and using the knife'
            shared = [y for x in sub(token, 'conj') for y in sub(x, 'dobj')]
            arguments = [Argument((), x) for x in shared]
        for argument in arguments:
            for noun in self.nouns.group(argument.token):
                for item in self._one(lemma, argument, noun):
                    named = named or item.in_vocabulary
                    yield item
        if named:
            return
        chain = ['with'] if lemma == 'brush' else []
        implied = self.lexicon.implied_object(lemma, heads)
        if lemma in WORDS['goes_on'] and set(heads) <= {'wave'}:
            for label in self._at_hand(token, event):
                if list(self._valid(lemma, (), label)):
                    implied = label
                    break
        yield from self._valid(lemma, chain, implied)

    def _at_hand(self, token: Token, event: Event) -> Iterator[int]:
        """What was in use before, or the doer is in or on."""
        yield from self._in_use
        for child in event.subject.children if event.subject else ():
            if child.lower_ in ('in', 'on', 'atop', 'aboard', 'with'):
                yield from (self.nouns.read(x).label for x in child.children)

    def _one(
        self, lemma: str, argument: Argument, token: Token
    ) -> Iterator[ParsedInteraction]:
        """What a verb says of one noun."""
        noun, whole = self.nouns.read(token), self.nouns.whole(token)
        if self.nouns.is_nobody(token) or noun.kind in (ART, META):
            return
        choices = [noun.label]
        if token.lower_ in WORDS['others'] and noun.kind != HUMAN:
            choices += [x.label for x in self.nouns.things(token)[:3]]
        if whole is not None and noun.label < 0:
            owner = self.nouns.read(whole)
            choices += [owner.label] if owner.kind != HUMAN else []
        for label in [*choices, noun.label]:
            reading = self._read(lemma, argument, label)
            if reading is not None and reading.valid:
                yield self._say(reading, label, '')
                return
        bare = not argument.chain and not argument.between
        if reading is None or not (bare or noun.label >= 0):
            return
        if reading.known or not (lemma in WORDS['empty'] or noun.name == 'it'):
            yield self._say(reading, noun.label, noun.name)

    def _read(self, lemma: str, argument: Argument, label: int) -> Reading:
        chain, _, between = argument
        reading = self.lexicon.read(lemma, chain, label, between)
        if reading is None and len(chain) > 1:
            reading = self.lexicon.read(lemma, chain[-1:], label, between)
            # 'down the slope on a board': no object of its own.
            if reading is None or not reading.valid:
                reading = self.lexicon.read(lemma, chain[-1:], label, ())
        return reading

    def _valid(
        self, lemma: str, chain: Sequence[str], label: int
    ) -> Iterator[ParsedInteraction]:
        reading = self.lexicon.read(lemma, chain, label, ())
        if label >= 0 and reading is not None and reading.valid:
            yield self._say(reading, label, '')

    def _say(self, reading: Reading, obj: int, name: str) -> ParsedInteraction:
        verb, known, valid = reading
        name = self.vocabulary.objects[obj] if obj >= 0 else name
        ruled_out = known and obj >= 0 and not valid
        return ParsedInteraction(verb, name, valid, ruled_out)
