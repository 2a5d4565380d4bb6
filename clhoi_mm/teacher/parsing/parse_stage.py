"""Stage "parse": raw answers to interactions by image."""

import json
import os
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Iterable, Iterator, List, Optional, Tuple, Union

from tqdm import tqdm

from clhoi_mm.utils.files import work_folder
from clhoi_mm.utils.key_matching import no_match_message
from clhoi_mm.vocabulary import HOIVocabulary

from ..interaction import Interaction, max_score
from ..requests.detected_objects import DetectedObjects
from ..requests.messages import LOCATE, SCORE
from ..store.external_sort import ExternalSort
from ..store.parsed_file import ParsedImage, write_parsed
from ..store.raw_record import RawRecord, read_line
from .parse_report import ParseReport
from .parse_workers import parse_records
from .side_file import SideFile

# Image ids kept for an error message.
_SAMPLE = 1000


def parse_raw(
    raw: Union[str, os.PathLike],
    vocabulary: HOIVocabulary,
    out: Union[str, os.PathLike],
    objects: Optional[DetectedObjects] = None,
    min_score: float = 0.5,
    keep_ruled_out: bool = False,
    progress: bool = True,
    workers: int = 1,
) -> ParseReport:
    """Parse raw answers and write their interactions.

    An image's answers are taken together, in any order and from any place
    of the file. An interaction that is named in several has the probability
    that it was scored with, else the highest score of a structured answer,
    else, where prose alone names it, 1; one that no answer names counts where
    its probability is at least ``min_score``. The same answers give the same
    bytes, sorted by image.

    Args:
        raw (str | PathLike): JSONL of ``{image_id, kind, text, ...}``.
        vocabulary (HOIVocabulary): The vocabulary.
        out (str | PathLike): The file to write: rows ``{image_id,
            interactions: [{verb, object, score, in_vocabulary, source}]}``,
            as Parquet where it ends with .parquet, as JSONL else.
        objects (Dict[str, Tuple[int, ...]], optional): Detected labels by
            image; interactions with other objects of the vocabulary are
            left out. Defaults to None: every object may be there, but for
            records that have a list "objects" of their own.
        min_score (float): Defaults to 0.5.
        keep_ruled_out (bool): Whether to write pairs whose verb and object
            the vocabulary knows but never together. Defaults to False.
        progress (bool): Whether to show a bar. Defaults to True.
        workers (int): Processes that parse. Defaults to 1: this one.

    Returns:
        ParseReport: Counts.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: ``out`` is Parquet and pyarrow is missing, or all is
            prose and what reads it is missing.
        ValueError: No image is among the keys of ``objects``.
    """
    raw, out = Path(raw), Path(out)
    if not raw.is_file():
        raise FileNotFoundError(f'{raw}: no such file of raw answers')
    report = ParseReport()
    images = _Images(vocabulary, objects, min_score, keep_ruled_out, report)
    with work_folder(out.parent, 'parse') as folder:
        found = _sorted_answers(
            raw, vocabulary, out, folder, report, progress, workers
        )
        write_parsed(out, images.rows(found))
    return report


class _Images:
    """Join of an image's answers."""

    def __init__(
        self,
        vocabulary: HOIVocabulary,
        objects: Optional[DetectedObjects],
        min_score: float,
        keep_ruled_out: bool,
        report: ParseReport,
    ) -> None:
        self.vocabulary = vocabulary
        self.objects = objects
        self.min_score = min_score
        self.keep_ruled_out = keep_ruled_out
        self.report = report

    def rows(self, found: Iterable[tuple]) -> Iterator[ParsedImage]:
        """Yield all images with their interactions.

        Args:
            found (Iterable[tuple]): Image and answers, see :meth:`row`.

        Raises:
            ImportError: All answers are prose, and spaCy is missing.
            ValueError: No image is among the detected objects.
        """
        first: List[Union[str, int]] = []
        matched = 0
        for image_id, answers in found:
            if self.objects and not matched:
                matched += image_id in self.objects
                first = first[:_SAMPLE] + [image_id]
            yield self.row(image_id, answers)
        if self.objects and first and not matched:
            raise ValueError(
                no_match_message(
                    first,
                    self.objects,
                    'the raw answers',
                    'the detected objects',
                    'write the image ids of --objects like those',
                )
            )
        report = self.report
        if 0 < report.records <= report.unread:
            raise ImportError(
                f'all {report.records} answers are prose, and '
                f'{report.unread_reason}'
            )

    def row(
        self,
        image_id: Union[str, int],
        answers: List[Tuple[Optional[list], List[Interaction]]],
    ) -> ParsedImage:
        """Join one image's answers.

        Args:
            image_id (str | int): The image.
            answers (List[tuple]): Names of detected objects, or None, and
                interactions of each record.
        """
        report = self.report
        report.images += 1
        present = self._present(image_id, answers)
        kept = []
        for items in self._by_pair(answers):
            pointed = [pair for item in items for pair in item.pointed]
            items = [item for item in items if item.source != LOCATE]
            if not items:  # no answer names the label any more
                report.located['label is gone'] += len(pointed)
                continue
            scored = [item for item in items if item.source == SCORE]
            score = max_score(scored or items)
            item = items[0]._replace(
                score=1.0 if score is None else score,
                source='+'.join(sorted({x.source for x in items})),
                pointed=tuple(dict.fromkeys(map(tuple, pointed))),
            )
            label = self.vocabulary.object_label(item.object)
            if item.invalid_pair and not self.keep_ruled_out:
                report.invalid_pair += 1
            elif label >= 0 and present is not None and label not in present:
                report.undetected += 1
            elif len(items) == len(scored) and item.score < self.min_score:
                report.unlikely += 1
            else:
                kept.append(item)
                self._count(item)
        kept.sort(key=lambda x: (-x.score, x.verb, x.object))
        report.interactions += len(kept)
        return image_id, kept

    def _count(self, item: Interaction) -> None:
        name = f'{item.verb} {item.object}'.replace('_', ' ')
        if item.in_vocabulary:
            self.report.in_vocabulary += 1
            self.report.frequent[name] += 1
        else:
            self.report.outside[name] += 1

    @staticmethod
    def _by_pair(answers: List[tuple]) -> Iterator[List[Interaction]]:
        pair = attrgetter('verb', 'object')
        items = [item for _, found in answers for item in found]
        items.sort(key=attrgetter('verb', 'object', 'in_vocabulary'))
        for _, group in groupby(items, pair):
            yield list(group)

    def _present(
        self, image_id: Union[str, int], answers: List[tuple]
    ) -> Optional[set]:
        """Return detected labels; None without a detector."""
        lists = [names for names, _ in answers if names is not None]
        if not lists and self.objects is None:
            return None
        labels = {
            self.vocabulary.object_label(name)
            for names in lists
            for name in names
        }
        if self.objects is not None:
            labels.update(self.objects.get(image_id, ()))
        return labels


def _sorted_answers(
    raw: Path,
    vocabulary: HOIVocabulary,
    out: Path,
    folder: Path,
    report: ParseReport,
    progress: bool,
    workers: int,
) -> Iterator[Tuple[Union[str, int], List[tuple]]]:
    """Parse line by line, then read back image by image.

    Parsed records are sorted on disk, so that memory does not grow with the
    number of images.
    """
    order = ExternalSort(folder)
    report.unparsed_file = f'{out}.unparsed.jsonl'
    with SideFile(report.unparsed_file) as unparsed:
        records = _records(raw, out, report, progress)
        for number, record, answer in parse_records(
            records, vocabulary, report, workers
        ):
            row = [record.image_id, record.objects, answer.interactions]
            order.add(str(record.image_id), number, json.dumps(row))
            if answer.errors:
                report.unparsed += 1
                unparsed.add(
                    image_id=record.image_id,
                    kind=record.kind,
                    line=number,
                    reason=f'{raw}, line {number}: '
                    + '; '.join(answer.errors),
                    text=record.text,
                )
    for _, group in groupby(order, lambda item: item[0]):
        parsed = [json.loads(row) for *_, row in group]
        yield (
            parsed[0][0],
            [
                (objects, [Interaction(*item) for item in found])
                for _, objects, found in parsed
            ],
        )


def _records(
    raw: Path, out: Path, report: ParseReport, progress: bool
) -> Iterator[Tuple[int, RawRecord]]:
    """Yield the file's records; reject other lines."""
    report.rejected_file = f'{out}.rejected.jsonl'
    with (
        SideFile(report.rejected_file) as rejected,
        open(raw, 'rb') as file,
        tqdm(
            total=raw.stat().st_size,
            desc='parse',
            unit='B',
            unit_scale=True,
            disable=not progress,
        ) as bar,
    ):
        for number, line in enumerate(file, 1):
            bar.update(len(line))
            if not line.strip():
                continue
            try:
                records = read_line(line)
            except ValueError as error:
                report.rejected += 1
                rejected.add(
                    line=number,
                    reason=f'{raw}, line {number}: {error}',
                    text=line.decode('utf-8', 'backslashreplace').rstrip('\n'),
                )
                continue
            for record in records:
                report.records += 1
                yield number, record
