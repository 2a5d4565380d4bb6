"""Plot logged values of training, and report its iteration times.

Reads a run's vis_data/scalars.json, or all of a work dir as one training with
resumed runs. Needs neither torch nor mmdet.
"""

import argparse
import json
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

from clhoi_mm.utils.files import atomic_path

# Keys that are neither metrics nor losses.
PLACES = ('epoch', 'iter', 'step')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest='task', required=True)
    plot = commands.add_parser('plot_curve', help='draw values as curves')
    plot.add_argument(
        '--keys',
        nargs='+',
        default=['loss'],
        help='keys to draw, such as loss_context or mAP (default: loss)',
    )
    plot.add_argument(
        '--legend', nargs='+', help='a name for each curve, log by log'
    )
    plot.add_argument('--title', help="the picture's title")
    plot.add_argument('--style', help='a style of matplotlib')
    plot.add_argument('--backend', help='a backend of matplotlib')
    plot.add_argument(
        '--out', help='picture to write: .png, .pdf or .svg (default: show)'
    )
    time = commands.add_parser('cal_train_time', help='seconds per iteration')
    time.add_argument(
        '--include-outliers',
        action='store_true',
        help="include the first line of each epoch, with the loaders' start",
    )
    for command in (plot, time):
        command.add_argument(
            'json_logs',
            nargs='+',
            metavar='LOG',
            help='a scalars.json, or a work dir',
        )
    return parser.parse_args()


def read_lines(path: Path) -> List[dict]:
    """Read a file's lines except an incomplete last one."""
    lines = path.read_text().splitlines()
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict):
            if any(isinstance(row.get(place), int) for place in PLACES):
                rows.append(row)
        elif number < len(lines):
            raise ValueError(
                f'{path}, line {number}: not a line of a log; give the '
                'vis_data/scalars.json of a run'
            )
    return rows


def read_log(log: str) -> Tuple[List[dict], List[dict]]:
    """Read training and validation lines.

    Lines of a run after the iteration at which a later run resumed are
    dropped.
    """
    path = Path(log)
    files = [path]
    if path.is_dir():
        files = sorted(path.glob('*/vis_data/scalars.json'))
    if not files:
        raise ValueError(
            f'{log}: no log found; give a work dir '
            'with */vis_data/scalars.json, or such a file'
        )
    rows: List[dict] = []
    for file in files:
        new = read_lines(file)
        first = next((row['step'] for row in new if 'iter' in row), None)
        if first is not None:
            kept = next(
                (
                    i
                    for i, row in enumerate(rows)
                    if 'iter' in row and row['step'] >= first
                ),
                None,
            )
            rows = rows[:kept] + new
    if not rows:
        raise ValueError(
            f'{log}: no training lines; train longer '
            'than default_hooks.logger.interval iterations'
        )
    return (
        [row for row in rows if 'iter' in row],
        [row for row in rows if 'iter' not in row],
    )


def find_curve(log: str, key: str) -> Tuple[str, List[float], List[float]]:
    """Return a key's axis, positions and values."""
    train, val = read_log(log)
    logged_keys: List[str] = []
    # In training by epochs, the step of a validation line is its epoch.
    when = 'epoch' if any('epoch' in row for row in train) else 'iteration'
    for axis, rows in (('iteration', train), (when, val)):
        names = dict.fromkeys(name for row in rows for name in row)
        logged_keys += [name for name in names if name not in PLACES]
        # The prefix of a metric is optional.
        name = next(
            (
                name
                for name in names
                if name not in PLACES
                and key in (name, name.rsplit('/', 1)[-1])
            ),
            None,
        )
        if name is not None:
            rows = [row for row in rows if name in row]
            return (
                axis,
                [row['step'] for row in rows],
                [row[name] for row in rows],
            )
    raise ValueError(
        f'{log}: no {key!r} was logged; it has '
        f'{", ".join(dict.fromkeys(logged_keys))}'
    )


def plot_curve(args: argparse.Namespace) -> None:
    """Draw all logs and keys into one picture."""
    import matplotlib

    if args.backend or args.out:
        matplotlib.use(args.backend or 'Agg')
    import matplotlib.pyplot as plt

    if args.style:
        plt.style.use(args.style)
    curves = [
        (f'{log} {key}', *find_curve(log, key))
        for log in args.json_logs
        for key in args.keys
    ]
    if args.legend:
        if len(args.legend) != len(curves):
            raise ValueError(
                f'--legend: {len(args.legend)} names for '
                f'{len(curves)} curves (logs times keys)'
            )
        curves = [
            (name, *curve[1:]) for name, curve in zip(args.legend, curves)
        ]
    axes = list(dict.fromkeys(curve[1] for curve in curves))
    figure, plots = plt.subplots(
        1,
        len(axes),
        figsize=(7 * len(axes), 4.5),
        squeeze=False,
        layout='constrained',
    )
    for axis, plot in zip(axes, plots[0]):
        for name, where, places, values in curves:
            if where == axis:
                plot.plot(
                    places,
                    values,
                    label=name,
                    linewidth=1,
                    marker='o' if axis != 'iteration' else None,
                )
        plot.set_xlabel(axis)
        plot.legend()
    figure.suptitle(args.title or '')
    if not args.out:
        plt.show()
        return
    kind = Path(args.out).suffix[1:]
    if kind not in figure.canvas.get_supported_filetypes():
        raise ValueError(
            f'--out {args.out}: give a name that ends in .png, .pdf or .svg'
        )
    with atomic_path(args.out) as partial:
        figure.savefig(partial, format=kind, dpi=150)
    print(f'{len(curves)} curves in {args.out}')


def epoch_times(
    rows: List[dict], key: str, include_outliers: bool
) -> Iterator[Tuple[int, float]]:
    """Average seconds per iteration in each epoch.

    The key is 'time' for all, or 'data_time' for waiting for data.
    """
    epochs: Dict[int, List[float]] = {}
    for row in rows:
        if key in row:
            epochs.setdefault(row.get('epoch', 1), []).append(row[key])
    for epoch, times in epochs.items():
        if not include_outliers and len(times) > 1:
            times = times[1:]
        yield epoch, sum(times) / len(times)


def cal_train_time(args: argparse.Namespace) -> None:
    """Print the times of each log."""
    for log in args.json_logs:
        rows = read_log(log)[0]
        times = dict(epoch_times(rows, 'time', args.include_outliers))
        if not times:
            raise ValueError(
                f'{log}: no time was logged; keep '
                'default_hooks.timer in the config'
            )
        mean = sum(times.values()) / len(times)
        spread = (
            sum((time - mean) ** 2 for time in times.values()) / len(times)
        ) ** 0.5
        slowest, fastest = max(times, key=times.get), min(times, key=times.get)
        print(f'{log}: {len(times)} epochs')
        print(f'  slowest epoch {slowest}: {times[slowest]:.4f} s/iter')
        print(f'  fastest epoch {fastest}: {times[fastest]:.4f} s/iter')
        print(f'  time std over epochs: {spread:.4f}')
        print(f'  average iter time: {mean:.4f} s/iter')
        waits = dict(epoch_times(rows, 'data_time', args.include_outliers))
        if waits:
            wait = sum(waits.values()) / len(waits)
            print(f'  of it waiting for data: {wait:.4f} s/iter')


def main() -> None:
    args = parse_args()
    try:
        dict(plot_curve=plot_curve, cal_train_time=cal_train_time)[args.task](
            args
        )
    except (OSError, ValueError) as error:
        raise SystemExit(f'analyze_logs.py: {error}') from None


if __name__ == '__main__':
    main()
