"""Rules from a caption's dependency parse to interactions."""

import re
from typing import Any, Iterator, Optional, Sequence

from clhoi_mm.utils.morphology import singular, verb_form
from clhoi_mm.vocabulary import HOIVocabulary

from ...interaction import Interaction
from ..lexicon import Lexicon
from .clauses import Argument, Chain, ClauseReader, Event, lemma_of
from .nouns import ART, HUMAN, META, WORDS, NounReader, Token, sub
from .spacy_model import load_model

_Found = Iterator[Optional[Interaction]]
_WORD = re.compile(r'\b[a-z]{5,}\b')
_LONGEST = 4000


class CaptionParser:
    """Parser of English captions, up to 4,000 letters each.

    Args:
        vocabulary (HOIVocabulary): The vocabulary.

    Raises:
        ImportError: spaCy or its model is missing.
    """

    def __init__(self, vocabulary: HOIVocabulary) -> None:
        self.vocabulary = vocabulary
        self.lexicon = Lexicon(vocabulary)
        self.nouns = NounReader(self.lexicon)
        self.clauses = ClauseReader(self.nouns)
        self.model = load_model()

    def parse(self, texts: Sequence[str]) -> list[list[Interaction]]:
        """Parse texts without markdown, each by itself."""
        docs = self.model.pipe(map(self._plain, texts), batch_size=64)
        return [self.read(doc) for doc in docs]

    def read(self, doc: Any) -> list[Interaction]:
        """Collect the interactions of a dependency parse, each once."""
        self.nouns.start(doc)
        self._in_use: list[int] = []
        found: dict[tuple, Interaction] = {}
        for item in (
            x for token in doc for x in self._interactions_of(token) if x
        ):
            found.setdefault((item.verb, item.object), item)
            if item.in_vocabulary:
                self._in_use[:0] = [self.vocabulary.object_label(item.object)]
        return list(found.values())

    def _plain(self, text: str) -> str:
        """End each line with a period, and correct spelling."""
        text = re.sub(r'([^.!?\s])\s*(\n|\Z)', r'\1.\2', text[:_LONGEST])
        text = text.replace('\n', ' ')
        return _WORD.sub(lambda m: self.lexicon.correct(m.group()), text)

    def _interactions_of(self, token: Token) -> _Found:
        yield from filter(_is_class, self._placed(token))
        event = self.clauses.read(token)
        if event is None:
            return
        yield from self._interactions(token, event)
        for noun in event.arguments if event.lemma in WORDS['light'] else ():
            # 'performs a jump with it' equals 'jumps with it'.
            form = verb_form(singular(noun.token.lower_))
            if form and 'VB' in form.tags and not noun.chain:
                it = [x._replace(between=()) for x in event.arguments if x[2]]
                yield from self._interactions(token, Event(form.lemma, it))

    def _placed(self, token: Token) -> _Found:
        """Read 'a phone in her hand', 'has skis on his feet'."""
        (lemma, *chain), body = self.nouns.place(token)
        if body is None:
            return
        noun = token.tag_[:2] == 'NN'
        things = [token] if noun else sub(token, 'nsubj', 'nsubjpass')
        things += sub(token, 'dobj') if lemma_of(token) == 'have' else []
        for child in sub(token, 'prep'):
            things += sub(child, 'pobj') if child.lower_ == 'with' else []
        for other in (x for thing in things for x in self.nouns.group(thing)):
            # 'a racket in his hand and a ball nearby'
            if not token.i < body.i < other.i:
                label = self.nouns.read(other).label
                if label != self.vocabulary.person_label:
                    yield self._look_up(lemma, tuple(chain), (), label, '')

    def _interactions(self, token: Token, event: Event) -> _Found:
        lemma, arguments, subject = event
        heads = [singular(x[1].lower_) for x in arguments if not x[0] + x[2]]
        if not arguments:  # 'holding and using the knife'
            shared = [y for x in sub(token, 'conj') for y in sub(x, 'dobj')]
            arguments = [Argument((), x) for x in shared]
        pairs = [(x, y) for x in arguments for y in self.nouns.group(x.token)]
        found = [self._one(lemma, *pair) for pair in pairs]
        yield from found
        if any(map(_is_class, found)):
            return
        implied = [self.lexicon.implied_object(lemma, heads)]
        if lemma in WORDS['goes_on'] and set(heads) <= {'wave'}:
            # Objects in use before, or those that the person is in or on.
            near = sub(subject, 'prep') if subject else []
            things = [x for prep in near for x in sub(prep, 'pobj')]
            labels = [self.nouns.read(x).label for x in things]
            implied = [*self._in_use, *labels, *implied]
        if lemma in WORDS['mutual'] and subject and not heads:
            many = len(list(self.nouns.group(subject))) > 1
            if many or subject.tag_ == 'NNS' or subject.lower_ == 'they':
                implied = [self.vocabulary.person_label]
        chain = ('with',) if lemma == 'brush' else ()
        found = [
            self._look_up(lemma, chain, (), x, '') for x in implied if x >= 0
        ]
        yield from list(filter(_is_class, found))[:1]

    def _one(
        self, lemma: str, argument: Argument, token: Token
    ) -> Optional[Interaction]:
        """Read the interaction of a verb with one noun."""
        noun, whole = self.nouns.read(token), self.nouns.whole(token)
        (chain, _, between), choices = argument, [noun.label]
        if self.nouns.is_negated(token) or noun.kind in (ART, META):
            return None
        if token.lower_ in WORDS['others'] and noun.kind != HUMAN:
            choices += [x.label for x in self.nouns.things(token)[:3]]
        owner = self.nouns.read(whole) if whole and noun.label < 0 else noun
        choices += [owner.label] if owner.kind != HUMAN else []
        # 'down the slope on a board'
        more = [(chain[-1:], between), (chain[-1:], ())]
        two = len(chain) > 1 and chain[-1] in WORDS['aside']
        ways = [(chain, between), *(more if two else ())]
        options = [(*way, x, noun.name) for x in choices for way in ways]
        found = [self._look_up(lemma, *option) for option in options]
        named = noun.label >= 0 or not (chain or between)
        empty = lemma in WORDS['empty'] or noun.name == 'it'
        first = found[0] if named and not empty else None
        return next(filter(_is_class, found), first)

    def _look_up(
        self, lemma: str, chain: Chain, between: Chain, obj: int, name: str
    ) -> Optional[Interaction]:
        reading = self.lexicon.read(lemma, chain, obj, between)
        if reading is None:
            return None
        name = self.vocabulary.objects[obj] if obj >= 0 else name
        invalid_pair = reading.known and obj >= 0 and not reading.valid
        return Interaction(
            reading.verb, name, None, reading.valid, invalid_pair
        )


def _is_class(item: Optional[Interaction]) -> bool:
    return item is not None and item.in_vocabulary
