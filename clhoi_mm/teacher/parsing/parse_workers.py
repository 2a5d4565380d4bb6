"""Parsing of raw records in batches, in one or several processes."""

import multiprocessing
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import Deque, Iterable, Iterator, List, NamedTuple, Tuple

from clhoi_mm.vocabulary import HOIVocabulary

from ..store.raw_record import RawRecord
from .answer_parser import AnswerParser, ParsedAnswer
from .parse_report import ParseReport

# Large enough for spaCy's batches, small enough for memory.
_BATCH = 128

# The line of a record, and the record.
Numbered = Tuple[int, RawRecord]


class ParsedLine(NamedTuple):
    """Record of a file, with its interactions."""

    line: int
    record: RawRecord
    answer: ParsedAnswer


def parse_records(
    records: Iterable[Numbered],
    vocabulary: HOIVocabulary,
    report: ParseReport,
    workers: int = 1,
) -> Iterator[ParsedLine]:
    """Parse records, reading them as they are needed.

    Args:
        records (Iterable[Tuple[int, RawRecord]]): Lines and their records.
        vocabulary (HOIVocabulary): The vocabulary.
        report (ParseReport): Counts.
        workers (int): Processes. Defaults to 1: this one.

    Yields:
        ParsedLine: In the records' order, whatever their number.
    """
    if workers < 1:
        raise ValueError(f'workers must be 1 or more, got {workers}')
    batches = _batches(records)
    if workers == 1:
        parser = AnswerParser(vocabulary, report)
        for batch in batches:
            answers = parser.parse_all([record for _, record in batch])
            yield from _lines(batch, answers)
        return
    # Forks of a process with threads may hang.
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(
        workers, context, _start, (vocabulary,)
    ) as processes:
        ahead: Deque[Tuple[List[Numbered], Future]] = deque()
        for batch in batches:
            rows = [record for _, record in batch]
            ahead.append((batch, processes.submit(_parse, rows)))
            if len(ahead) > 2 * workers:
                yield from _take(ahead, report)
        while ahead:
            yield from _take(ahead, report)


_parser: List[AnswerParser] = []


def _start(vocabulary: HOIVocabulary) -> None:
    _parser[:] = [AnswerParser(vocabulary, ParseReport())]


def _parse(
    records: List[RawRecord],
) -> Tuple[List[ParsedAnswer], ParseReport]:
    report = ParseReport()
    _parser[0].report = report
    return _parser[0].parse_all(records), report


def _take(
    ahead: Deque[Tuple[List[Numbered], Future]], report: ParseReport
) -> Iterator[ParsedLine]:
    batch, future = ahead.popleft()
    answers, counts = future.result()
    report.add(counts)
    return _lines(batch, answers)


def _lines(
    batch: List[Numbered], answers: List[ParsedAnswer]
) -> Iterator[ParsedLine]:
    for (line, record), answer in zip(batch, answers, strict=True):
        yield ParsedLine(line, record, answer)


def _batches(records: Iterable[Numbered]) -> Iterator[List[Numbered]]:
    records = iter(records)
    while batch := list(islice(records, _BATCH)):
        yield batch
