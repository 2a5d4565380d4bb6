"""Fuzz the teacher's stages with mutated texts.

Mutates real answers by seed and runs all stages on them: answered, parsed,
embedded, packed, and parsed again in another order. Prints the numbers of
parsed answers and of recorded failures; exits with 1 if a text stops a stage
or is parsed in two ways.
"""

import argparse
import json
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any, Iterator, List

from text_mutation import TextMutator

from clhoi_mm.teacher import TeacherCache
from clhoi_mm.teacher.ask_config import AskConfig
from clhoi_mm.teacher.job_report import JobReport
from clhoi_mm.teacher.offline_stages import pack_pass, parse_pass
from clhoi_mm.teacher.store.collect import ANSWERS
from clhoi_mm.vocabulary import HOIVocabulary

ENCODER = dict(type='HashedTextEncoder', dim=8)
PARSED = 'parsed.jsonl'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'texts',
        nargs='+',
        type=Path,
        help='JSONL with "text", "caption" or "captions", or plain lines',
    )
    parser.add_argument('--count', type=int, default=20000)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--vocab', default='hico_det')
    return parser.parse_args()


def read_texts(path: Path) -> Iterator[str]:
    """Read texts from JSONL records or plain lines."""
    for line in path.read_text(encoding='utf-8').splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            row = line
        if not isinstance(row, dict):
            row = dict(text=line)
        for name in ('text', 'caption', 'captions', 'answer'):
            value = row.get(name, ())
            yield from [value] if isinstance(value, str) else value


def write_raw(path: Path, rows: List[Any]) -> Path:
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return path


def fuzz(folder: Path, rows: List[Any], vocab: str) -> List[str]:
    """Run the answers through all stages, and report."""
    images = folder / 'images.txt'
    keys = dict.fromkeys(row['image_id'] for row in rows)
    images.write_text('\n'.join(keys))
    raw = write_raw(folder / 'raw.jsonl', rows)
    config = AskConfig(
        stages=('describe', 'list'),
        images=str(images),
        out=str(folder / 'pass'),
        backend=dict(type='replay', raw=str(raw)),
        vocabulary=vocab,
    )
    reports = config.run_shard(config.build_backend(), progress=False)
    vocabulary = HOIVocabulary.load(vocab)
    out = folder / 'pass'
    report = parse_pass(out, vocabulary, out / PARSED, progress=False)
    pack_pass(out, vocabulary, ENCODER, PARSED, progress=False)
    count = len(TeacherCache(out, vocabulary))
    # The same answers in another order, after other texts.
    answers = (out / ANSWERS).read_text().splitlines(keepends=True)
    other = folder / 'reversed.jsonl'
    other.write_text(''.join(reversed(answers)))
    parse_pass(other, vocabulary, folder / PARSED, progress=False)
    require_same(out / PARSED, folder / PARSED)
    # Without the job's checks of answers.
    whole = parse_pass(raw, vocabulary, folder / 'whole.jsonl', progress=False)
    return [
        *recorded(reports),
        f'parsed      {report.records} answers of {report.images} images, '
        f'{report.unparsed} recorded as not parsed; {count} images packed',
        f'straight    {whole.records} answers, {whole.unparsed} recorded as '
        f'not parsed, {sum(whole.no_answer.values())} no answer, '
        f'{whole.malformed} malformed, {whole.foreign} not in English, '
        f'{whole.unread} not read without spaCy',
    ]


def recorded(reports: List[JobReport]) -> Iterator[str]:
    for report in reports:
        failed = ', '.join(f'{k} {v}' for k, v in report.failed.most_common())
        yield f'{report.stage:11} {report.done} answered; failed: {failed}'


def require_same(one: Path, other: Path) -> None:
    with open(one) as first, open(other) as second:
        for line, again in zip(first, second, strict=True):
            if line != again:
                raise ValueError(f'parsed in two ways:\n{line}{again}')


def main() -> int:
    args = parse_args()
    try:
        texts = [x for path in args.texts for x in read_texts(path)]
    except (OSError, ValueError) as error:
        raise SystemExit(f'fuzz_parser.py: {error}') from error
    if not texts:
        raise SystemExit(f'fuzz_parser.py: {args.texts[0]}: no text in it')
    mutator = TextMutator(texts, args.seed)
    rows = [
        dict(
            image_id=f'{i // 2:08d}.jpg',
            kind=('caption', 'list')[i % 2],
            text=mutator.draw(),
        )
        for i in range(args.count)
    ]
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            lines = fuzz(Path(folder), rows, args.vocab)
        except Exception:
            # Errors of any type count.
            traceback.print_exc()
            print('a text ended a stage, or was parsed in two ways')
            return 1
    print(f'{args.count} texts, mutated from {len(texts)}, seed {args.seed}')
    print('\n'.join(lines))
    print(f'no text ended a stage ({time.monotonic() - start:.0f} s)')
    return 0


if __name__ == '__main__':
    sys.exit(main())
