"""Union of several teachers' labels, scored by their agreement."""

import heapq
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Sequence, Tuple, Union

from clhoi_mm.utils.files import atomic_path
from clhoi_mm.vocabulary import HOIVocabulary

from ..interaction import Interaction
from ..offline_stages import PARSED
from .collect import ANSWERS
from .interaction_table import InteractionTable
from .merge import read_sorted
from .parsed_file import ParsedImage, read_lines, write_parsed
from .raw_store import RAW

PathLike = Union[str, os.PathLike]


@dataclass
class AgreementReport:
    """Counts of a union.

    Attributes:
        images (int): Images that a teacher answered.
        answers (int): Pairs of an image and a teacher that answered it.
        kept (Counter): Kept labels by the number of teachers.
        dropped (int): Labels of too few teachers.
    """

    images: int = 0
    answers: int = 0
    kept: Counter = field(default_factory=Counter)
    dropped: int = 0

    def __str__(self) -> str:
        numbers = ', '.join(
            f'{count} by {number}'
            for number, count in sorted(self.kept.items())
        )
        return (
            f'agree: {self.images} images, on average answered by '
            f'{self.answers / max(self.images, 1):.1f} teachers; '
            f'{sum(self.kept.values())} interactions, named '
            f'{numbers or "by none"}; {self.dropped} named by fewer left out'
        )


def unite_teachers(
    folders: Sequence[PathLike],
    out: PathLike,
    vocabulary: HOIVocabulary,
    min_teachers: int = 2,
    parsed: str = PARSED,
    equal_scores: bool = False,
) -> AgreementReport:
    """Write the labels that teachers agree on, and the answers of all.

    The score of an interaction is the share of the teachers that name it
    among those that answered about the image; it keeps the pairs that any of
    these points at, each once. The folder written has the
    answers and the parsed layer of a pass. Memory does not grow with the
    number of images.

    Args:
        folders (Sequence[str | PathLike]): A parsed pass of each teacher.
        out (str | PathLike): The folder to write; none of ``folders``.
        vocabulary (HOIVocabulary): The vocabulary that they were parsed
            with.
        min_teachers (int): Interactions that fewer teachers name are left
            out. Defaults to 2.
        parsed (str): The parsed layers' name. Defaults to
            'parsed.parquet'.
        equal_scores (bool): Whether the score of all is 1 instead. Defaults
            to False.

    Returns:
        AgreementReport: Counts.

    Raises:
        FileNotFoundError: A folder has no answers or no parsed layer.
        ValueError: An argument is wrong, a file is damaged or not sorted,
            or an interaction was parsed with another vocabulary.
        OSError: The disk is full; earlier files are unchanged.
    """
    paths, out = [Path(x) for x in folders], Path(out)
    _check_arguments(paths, out, min_teachers)
    for name in (ANSWERS, parsed):
        for path in paths:
            if not (path / name).is_file():
                raise FileNotFoundError(
                    f'{path / name}: no such file; run the stages of this '
                    f'teacher, parse the last'
                )
    report = AgreementReport()
    check = _VocabularyCheck(vocabulary)
    rows = heapq.merge(
        *(check.read(path / parsed) for path in paths), key=itemgetter(0)
    )
    images = _agreed(rows, min_teachers, report, equal_scores)
    with atomic_path(out / ANSWERS) as temp:
        _write_answers([path / ANSWERS for path in paths], temp)
        write_parsed(out / parsed, images)
    return report


def _check_arguments(
    paths: Sequence[Path], out: Path, min_teachers: int
) -> None:
    resolved = [path.resolve() for path in paths]
    if out.resolve() in resolved:
        raise ValueError(f'{out}: is a teacher; give another folder to write')
    if (out / RAW).is_dir():
        raise ValueError(
            f'{out}: holds answers of a teacher of its own; give another '
            f'folder to write'
        )
    if len(set(resolved)) < len(resolved):
        raise ValueError('a teacher is named twice; name each folder once')
    if not 1 <= min_teachers <= len(paths):
        raise ValueError(
            f'the minimum number of teachers must be 1 to {len(paths)}, the '
            f'number of folders, got {min_teachers}'
        )


class _VocabularyCheck:
    """Reader of parsed layers that refuses another vocabulary."""

    def __init__(self, vocabulary: HOIVocabulary) -> None:
        self.vocabulary = vocabulary
        self._table = InteractionTable(vocabulary)

    def read(self, path: Path) -> Iterator[Tuple[str, List[Interaction]]]:
        """Yield images, sorted by key.

        Args:
            path (Path): The parsed layer.
        """
        for key, found in read_sorted(path):
            for item in found:
                hoi = self._table.add(item.verb, item.object)[2]
                if item.in_vocabulary and hoi < 0:
                    raise ValueError(
                        f'{path}, image "{key}": "{item.verb} {item.object}" '
                        f'is no class of the vocabulary '
                        f'"{self.vocabulary.name}"; parse all teachers with '
                        f'one --vocab, and name it here'
                    )
            yield key, found


def _agreed(
    rows: Iterable[Tuple[str, List[Interaction]]],
    min_teachers: int,
    report: AgreementReport,
    equal_scores: bool,
) -> Iterator[ParsedImage]:
    """Join the rows of each image."""
    for key, group in groupby(rows, itemgetter(0)):
        answers = [found for _, found in group]
        report.images += 1
        report.answers += len(answers)
        kept = []
        for named in _by_pair(answers):
            if len(named) < min_teachers:
                report.dropped += 1
                continue
            report.kept[len(named)] += 1
            sources = {x for item in named for x in item.source.split('+')}
            # A pair as often as teachers point at it.
            pointed = [pair for item in named for pair in item.pointed]
            share = 1.0 if equal_scores else len(named) / len(answers)
            kept.append(
                named[0]._replace(
                    score=share,
                    source='+'.join(sorted(sources)),
                    pointed=tuple(pointed),
                )
            )
        kept.sort(key=lambda x: (-x.score, x.verb, x.object))
        yield key, kept


def _by_pair(
    answers: Iterable[List[Interaction]],
) -> Iterable[List[Interaction]]:
    """Group interactions, each teacher's once."""
    groups: Dict[Tuple[str, str], List[Interaction]] = {}
    for found in answers:
        for item in {x[:2]: x for x in found}.values():
            groups.setdefault(item[:2], []).append(item)
    return groups.values()


def _write_answers(paths: Sequence[Path], out: Path) -> None:
    """Merge files of answers, each sorted by image."""
    fields = ('image_id', 'kind', 'text')
    rows = heapq.merge(
        *(read_lines(path, fields) for path in paths),
        key=itemgetter('image_id'),
    )
    with open(out, 'w', encoding='ascii') as file:
        for row in rows:
            file.write(json.dumps(row) + '\n')
