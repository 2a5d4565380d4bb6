"""Run a study's experiments, and print tables and plots.

Trains and tests every row with every seed, each in its own process, and keeps
the results: an interrupted study resumes, several processes may share one, and
--table prints existing results. A result is valid as long as the run's config
does not change; delete results/*.json in the work dir if data or code have
changed.

For the format of study files (configs/studies/), see class Study in
projects/studies/studies/study.py
"""

import argparse
import os.path as osp
import shlex
import signal
import subprocess
import sys
from typing import Union

from studies import (
    Results,
    RunPool,
    Study,
    StudyTable,
    draw_plot,
    paired_differences,
)
from studies.plots import missing_rows, rows_of
from tqdm import tqdm

from clhoi_mm.config_file import ConfigOptions
from clhoi_mm.utils.files import atomic_path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('study', help='a file such as configs/studies/mini.py')
    parser.add_argument('--rows', nargs='+', help='rows to run (default: all)')
    parser.add_argument(
        '--seeds', type=int, nargs='+', help="(default: the study's)"
    )
    parser.add_argument(
        '--split',
        choices=['val', 'test'],
        help="split to test on; choose settings on val (default: the study's)",
    )
    parser.add_argument(
        '--jobs',
        type=int,
        default=1,
        help='number of parallel runs; unless OMP_NUM_THREADS is set, they '
        'share the cores (default: 1)',
    )
    parser.add_argument(
        '--features',
        metavar='FILE',
        help='file of cache_detections.py --features for the config, so that '
        'runs need neither detector nor images (default: live)',
    )
    parser.add_argument(
        '--work-dir', help='(default: work_dirs/NAME_study of NAME.py)'
    )
    parser.add_argument(
        '--images',
        metavar='DIR',
        help='folder for plots, such as docs/images (default: the work dir)',
    )
    parser.add_argument(
        '--table',
        action='store_true',
        help='run nothing; print tables and plots of existing results',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        default={},
        help='override config entries for all rows',
    )
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error('--jobs: at least 1')
    return args


def run_commands(commands: Union[str, list]) -> int:
    """Run a command or several; return the exit code of the last run."""
    code = 0
    for text in [commands] if isinstance(commands, str) else commands:
        print(text, flush=True)
        command = shlex.split(text)
        if command[0] == 'python':
            command[0] = sys.executable
        code = subprocess.run(command).returncode
        if code:
            break
    return code


def prepare(study: Study, rows: list, results: Results) -> None:
    """Make missing data that runs need."""
    for each in study.to_prepare(rows):
        with results.exclusive('prepare'):
            if osp.exists(each['path']):
                continue  # made by another process meanwhile
            code = run_commands(each['command'])
        if code or not osp.exists(each['path']):
            raise ValueError(
                f'{study.path}: prepare: the command above ended with exit '
                f'code {code}, and {each["path"]} is '
                f'{"" if osp.exists(each["path"]) else "not "}there; fix '
                'the error, and run the study again'
            )


def measure(runs: list, results: Results, work_dir: str, jobs: int) -> list:
    """Execute runs without a result; return failed ones."""
    waiting = {}
    for run in runs:
        if results.find(run) is None:
            # Rows may share a config.
            waiting.setdefault(run.key, run)
    with tqdm(
        total=len(waiting),
        unit='run',
        disable=not waiting,
        mininterval=1 if sys.stderr.isatty() else 60,
    ) as bar:

        def progress(ended: int, what: str) -> None:
            bar.set_postfix_str(what, refresh=False)
            bar.update(ended)

        return RunPool(work_dir, results, jobs, bar.write).run(
            list(waiting.values()), progress
        )


def note_lost(rows: set, found: dict, table: str) -> None:
    """Name rows that cannot be compared, as predictions are missing."""
    lost = [row for row in sorted(rows) if any(found[row].values())]
    if lost:
        print(
            f'\ntable {table}: no difference for {", ".join(lost)}, whose '
            'predictions are not kept; delete their files in results/ and '
            'run the study again'
        )


def show(
    study: Study, rows: list, runs: dict, found: dict, args: argparse.Namespace
) -> None:
    """Print tables; write them and the plots to files."""
    for name, spec in study.tables.items():
        shown = set(rows) & set(spec['rows'])
        if shown:
            against, differences = spec.get('paired'), None
            if against in runs:
                compared = {row: runs[row] for row in {*shown, against}}
                differences = paired_differences(
                    args.work_dir, compared, against, spec.get('test', '')
                )
                note_lost(shown - {against, *differences}, found, name)
            table = StudyTable(study, name, found, rows, differences)
            print(f'\n{table.markdown()}')
            path = osp.join(args.work_dir, f'{name}-{study.split}.csv')
            with atomic_path(path) as partial:
                partial.write_text(table.csv())
    times = [
        result['train_seconds']
        for row in rows
        for result in found[row].values()
        if result and 'train_seconds' in result
    ]
    if times:
        print(
            f'\n{len(times)} runs, trained in {min(times):.0f} to '
            f'{max(times):.0f} s each'
        )
    for plot in study.plots:
        if not set(rows) & set(rows_of(plot)):
            continue
        missing = missing_rows(plot, found)
        if missing:
            print(f'{plot["file"]}: not drawn without {", ".join(missing)}')
            continue
        path = osp.join(args.images or args.work_dir, plot['file'])
        draw_plot(plot, found, path)
        print(f'{plot["file"]}: drawn in {path}')


def main() -> int:
    args = parse_args()
    study = Study(args.study, args.cfg_options, args.split, args.features)
    args.work_dir = args.work_dir or osp.join(
        'work_dirs', f'{study.name}_study'
    )
    rows = args.rows or list(study.rows)
    unknown = [row for row in rows if row not in study.rows]
    if unknown:
        raise ValueError(
            f'--rows {" ".join(unknown)}: {args.study} has '
            f'{", ".join(study.rows)}'
        )
    results = Results(osp.join(args.work_dir, 'results'))
    if not args.table:
        prepare(study, rows, results)
    # Rows to compare with may have existing results.
    others = {study.reference_of(row) for row in rows}
    others |= {table.get('paired') for table in study.tables.values()}
    for plot in study.plots:
        if set(rows) & set(rows_of(plot)):
            others.update(rows_of(plot))
    runs = {
        row: study.runs(row, args.seeds)
        for row in study.rows
        if row in {*rows, *others}
    }
    failed = []
    if not args.table:
        failed = measure(
            [run for row in rows for run in runs[row]],
            results,
            args.work_dir,
            args.jobs,
        )
    found = {
        row: {run.seed: results.find(run) for run in each}
        for row, each in runs.items()
    }
    missing = sum(
        result is None for row in rows for result in found[row].values()
    )
    if args.table and missing == sum(len(found[row]) for row in rows):
        raise FileNotFoundError(
            f'{results.folder}: no result of these runs; run the study '
            'without --table first'
        )
    show(study, rows, runs, found, args)
    if missing:
        print(
            f'{missing} runs have no result: '
            + (
                f'{len(failed)} failed, see above'
                if failed
                else 'run the study without --table'
            ),
            file=sys.stderr,
        )
    return 1 if failed else 0


def stop(signum, frame) -> None:
    raise KeyboardInterrupt


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, stop)
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:
        raise SystemExit(f'study.py: {error}') from None
    except KeyboardInterrupt:
        raise SystemExit(
            'study.py: interrupted; finished runs are kept, '
            'the same command resumes'
        ) from None
