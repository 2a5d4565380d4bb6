"""Captions to interactions, by a rule over their dependency parse."""

import re
from typing import Any, Iterator, Optional, Sequence

from ...vocabulary import HOIVocabulary
from ..lexicon import Lexicon
from ..morphology import singular, verb_form
from ..parsed_interaction import ParsedInteraction
from .clauses import Argument, Chain, ClauseReader, Event, lemma_of
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

    def parse(self, texts: Sequence[str]) -> list[list[ParsedInteraction]]:
        """What texts say, each by itself, each pair once.

        Args:
            texts (Sequence[str]): Running texts without markdown; a line is
                a sentence or several.
        """
        docs = self.model.pipe(map(self._plain, texts))
        return [self.read(doc) for doc in docs]

    def read(self, doc: Any) -> list[ParsedInteraction]:
        """What a parsed text says."""
        self.nouns.start(doc.text)
        self._in_use: list[int] = []
        found: dict[tuple[str, str], ParsedInteraction] = {}
        for item in (x for token in doc for x in self._said_by(token)):
            found.setdefault((item.verb, item.object), item)
            if item.in_vocabulary:
                self._in_use[:0] = [self.vocabulary.object_label(item.object)]
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
        (lemma, *chain), body = self.nouns.place(token)
        things = sub(token, 'nsubj', 'nsubjpass') if body else []
        if body and token.tag_[:2] == 'NN':
            things = [token]
        if body and lemma_of(token) == 'have':
            things += sub(token, 'dobj')
        for child in token.children if body else ():
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
        heads = [singular(x[1].lower_) for x in arguments if not x[0] + x[2]]
        if not arguments:  # 'holding and using the knife'
            shared = [y for x in sub(token, 'conj') for y in sub(x, 'dobj')]
            arguments = [Argument((), x) for x in shared]
        said = [
            self._one(lemma, argument, noun)
            for argument in arguments
            for noun in self.nouns.group(argument.token)
        ]
        yield from filter(None, said)
        if any(x and x.in_vocabulary for x in said):
            return
        implied = [self.lexicon.implied_object(lemma, heads)]
        if lemma in WORDS['goes_on'] and set(heads) <= {'wave'}:
            # What was in use before, or the doer is in or on.
            implied[:0] = self._in_use
            for child in sub(subject, 'prep') if subject else ():
                things = sub(child, 'pobj')
                implied[-1:-1] = [self.nouns.read(x).label for x in things]
        chain = ('with',) if lemma == 'brush' else ()
        found = (x for obj in implied for x in self._valid(lemma, chain, obj))
        yield from [x for x, _ in zip(found, range(1))]

    def _one(
        self, lemma: str, argument: Argument, token: Token
    ) -> Optional[ParsedInteraction]:
        """What a verb says of one noun."""
        noun, whole = self.nouns.read(token), self.nouns.whole(token)
        if self.nouns.is_nobody(token) or noun.kind in (ART, META):
            return None
        choices, (chain, _, between) = [noun.label], argument
        if token.lower_ in WORDS['others'] and noun.kind != HUMAN:
            choices += [x.label for x in self.nouns.things(token)[:3]]
        if whole is not None and noun.label < 0:
            owner = self.nouns.read(whole)
            choices += [owner.label] if owner.kind != HUMAN else []
        ways = [(chain, between)]
        if len(chain) > 1:  # 'down the slope on a board'
            ways += [(chain[-1:], between), (chain[-1:], ())]
        said = [
            self._say(lemma, *way, label, noun.name)
            for label in choices
            for way in ways
        ]
        for item in said:
            if item is not None and item.in_vocabulary:
                return item
        named = noun.label >= 0 or not (chain or between)
        empty = lemma in WORDS['empty'] or noun.name == 'it'
        return said[0] if named and not empty else None

    def _valid(
        self, lemma: str, chain: Chain, label: int
    ) -> Iterator[ParsedInteraction]:
        item = self._say(lemma, chain, (), label, '')
        if item is not None and item.in_vocabulary:
            yield item

    def _say(
        self, lemma: str, chain: Chain, between: Chain, obj: int, name: str
    ) -> Optional[ParsedInteraction]:
        reading = self.lexicon.read(lemma, chain, obj, between)
        if reading is None:
            return None
        verb, known, valid = reading
        name = self.vocabulary.objects[obj] if obj >= 0 else name
        ruled_out = known and obj >= 0 and not valid
        return ParsedInteraction(verb, name, valid, ruled_out)
