"""Precision and recall of the answer parser on labelled sentences."""

import argparse
import json
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

from clhoi_mm.teacher.answer_parser import AnswerParser
from clhoi_mm.teacher.exchange import LIST
from clhoi_mm.teacher.parse_report import ParseReport
from clhoi_mm.teacher.raw_record import RawRecord
from clhoi_mm.vocabulary import HOIVocabulary

LABELS = (
    Path(__file__).parents[2]
    / 'tests'
    / 'test_teacher'
    / 'labelled_sentences.jsonl'
)
Pairs = Set[Tuple[str, str]]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--labels',
        type=Path,
        default=LABELS,
        help='JSONL of {"text", "vocabulary", "interactions": [[verb, '
        'object], ...], "blind", "round"}; only classes of the vocabulary are '
        'counted',
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


def read(path: Path, part: str, number: Optional[int]) -> List[dict]:
    try:
        records = [json.loads(line) for line in path.open(encoding='utf-8')]
    except OSError as error:
        raise SystemExit(f'evaluate_parser.py: {error}') from None
    except json.JSONDecodeError as error:
        raise SystemExit(
            f'evaluate_parser.py: {path}: no JSON ({error})'
        ) from None
    wanted = {'open': (False,), 'blind': (True,), 'all': (False, True)}
    return [
        x
        for x in records
        if x.get('blind', False) in wanted[part]
        and number in (None, x.get('round', 1))
    ]


def main() -> None:
    args = parse_args()
    counts: Dict[str, List[int]] = {}
    parsers: Dict[str, AnswerParser] = {}
    for record in read(args.labels, args.part, args.round):
        name = record['vocabulary']
        if name not in parsers:
            parsers[name] = AnswerParser(
                HOIVocabulary.load(name), ParseReport()
            )
        true: Pairs = {tuple(pair) for pair in record['interactions']}
        said: Pairs = {
            (x.verb, x.object)
            for x in parsers[name].parse(RawRecord('', LIST, record['text']))
            if x.in_vocabulary
        }
        for key in (name, 'all'):
            row = counts.setdefault(key, [0, 0, 0, 0])
            row[0] += 1
            row[1] += len(said & true)
            row[2] += len(said)
            row[3] += len(true)
        if args.errors and said != true:
            print(record['text'].replace('\n', ' | '))
            print('  wrong ', sorted(said - true))
            print('  missed', sorted(true - said))
    print(
        f'{"vocabulary":12} {"texts":>6} {"true":>6} {"said":>6} '
        f'{"right":>6} {"precision":>9} {"recall":>7}'
    )
    counts['all'] = counts.pop('all', [0, 0, 0, 0])
    for name, (texts, right, said, true) in counts.items():
        print(
            f'{name:12} {texts:6} {true:6} {said:6} {right:6} '
            f'{right / max(said, 1):9.3f} {right / max(true, 1):7.3f}'
        )


if __name__ == '__main__':
    main()
