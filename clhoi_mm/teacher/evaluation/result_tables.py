"""Tables of teachers in plain text."""

from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence

from .teacher_result import TeacherResult

_SHARES = ('precision', 'recall', 'mAP')
_COUNTS = ('true', 'predicted', 'correct')


def comparison_lines(
    results: Sequence[TeacherResult], by_verb: bool = False
) -> List[str]:
    """Format the statistics of teachers, one a row.

    Args:
        results (Sequence[TeacherResult]): At least one, all with the same
            annotations.
        by_verb (bool): Whether to add a table of verbs for each teacher.
            Defaults to False.
    """
    names = _names([result.source for result in results])
    lines = [
        f'{name}: {_coverage(result)}' for name, result in zip(names, results)
    ]
    tables = [
        _table(
            ['', 'images', 'labels/image', *_SHARES],
            ([name, *_main_row(x)] for name, x in zip(names, results)),
        ),
        _table(
            ['false, in %', 'labels', *_titles(results[0].false_labels)],
            ([name, *_false_row(x)] for name, x in zip(names, results)),
        ),
        _table(
            ['recall by images', *results[0].by_frequency()],
            ([name, *_recall_row(x)] for name, x in zip(names, results)),
        ),
    ]
    if by_verb:
        tables += map(_verb_table, names, results)
    for table in tables:
        lines += ['', *table]
    return lines


def _names(sources: Sequence[str]) -> List[str]:
    """Shorten sources to their last parts where these differ."""
    short = [Path(source).name for source in sources]
    return short if len(set(short)) == len(short) else list(sources)


def _coverage(result: TeacherResult) -> str:
    return (
        f'{result.metrics.num_images} images compared, {result.not_asked} '
        f'annotated ones have no pseudo-labels, {result.not_annotated} with '
        f'pseudo-labels are not annotated or left out; {result.outside} '
        f'interactions outside the vocabulary'
    )


def _main_row(result: TeacherResult) -> List[str]:
    summary = result.metrics.summary()
    return [
        str(result.metrics.num_images),
        f'{result.labels_per_image():.2f}',
        *(_percent(summary[x]) for x in _SHARES),
    ]


def _false_row(result: TeacherResult) -> List[str]:
    counts = result.false_labels
    number = sum(counts.values())
    return [
        str(number),
        *(
            _percent(100 * x / number if number else None)
            for x in counts.values()
        ),
    ]


def _recall_row(result: TeacherResult) -> List[str]:
    return [_percent(x['recall']) for x in result.by_frequency().values()]


def _verb_table(name: str, result: TeacherResult) -> List[str]:
    rows: Dict[str, Dict[str, Any]] = result.by_verb()
    order = sorted(rows, key=lambda verb: (-rows[verb]['true'], verb))
    summaries = [('all', result.metrics.summary())]
    summaries += [(verb, rows[verb]) for verb in order]
    return _table(
        [name, *_COUNTS, *_SHARES],
        (
            [
                verb,
                *(str(row[x]) for x in _COUNTS),
                *(_percent(row[x]) for x in _SHARES),
            ]
            for verb, row in summaries
        ),
    )


def _titles(kinds: Iterable[str]) -> List[str]:
    return [kind.replace('_', ' ') for kind in kinds]


def _percent(value: Optional[float]) -> str:
    return '-' if value is None else f'{value:.1f}'


def _table(header: Sequence[str], rows: Iterable[List[str]]) -> List[str]:
    """Align cells, the first column to the left."""
    cells = [list(header), *rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return [
        '  '.join(
            [
                row[0].ljust(widths[0]),
                *(x.rjust(w) for x, w in zip(row[1:], widths[1:])),
            ]
        )
        for row in cells
    ]
