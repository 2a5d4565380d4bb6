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

# How a row is compared with the other row of its point.
KINDS = {'lines': truediv, 'differences': sub}


def check_plot(plot: dict) -> None:
    """Refuse a plot that cannot be drawn.

    Args:
        plot (dict): As :func:`draw_plot` takes it.

    Raises:
        ValueError: Saying which entry is wrong.
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
    """Rows of a plot of which nothing was run yet.

    Args:
        plot (dict): As :func:`draw_plot` takes it.
        found (dict): Metrics by row and seed.
    """
    return [
        row
        for row in rows_of(plot)
        if not values_of(found, row, plot['metric'])
    ]


def rows_of(plot: dict) -> list[str]:
    """All rows that a plot shows.

    Args:
        plot (dict): As :func:`draw_plot` takes it.
    """
    rows = [
        row
        for points in plot['series'].values()
        for point in points
        for row in point[1:]
    ]
    return list(dict.fromkeys([*rows, *plot.get('levels', {})]))


def make_figure(plot: dict, found: Found) -> 'Figure':
    """Means over seeds as lines, with their standard deviations.

    Args:
        plot (dict): As :func:`draw_plot` takes it.
        found (dict): Metrics by row and seed.

    Returns:
        Figure: matplotlib's.
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
    axes.set_xscale(plot.get('x_scale', 'linear'))
    axes.set(
        title=plot.get('title', ''),
        xlabel=plot.get('x_title', ''),
        ylabel=plot.get('y_title', plot['metric']),
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def draw_plot(plot: dict, found: Found, path: Union[str, Path]) -> None:
    """Draw metrics into a file.

    The same metrics give the same file, byte for byte, with one version of
    matplotlib.

    Args:
        plot (dict): ``file``: its name, .svg or .png; ``kind``: 'lines' or
            'differences'; ``metric``: the metric to draw; ``series``: by
            title, a list of points ``(x, row)``, or ``(x, row, other)`` for
            the row's share of another's mean or its difference from it;
            ``levels``: titles of rows that are drawn as level lines, by row;
            ``points``: by title, results ``(x, y)`` of other studies;
            ``title``, ``x_title``, ``y_title``;
            ``x_scale``: 'linear' (default) or 'log'.
        found (dict): Metrics by row and seed, some of each row.
        path (str | Path): The picture to write.
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
                # Names of an SVG's parts would be drawn at random.
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
