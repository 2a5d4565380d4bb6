"""One raw record to interactions in the vocabulary's names."""

import re
from functools import lru_cache
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional

from ..vocabulary import HOIVocabulary
from .caption_text import is_json, read_caption
from .exchange import CAPTION, SCORE
from .final_answer import read_final_answer
from .parse_report import ParseReport
from .raw_record import RawRecord
from .structured import read_structured

_WORD = re.compile(r'[^\W\d_]+')
# Some of these stand in every English text of a few words.
_ENGLISH = frozenset(
    'a an the is are of in on and with to at by no not there it he she this '
    'person people man woman being holding riding sitting standing'.split()
)


class Found(NamedTuple):
    """An interaction that a record names.

    Attributes:
        verb (str): As the vocabulary spells it, where it has it.
        object (str): As the vocabulary spells it, where it has it.
            does not say how sure the model is.
        in_vocabulary (bool): Whether it is a class of the vocabulary.
        ruled_out (bool): Whether both are known and the class is not.
        source (str): The record's kind.
    """

    verb: str
    object: str
    score: Optional[float]
    in_vocabulary: bool
    ruled_out: bool
    source: str


def best_score(items: Iterable[Found]) -> Optional[float]:
    """The highest score that was said, None if none was."""
    return max((i.score for i in items if i.score is not None), default=None)


class AnswerParser:

    Args:
        vocabulary (HOIVocabulary): Gives names.
        report (ParseReport): Counts what is malformed, not in English or no
            answer at all.

    Attributes:
        errors (List[str]): Why texts of the record parsed last could not be
            read; no text raises.
    """

    def __init__(self, vocabulary: HOIVocabulary, report: ParseReport) -> None:
        self.vocabulary = vocabulary
        self.report = report
        self.errors: List[str] = []
        self.resolve = lru_cache(maxsize=65536)(Lexicon(vocabulary).resolve)

    def parse(self, record: RawRecord) -> List[Found]:
        """What a record names.

        Args:
            record (RawRecord): The answer.

        Returns:
            List[Found]: In the answer's order; a pair once, with its
            highest score. The class "no interaction" is nothing that is
            done, and left out.
        """
        self.errors = []
        found: List[Found] = []
        try:
            found.extend(self._read(record))
        except Exception as error:
            # One answer among millions: a rule that fails ends no stage.
            self.errors.append(_reason(error))
        best: Dict[tuple, Found] = {}
        for item in found:
            if item.verb == self.vocabulary.no_interaction:
                continue
            known = best.get((item.verb, item.object))
            if known is None or best_score([known, item]) != known.score:
                best[item.verb, item.object] = item
        return list(best.values())

    def _read(self, record: RawRecord) -> Iterator[Found]:
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

    def _structured(self, text: str, source: str) -> Iterator[Found]:
        answer = read_structured(text)
        self.report.malformed += answer.malformed
        if not answer.found:
        for item in answer.items:
            if item.text:
                yield from self._phrase(item.text, source)
            else:
                yield self._named(item.verb, item.object, item.score, source)

    def _phrase(self, text: str, source: str) -> Iterator[Found]:
        """'riding a bicycle', 'person ride bicycle'."""
        text = text.replace('_', ' ')
        words = text.split(' ')
        if words[0] in ('person', 'human', 'people') and len(words) > 2:
            text = ' '.join(words[1:])
        yield from self._sentences(text, source)

        if _is_english(text):
            yield from self._sentences(text, source)
        else:
            self.report.foreign += 1

    def _sentences(self, text: str, source: str) -> Iterator[Found]:
        items: List[ParsedInteraction] = []
        try:
        except Exception as error:
            self.errors.append(_reason(error))
        for item in items:
            yield Found(
                item.verb,
                item.object,
                None,
                item.in_vocabulary,
                item.ruled_out,
                source,
            )

    def _named(self, verb: str, obj: str, score: float, source: str) -> Found:
        verb, obj, inside, ruled_out = self.resolve(verb, obj)
        return Found(verb, obj, score, inside, ruled_out, source)


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
