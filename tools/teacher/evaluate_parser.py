"""Evaluate precision, recall and speed of the parser."""

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

from clhoi_mm.teacher.parsing.answer_parser import AnswerParser
from clhoi_mm.teacher.parsing.parse_report import ParseReport
from clhoi_mm.teacher.requests.messages import LIST
from clhoi_mm.teacher.store.raw_record import RawRecord
from clhoi_mm.vocabulary import HOIVocabulary

LABELS = (
    Path(__file__).parents[2]
    / 'tests'
    / 'test_teacher'
    / 'labeled_sentences.jsonl'
)
Pairs = Set[Tuple[str, str]]


class Labeled(NamedTuple):
    """Text with labeled pairs; optional pairs are ignored."""

    text: str
    vocabulary: str
    expected: Pairs
    optional: Pairs


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--labels',
        type=Path,
        default=LABELS,
        help='JSONL of {"text", "vocabulary", "interactions": [[verb, '
        'object], ...], "optional": ignored pairs, "blind", '
        '"round"}; "vocab" and "expected" are other names of the second and '
        'third; only classes of the vocabulary are counted',
    )
    parser.add_argument(
        '--part',
        choices=('open', 'blind', 'all'),
        default='all',
        help='"open": sentences that rules were written with; "blind": '
        'held-out ones (default all)',
    )
    parser.add_argument(
        '--round',
        type=int,
        help='sentences of one round of labeling only: 1, before the parser '
        'was written, or 2, after (default all)',
    )
    parser.add_argument(
        '--errors', action='store_true', help='print wrong and missed pairs'
    )
    return parser.parse_args()


def read(path: Path, part: str, number: Optional[int]) -> List[Labeled]:
    wanted = {'open': (False,), 'blind': (True,), 'all': (False, True)}
    labeled: List[Labeled] = []
    line = 0
    try:
        for text in path.open(encoding='utf-8'):
            line += 1
            row = json.loads(text)
            expected = row.get('expected', row.get('interactions'))
            item = Labeled(
                row['text'],
                row.get('vocab') or row['vocabulary'],
                {tuple(pair) for pair in expected},
                {tuple(pair) for pair in row.get('optional', ())},
            )
            if row.get('blind', False) in wanted[part] and (
                number in (None, row.get('round', 1))
            ):
                labeled.append(item)
    except OSError as error:
        raise SystemExit(f'evaluate_parser.py: {error}') from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SystemExit(
            f'evaluate_parser.py: {path}, line {line}: no labeled text '
            f'({error!r})'
        ) from None
    return labeled


def parse(name: str, texts: List[str]) -> Tuple[List[Pairs], float]:
    """Parse texts; also return seconds of processor time."""
    report = ParseReport()
    parser = AnswerParser(HOIVocabulary.load(name), report)
    records = [RawRecord('', LIST, text) for text in texts]
    parser.parse_all(records[:1])  # loads the model
    start = time.process_time()
    answers = parser.parse_all(records)
    seconds = time.process_time() - start
    if report.unread:
        raise SystemExit(f'evaluate_parser.py: {report.unread_reason}')
    found = [
        {(x.verb, x.object) for x in answer.interactions if x.in_vocabulary}
        for answer in answers
    ]
    return found, seconds


def show(item: Labeled, found: Pairs) -> None:
    print(item.text.replace('\n', ' | '))
    print('  wrong ', sorted(found - item.expected))
    print('  missed', sorted(item.expected - found))


def main() -> None:
    args = parse_args()
    groups: Dict[str, List[Labeled]] = defaultdict(list)
    for item in read(args.labels, args.part, args.round):
        groups[item.vocabulary].append(item)
    counts: Dict[str, List[float]] = {}
    total = [0.0] * 6
    for name, items in groups.items():
        all_pairs, seconds = parse(name, [item.text for item in items])
        row = counts[name] = [len(items), 0, 0, 0, 0, seconds]
        for item, found in zip(items, all_pairs, strict=True):
            found = found - (item.optional - item.expected)
            row[1] += len(found & item.expected)
            row[2] += len(found)
            row[3] += len(item.expected)
            row[4] += found == item.expected
            if args.errors and found != item.expected:
                show(item, found)
        total = [a + b for a, b in zip(total, row, strict=True)]
    counts['all'] = total
    print(
        f'{"vocabulary":12} {"texts":>6} {"true":>6} {"found":>6} '
        f'{"correct":>7} {"precision":>9} {"recall":>7} {"exact":>6} '
        f'{"texts/s":>8}'
    )
    for name, (texts, correct, found, true, exact, seconds) in counts.items():
        print(
            f'{name:12} {texts:6.0f} {true:6.0f} {found:6.0f} {correct:7.0f} '
            f'{correct / max(found, 1):9.3f} {correct / max(true, 1):7.3f} '
            f'{exact:6.0f} {texts / max(seconds, 1e-9):8.0f}'
        )


if __name__ == '__main__':
    main()
