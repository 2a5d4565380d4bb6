from operator import sub, truediv
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Union

from clhoi_mm.utils.files import atomic_path

from .metrics import Found, values_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KEYS = {
    'kind',
    'file',
    'metric',
    'series',
    'levels',
    'points',
    'title',
    'x_title',
    'y_title',
    'x_scale',
}

# Comparison of a row with the other row of its point.
KINDS = {'lines': truediv, 'differences': sub}


def check_plot(plot: dict) -> None:
    """Check the entries of a plot.

    Args:
        plot (dict): Plot as described in :func:`draw_plot`.

    Raises:
        ValueError: If an entry is missing or wrong.
    """
    wrong = ({'file', 'metric', 'series'} - set(plot)) or set(plot) - KEYS
    if wrong:
        raise ValueError(
            f'{", ".join(sorted(wrong))}: missing or unknown; '
            'file, metric and series are needed, and there are '
            f'{", ".join(sorted(KEYS))}'
        )
    if plot.get('kind', 'lines') not in KINDS:
        raise ValueError(f'kind: there are {", ".join(KINDS)}')
    if not plot['file'].endswith(('.svg', '.png')):
        raise ValueError(
            f'file: {plot["file"]!r} does not end in .svg or .png'
        )


def missing_rows(plot: dict, found: Found) -> list[str]:
    """List a plot's rows without any result.

    Args:
        plot (dict): Plot as described in :func:`draw_plot`.
        found (dict): Metrics by row and seed.
    """
    return [
        row
        for row in rows_of(plot)
        if not values_of(found, row, plot['metric'])
    ]


def rows_of(plot: dict) -> list[str]:
    """List all rows of a plot.

    Args:
        plot (dict): Plot as described in :func:`draw_plot`.
    """
    rows = [
        row
        for points in plot['series'].values()
        for point in points
        for row in point[1:]
    ]
    return list(dict.fromkeys([*rows, *plot.get('levels', {})]))


def make_figure(plot: dict, found: Found) -> 'Figure':
    """Plot means over seeds with their standard deviations.

    Args:
        plot (dict): Plot as described in :func:`draw_plot`.
        found (dict): Metrics by row and seed.

    Returns:
        Figure: The matplotlib figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout='constrained')
    axes = figure.add_subplot()
    compare = KINDS[plot.get('kind', 'lines')]
    for title, points in plot['series'].items():
        xs, means, spreads = [], [], []
        for x, row, *other in points:
            values = values_of(found, row, plot['metric'])
            if other:
                full = mean(values_of(found, other[0], plot['metric']))
                values = [compare(value, full) for value in values]
            xs.append(x)
            means.append(mean(values))
            spreads.append(stdev(values) if len(values) > 1 else 0)
        axes.errorbar(
            xs,
            means,
            spreads,
            label=title,
            marker='o',
            markersize=4,
            linewidth=1.5,
            capsize=3,
        )
    for i, (row, title) in enumerate(plot.get('levels', {}).items()):
        axes.axhline(
            mean(values_of(found, row, plot['metric'])),
            label=title,
            color='0.4',
            linewidth=1,
            linestyle=('--', ':', '-.')[i % 3],
        )
    for title, (x, y) in plot.get('points', {}).items():
        axes.plot(x, y, 'D', label=title)
    if plot.get('x_scale') == 'log':
        # Ticks at the measured values; labels of a decade's ticks overlap.
        xs = sorted(
            {p[0] for points in plot['series'].values() for p in points}
        )
        axes.set_xscale('log')
        axes.set_xticks(xs, [f'{x:,}' for x in xs])
        axes.minorticks_off()
    axes.set(
        title=plot.get('title', ''),
        xlabel=plot.get('x_title', ''),
        ylabel=plot.get('y_title', plot['metric']),
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def draw_plot(plot: dict, found: Found, path: Union[str, Path]) -> None:
    """Plot metrics to a file.

    The bytes are reproducible with the same version of matplotlib.

    Args:
        plot (dict): ``file``: name, .svg or .png; ``kind``: 'lines'
            (default) or 'differences'; ``metric``: metric to plot;
            ``series``: lists of points by title, ``(x, row)``, or
            ``(x, row, other)`` for the ratio of the row to another row's
            mean ('lines') or their difference; ``levels``: titles of
            horizontal lines by row; ``points``: results ``(x, y)`` of other
            studies by title; ``title``, ``x_title``, ``y_title``;
            ``x_scale``: 'linear' (default) or 'log'.
        found (dict): Metrics by row and seed, at least one result per row.
        path (str | Path): Picture to write.
    """
    import matplotlib

    kind = plot['file'].rsplit('.', 1)[1]
    metadata = (
        dict(Date=None, Creator=None) if kind == 'svg' else dict(Software=None)
    )
    with (
        matplotlib.rc_context(
            {
                **matplotlib.rcParamsDefault,
                # Otherwise ids in an SVG are random.
                'svg.hashsalt': 'clhoi_mm',
                'axes.spines.right': False,
                'axes.spines.top': False,
            }
        ),
        atomic_path(path) as partial,
    ):
        make_figure(plot, found).savefig(
            partial, format=kind, dpi=120, metadata=metadata
        )
