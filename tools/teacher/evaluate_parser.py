"""Precision, recall and speed of the parser on labelled texts."""

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
    / 'labelled_sentences.jsonl'
)
Pairs = Set[Tuple[str, str]]


class Labelled(NamedTuple):
    """A text and what it states; what counts neither way is optional."""

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
        'object], ...], "optional": pairs that count neither way, "blind", '
        '"round"}; "vocab" and "expected" are other names of the second and '
        'third; only classes of the vocabulary are counted',
    )
    parser.add_argument(
        '--part',
        choices=('open', 'blind', 'all'),
        default='all',
        help='"open": sentences that rules were made with; "blind": those '
        'kept apart (default all)',
    )
    parser.add_argument(
        '--round',
        type=int,
        help='sentences of one round of labelling alone: 1, before the parser '
        'was written, or 2, after (default all)',
    )
    parser.add_argument(
        '--errors', action='store_true', help='print what is wrong'
    )
    return parser.parse_args()


def read(path: Path, part: str, number: Optional[int]) -> List[Labelled]:
    wanted = {'open': (False,), 'blind': (True,), 'all': (False, True)}
    labelled: List[Labelled] = []
    line = 0
    try:
        for text in path.open(encoding='utf-8'):
            line += 1
            row = json.loads(text)
            expected = row.get('expected', row.get('interactions'))
            item = Labelled(
                row['text'],
                row.get('vocab') or row['vocabulary'],
                {tuple(pair) for pair in expected},
                {tuple(pair) for pair in row.get('optional', ())},
            )
            if row.get('blind', False) in wanted[part] and (
                number in (None, row.get('round', 1))
            ):
                labelled.append(item)
    except OSError as error:
        raise SystemExit(f'evaluate_parser.py: {error}') from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SystemExit(
            f'evaluate_parser.py: {path}, line {line}: no labelled text '
            f'({error!r})'
        ) from None
    return labelled


def parse(name: str, texts: List[str]) -> Tuple[List[Pairs], float]:
    """What each text says, and the seconds of processor time it took."""
    report = ParseReport()
    parser = AnswerParser(HOIVocabulary.load(name), report)
    records = [RawRecord('', LIST, text) for text in texts]
    parser.parse_all(records[:1])  # loads the model
    start = time.process_time()
    answers = parser.parse_all(records)
    seconds = time.process_time() - start
    if report.unread:
        raise SystemExit(f'evaluate_parser.py: {report.unread_reason}')
    said = [
        {(x.verb, x.object) for x in answer.interactions if x.in_vocabulary}
        for answer in answers
    ]
    return said, seconds


def show(item: Labelled, said: Pairs) -> None:
    print(item.text.replace('\n', ' | '))
    print('  wrong ', sorted(said - item.expected))
    print('  missed', sorted(item.expected - said))


def main() -> None:
    args = parse_args()
    groups: Dict[str, List[Labelled]] = defaultdict(list)
    for item in read(args.labels, args.part, args.round):
        groups[item.vocabulary].append(item)
    counts: Dict[str, List[float]] = {}
    total = [0.0] * 6
    for name, items in groups.items():
        all_said, seconds = parse(name, [item.text for item in items])
        row = counts[name] = [len(items), 0, 0, 0, 0, seconds]
        for item, said in zip(items, all_said, strict=True):
            said = said - (item.optional - item.expected)
            row[1] += len(said & item.expected)
            row[2] += len(said)
            row[3] += len(item.expected)
            row[4] += said == item.expected
            if args.errors and said != item.expected:
                show(item, said)
        total = [a + b for a, b in zip(total, row, strict=True)]
    counts['all'] = total
    print(
        f'{"vocabulary":12} {"texts":>6} {"true":>6} {"said":>6} '
        f'{"right":>6} {"precision":>9} {"recall":>7} {"exact":>6} '
        f'{"texts/s":>8}'
    )
    for name, (texts, right, said, true, exact, seconds) in counts.items():
        print(
            f'{name:12} {texts:6.0f} {true:6.0f} {said:6.0f} {right:6.0f} '
            f'{right / max(said, 1):9.3f} {right / max(true, 1):7.3f} '
            f'{exact:6.0f} {texts / max(seconds, 1e-9):8.0f}'
        )


if __name__ == '__main__':
    main()
