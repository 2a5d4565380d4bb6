"""Parsing of raw records to interactions of a vocabulary."""

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

from ..interaction import Interaction, max_score
from ..requests.messages import CAPTION, LOCATE, SCORE
from ..store.raw_record import RawRecord
from .answer_items import Item
from .caption_parser import CaptionParser
from .caption_text import read_caption
from .final_answer import read_final_answer
from .lexicon import Lexicon
from .list_lines import ListLines
from .located_pairs import match_located
from .parse_report import ParseReport
from .plain_text import split_prose
from .structured import StructuredAnswer, read_structured

_WORD = re.compile(r'[^\W\d_]+')
# Some of these stand in every English text of a few words.
_ENGLISH = frozenset(
    'a an the is are of in on and with to at by no not there it he she this '
    'person people man woman being holding riding sitting standing two three '
    'some both one his her their its while near next into out up'.split()
)
# Interactions of a text, or why it could not be parsed.
_Parsed = Union[List[Interaction], Exception]


class ParsedAnswer(NamedTuple):
    """Interactions of a record, and errors.

    Attributes:
        interactions (List[Interaction]): In the answer's order; a pair once,
            with its highest score.
        errors (List[str]): Reasons why texts of it could not be parsed.
    """

    interactions: List[Interaction]
    errors: List[str]


class AnswerParser:
    """Parser of raw records: structured answers, lists and prose.

    Prose needs spaCy, which is loaded with the first text; without it all
    else is parsed, and the report names what is missing.

    Args:
        vocabulary (HOIVocabulary): Vocabulary of the names.
        report (ParseReport): Counts answers that are malformed, not in
            English or none at all.
    """

    def __init__(self, vocabulary: HOIVocabulary, report: ParseReport) -> None:
        self.vocabulary = vocabulary
        self.report = report
        lexicon = Lexicon(vocabulary)
        self.lines = ListLines(lexicon)
        self.resolve = lru_cache(maxsize=65536)(lexicon.resolve)
        self._captions: Optional[CaptionParser] = None

    def parse(self, record: RawRecord) -> ParsedAnswer:
        """Parse one record; no text raises.

        Args:
            record (RawRecord): The answer.
        """
        return self.parse_all([record])[0]

    def parse_all(self, records: Sequence[RawRecord]) -> List[ParsedAnswer]:
        """Parse records; many at once take the least time each.

        ``no_interaction`` classes are dropped.

        Args:
            records (Sequence[RawRecord]): Answers.

        Returns:
            List[ParsedAnswer]: One for each record, in their order.
        """
        answers = []
        for record in records:
            errors: List[str] = []
            items: List[Item] = []
            try:
                items.extend(self._read(record))
            except Exception as error:
                # One answer among millions must not end the stage.
                errors.append(_reason(error))
            answers.append((record.kind, items, errors))
        texts = [
            x for _, items, _ in answers for x in items if isinstance(x, str)
        ]
        parsed = iter(self._parse_texts(texts))
        return [
            ParsedAnswer(
                [
                    x._replace(source=kind)
                    for x in self._unique(_insert(items, parsed, errors))
                ],
                errors,
            )
            for kind, items, errors in answers
        ]

    def _read(self, record: RawRecord) -> Iterator[Item]:
        """Yield interactions, and texts still to be parsed as prose."""
        if record.kind == SCORE:
            found = self.resolve(record.verb, record.object)
            yield found._replace(score=record.score)
            return
        if record.kind == LOCATE:
            located = match_located(record.text, record.scene)
            self.report.located.update(located.outcomes)
            yield from located.interactions
            return
        read = read_caption if record.kind == CAPTION else read_final_answer
        answer = read(record.text)
        if answer.problem:
            self.report.no_answer[answer.problem] += 1
        elif record.kind != CAPTION:
            structured = read_structured(answer.text)
            yield from self._structured(structured)
            if not structured.found:
                yield from self._prose(answer.text)
        elif answer.structured:
            yield from self._structured(answer.structured)
        else:
            yield from self._prose(answer.text)

    def _structured(self, answer: StructuredAnswer) -> Iterator[Item]:
        self.report.malformed += answer.malformed
        for item in answer.items:
            if isinstance(item, str):
                yield from self._sentences(item.replace('_', ' '))
            else:
                found = self.resolve(item.verb, item.object)
                yield found._replace(score=item.score)

    def _prose(self, text: str) -> Iterator[Item]:
        if _is_english(text):
            yield from self._sentences(text)
        else:
            self.report.foreign += 1

    def _sentences(self, text: str) -> Iterator[Item]:
        """Yield pairs of list lines, and other lines as text."""
        rest = []
        for line in split_prose(text):
            pairs = self.lines.read(line)
            if pairs is None:
                rest.append(line)
            for verb, obj in pairs or ():
                yield self.resolve(verb, obj)
        if rest:
            yield '\n'.join(rest)

    def _parse_texts(self, texts: List[str]) -> List[_Parsed]:
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
            # One text must not cost the others of its batch.
            if len(texts) == 1:
                return [error]
        return [x for text in texts for x in self._parse_texts([text])]

    def _unique(self, found: Iterable[Interaction]) -> List[Interaction]:
        """Keep each pair once, with its highest score."""
        best: Dict[tuple, Interaction] = {}
        for item in found:
            if item.verb == self.vocabulary.no_interaction:
                continue
            known = best.get(item[:2])
            if known is None or max_score([known, item]) != known.score:
                best[item[:2]] = item
        return list(best.values())


def _insert(
    items: List[Item], parsed: Iterator[_Parsed], errors: List[str]
) -> Iterator[Interaction]:
    """Put the interactions of parsed texts in the texts' places."""
    for item in items:
        if isinstance(item, Interaction):
            yield item
            continue
        found = next(parsed)
        if isinstance(found, Exception):
            errors.append(_reason(found))
        else:
            yield from found


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
