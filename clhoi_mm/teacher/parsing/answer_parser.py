"""One raw record to interactions in the vocabulary's names."""

import re
from functools import lru_cache
from typing import (
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Union,
)

from clhoi_mm.vocabulary import HOIVocabulary

from ..requests.messages import CAPTION, SCORE
from ..store.raw_record import RawRecord
from .caption_parser import CaptionParser
from .caption_text import is_json, read_caption
from .final_answer import read_final_answer
from .lexicon import Lexicon
from .list_lines import ListLines
from .parse_report import ParseReport
from .parsed_interaction import ParsedInteraction
from .plain_text import split_prose
from .structured import read_structured

_WORD = re.compile(r'[^\W\d_]+')
# Some of these stand in every English text of a few words.
_ENGLISH = frozenset(
    'a an the is are of in on and with to at by no not there it he she this '
    'person people man woman being holding riding sitting standing two three '
    'some both one his her their its while near next into out up'.split()
)


class Found(NamedTuple):
    """An interaction that a record names.

    Attributes:
        verb (str): As the vocabulary spells it, where it has it.
        object (str): As the vocabulary spells it, where it has it.
            does not say how sure the model is.
        in_vocabulary (bool): Whether it is a class of the vocabulary.
        invalid_pair (bool): Whether both are known and the class is not.
        source (str): The record's kind.
    """

    verb: str
    object: str
    score: Optional[float]
    in_vocabulary: bool
    invalid_pair: bool
    source: str


class ParsedAnswer(NamedTuple):
    """What became of a record.

    Attributes:
        found (List[Found]): In the answer's order; a pair once, with its
            highest score.
        errors (List[str]): Why texts of it could not be read.
    """

    found: List[Found]
    errors: List[str]


class _Prose(NamedTuple):
    """Running text of a record, still to be read."""

    text: str
    source: str


def best_score(items: Iterable[Found]) -> Optional[float]:
    """The highest score that was said, None if none was."""
    return max((i.score for i in items if i.score is not None), default=None)


class AnswerParser:
    """Reads raw records: structured answers and lists by rule, prose parsed.

    Prose needs spaCy, which is loaded with the first text; without it all
    else is read, and the report says what is missing.

    Args:
        vocabulary (HOIVocabulary): Gives names.
        report (ParseReport): Counts what is malformed, not in English or no
            answer at all.
    """

    def __init__(self, vocabulary: HOIVocabulary, report: ParseReport) -> None:
        self.vocabulary = vocabulary
        self.report = report
        lexicon = Lexicon(vocabulary)
        self.lines = ListLines(lexicon)
        self.resolve = lru_cache(maxsize=65536)(lexicon.resolve)
        self._captions: Optional[CaptionParser] = None

    def parse(self, record: RawRecord) -> ParsedAnswer:
        """What a record names; no text raises.

        Args:
            record (RawRecord): The answer.
        """
        return self.parse_all([record])[0]

    def parse_all(self, records: Sequence[RawRecord]) -> List[ParsedAnswer]:
        """What records name; many at once take the least time each.

        The class "no interaction" is nothing that is done, and left out.

        Args:
            records (Sequence[RawRecord]): Answers.

        Returns:
            List[ParsedAnswer]: One each, in their order.
        """
        answers = []
        for record in records:
            errors: List[str] = []
            parts: List[Union[Found, _Prose]] = []
            try:
                parts.extend(self._read(record))
            except Exception as error:
                # One answer among millions: a rule that fails ends no stage.
                errors.append(_reason(error))
            answers.append((parts, errors))
        texts = [
            part.text
            for parts, _ in answers
            for part in parts
            if isinstance(part, _Prose)
        ]
        read = iter(self._read_texts(texts))
        return [
            ParsedAnswer(self._once(self._found(parts, read, errors)), errors)
            for parts, errors in answers
        ]

    def _read(self, record: RawRecord) -> Iterator[Union[Found, _Prose]]:
        if record.kind == SCORE:
            yield self._named(
                record.verb, record.object, record.score, record.kind
            )
            return
        answer = read_final_answer(record.text)
        if record.kind != CAPTION:
            caption = None
        else:
            caption = read_caption(record.text)
            answer = caption if caption.problem else answer
        if answer.problem:
            self.report.no_answer[answer.problem] += 1
        elif caption is None or (not caption.text and is_json(answer.text)):
            yield from self._structured(answer.text, record.kind)
        else:
            yield from self._prose(caption.text, record.kind)

    def _structured(
        self, text: str, source: str
    ) -> Iterator[Union[Found, _Prose]]:
        answer = read_structured(text)
        self.report.malformed += answer.malformed
        if not answer.found:
            yield from self._prose(text, source)
        for item in answer.items:
            if item.text:
                text = item.text.replace('_', ' ')
                yield from self._sentences(text, source)
            else:
                yield self._named(item.verb, item.object, item.score, source)

    def _prose(self, text: str, source: str) -> Iterator[Union[Found, _Prose]]:
        if _is_english(text):
            yield from self._sentences(text, source)
        else:
            self.report.foreign += 1

    def _sentences(
        self, text: str, source: str
    ) -> Iterator[Union[Found, _Prose]]:
        """Lines that are items of a list, and the others together."""
        rest = []
        for line in split_prose(text):
            pairs = self.lines.read(line)
            if pairs is None:
                rest.append(line)
            for verb, obj in pairs or ():
                yield self._named(verb, obj, None, source)
        if rest:
            yield _Prose('\n'.join(rest), source)

    def _read_texts(
        self, texts: List[str]
    ) -> List[Union[List[ParsedInteraction], Exception]]:
        """What texts say, or why one cannot be read."""
        if not texts:
            return []
        try:
            self._captions = self._captions or CaptionParser(self.vocabulary)
        except ImportError as error:
            self.report.unread += len(texts)
            self.report.unread_reason = str(error)
            return [[] for _ in texts]
        try:
            return self._captions.parse(texts)
        except Exception as error:
            # Rules for prose meet texts that nobody thought of.
            if len(texts) == 1:
                return [error]
        return [x for text in texts for x in self._read_texts([text])]

    @staticmethod
    def _found(
        parts: List[Union[Found, _Prose]],
        read: Iterator[Union[List[ParsedInteraction], Exception]],
        errors: List[str],
    ) -> Iterator[Found]:
        for part in parts:
            if isinstance(part, Found):
                yield part
                continue
            items = next(read)
            if isinstance(items, Exception):
                errors.append(_reason(items))
                continue
            for item in items:
                yield Found(
                    item.verb,
                    item.object,
                    None,
                    item.in_vocabulary,
                    item.invalid_pair,
                    part.source,
                )

    def _once(self, found: Iterable[Found]) -> List[Found]:
        best: Dict[tuple, Found] = {}
        for item in found:
            if item.verb == self.vocabulary.no_interaction:
                continue
            known = best.get((item.verb, item.object))
            if known is None or best_score([known, item]) != known.score:
                best[item.verb, item.object] = item
        return list(best.values())

    def _named(
        self, verb: str, obj: str, score: Optional[float], source: str
    ) -> Found:
        verb, obj, inside, invalid_pair = self.resolve(verb, obj)
        return Found(verb, obj, score, inside, invalid_pair, source)


def _reason(error: Exception) -> str:
    return f'{type(error).__name__}: {error}'[:200]


def _is_english(text: str) -> bool:
    words = _WORD.findall(text.lower())
    if len(words) < 5:
        return (
            text.isascii()
            or not words
            or any(word.isascii() for word in words)
        )
    return sum(word in _ENGLISH for word in words) >= 0.08 * len(words)
