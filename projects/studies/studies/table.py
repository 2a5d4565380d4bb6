import csv
import io
from collections import Counter
from statistics import mean, stdev
from typing import Optional

from .metrics import Found, values_of
from .study import Study


class StudyTable:
    """Table of means and standard deviations over seeds.

    Args:
        study (Study): The study.
        name (str): Name of the table.
        found (dict): Metrics by row and seed, of the shown rows and their
            references.
        rows (list[str], optional): Rows to show. Defaults to all rows of the
            table.
        differences (dict, optional): By row, the difference of
            ``AP_role_s1`` to the table's row ``paired`` and its interval.
    """

    def __init__(
        self,
        study: Study,
        name: str,
        found: Found,
        rows: Optional[list[str]] = None,
        differences: Optional[dict[str, dict[str, float]]] = None,
    ) -> None:
        self.study = study
        self.differences = differences or {}
        self.title = study.tables[name].get('title')
        self.split = study.tables[name].get('split') or study.split
        self.metrics: dict[str, str] = (
            study.tables[name].get('metrics') or study.metrics
        )
        self.rows = [
            row
            for row in study.tables[name]['rows']
            if rows is None or row in rows
        ]
        self.found = found
        # Deterministic rows have one run for all seeds.
        counts = Counter(
            tuple(found[row])
            for row in self.rows
            if not self._is_deterministic(row)
        )
        self.seeds = list(counts.most_common(1)[0][0]) if counts else []

    def markdown(self) -> str:
        """Format the table as Markdown."""
        reference = self.study.reference
        heads = [
            f'{self.split} split, seeds {self.seeds}',
            *self.metrics.values(),
            *([reference['title']] if reference else []),
            *(['S1, difference', 'from', 'to'] if self.differences else []),
        ]
        lines = []
        for row in self.rows:
            cells = [
                _spread(values_of(self.found, row, metric))
                for metric in self.metrics
            ]
            if reference:
                share = self.share(row)
                cells.append('' if share is None else f'{share:.2f}')
            if self.differences:
                cells += self._difference(row)
            lines.append([self._title(row), *cells])
        head, *lines = (f'| {" | ".join(line)} |' for line in (heads, *lines))
        table = '\n'.join([head, '|---' * len(heads) + '|', *lines])
        return f'{self.title}\n\n{table}' if self.title else table

    def csv(self) -> str:
        """Format as CSV with separate means and deviations."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator='\n')
        metrics = [*self.metrics]
        if 'train_seconds' not in metrics:
            metrics.append('train_seconds')
        writer.writerow(
            [
                'row',
                'title',
                'split',
                'seeds',
                *(head for f in metrics for head in (f, f'{f}_std')),
                'share',
            ]
        )
        for row in self.rows:
            measured = [s for s, f in self.found[row].items() if f is not None]
            cells = []
            for metric in metrics:
                # Runs without training have no train_seconds.
                values = [
                    f[metric]
                    for f in self.found[row].values()
                    if f is not None and metric in f
                ]
                cells.append(mean(values) if values else '')
                cells.append(stdev(values) if len(values) > 1 else '')
            share = self.share(row)
            writer.writerow(
                [
                    row,
                    self.study.rows[row]['title'],
                    self.split,
                    ' '.join(map(str, measured)),
                    *cells,
                    '' if share is None else share,
                ]
            )
        return out.getvalue()

    def share(self, row: str) -> Optional[float]:
        """Return the ratio of a row's mean to its reference's."""
        reference = self.study.reference
        if not reference:
            return None
        other = self.study.reference_of(row)
        own, full = (
            values_of(self.found, each, reference['metric'])
            for each in (row, other)
        )
        return mean(own) / mean(full) if own and full and mean(full) else None

    def _difference(self, row: str) -> list[str]:
        """Format the difference to row ``paired`` and its interval."""
        found = self.differences.get(row)
        return [
            f'{found[f"AP_role_s1{end}"]:+.1f}' if found else ''
            for end in ('', '_low', '_high')
        ]

    def _is_deterministic(self, row: str) -> bool:
        return self.study.rows[row].get('baseline') in (
            'prior',
            'pseudo_labels',
        )

    def _title(self, row: str) -> str:
        """Return a row's title, with its seeds if they differ."""
        title = self.study.rows[row]['title']
        measured = [s for s, f in self.found[row].items() if f is not None]
        if not measured:
            return f'{title} (not run yet)'
        if measured == self.seeds or self._is_deterministic(row):
            return title
        return (
            f'{title} (seed{"s" * (len(measured) > 1)} '
            f'{", ".join(map(str, measured))})'
        )


def _spread(values: list[float]) -> str:
    if not values:
        return '–'
    if len(values) == 1:
        return f'{values[0]:.1f}'
    return f'{mean(values):.1f} ± {stdev(values):.1f}'
