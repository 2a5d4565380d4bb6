"""Tables of teachers in plain text."""

from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from .repeated_labels import repeated_labels
from .teacher_result import TeacherResult

_SHARES = ('precision', 'recall', 'mAP')
_COUNTS = ('true', 'predicted', 'correct')


def comparison_lines(
    results: Sequence[TeacherResult],
    true: Mapping[str, Sequence[int]],
    by_verb: bool = False,
) -> List[str]:
    """Format the statistics of teachers, one a row.

    Args:
        results (Sequence[TeacherResult]): At least one, all with the same
            annotations.
        true (Mapping[str, Sequence[int]]): These, by the images' keys.
        by_verb (bool): Whether to add a table of verbs for each teacher.
            Defaults to False.
    """
    names = _names([result.source for result in results])
    lines = [
        f'{name}: {_coverage(result)}' for name, result in zip(names, results)
    ]
    tables = [
        _table(
            ['', 'images', 'unlabeled', 'labels/image', *_SHARES],
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
    if len(results) > 1:
        lines += ['', *_summary_lines(results, true)]
    return lines


def _summary_lines(
    results: Sequence[TeacherResult], true: Mapping[str, Sequence[int]]
) -> List[str]:
    """Format the medians, sums and repeated labels of several teachers."""
    summaries = [x.metrics.summary() for x in results]
    medians = ', '.join(
        f'{name} {_percent(median([x[name] for x in summaries]))}'
        for name in _SHARES
        if None not in [x[name] for x in summaries]
    )
    unlabeled = sum(x.num_unlabeled() for x in results)
    num_images = sum(x.metrics.num_images for x in results)
    counts: Dict[str, int] = Counter()
    for result in results:
        counts.update(result.false_labels)
    number = sum(counts.values())
    kinds = ', '.join(
        f'{kind.replace("_", " ")} {_percent(100 * count / number)} %'
        for kind, count in counts.items()
        if number
    )
    right, wrong = repeated_labels([x.labels for x in results], true)
    return [
        f'medians: {median([x.labels_per_image() for x in results]):.2f} '
        f'labels an image, {medians}',
        f'all: {_percent(100 * unlabeled / num_images)} % of the images '
        f'unlabeled; of {number} false labels {kinds}',
        f'another teacher of the image repeats {_percent(right)} % of the '
        f'true and {_percent(wrong)} % of the false labels',
    ]


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
        str(result.num_unlabeled()),
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
