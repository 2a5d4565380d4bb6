"""Time a model's parts; needs neither weights nor data.

Weights are random, images noise, and detections are drawn so that an image
has the requested number of human-object pairs. Columns, in milliseconds per
image (medians, or minima with --best):

load_ms       reading a JPEG, the test pipeline and the preprocessor
detector_ms   the stock mmdet detector's own predict on the same images
own_ms        the same detector as run by the inference tools
vlt_ms        the Visual Linguistic Translator
icn_ms        forming pairs and the Interaction Cognition Network
post_ms       post-processing of scores into predictions
hoi_ms        VLT, pairs, ICN and post-processing together
image_ms      the whole predict: detector and all of these
peak_mb       peak memory of everything after the detector, in MB
              (allocations as torch's profiler sees them)

With --beside, for everything after the detector in one process, the two
revisions taking turns:

beside_ms     minimum of the other revision
hoi_ms        minimum of this one
ratio         hoi_ms over beside_ms

and the same with medians.

With --train, for a training step of interaction distillation:

detector_ms   the frozen detector's forward alone
live_ms       the whole step: detector, losses, gradients, optimizer
live_ratio    live_ms over detector_ms
cached_ms     the step with the detector's maps and detections from a file,
              including reading
speedup       live_ms over cached_ms
"""

import argparse
import json
import os
from typing import List

from clhoi_mm.allocator import configure_glibc_malloc
from clhoi_mm.config_file import ConfigOptions

ROOT = os.path.dirname(os.path.abspath(__file__ + '/../../..'))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='benchmark.py cache, evaluation, ops and unlabeled time other '
        'parts; each has its own --help.',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'config',
        nargs='?',
        default=os.path.join(ROOT, 'configs', 'clhoi_r50_hico.py'),
        help='path of the config (default: configs/clhoi_r50_hico.py)',
    )
    parser.add_argument(
        '--pairs',
        type=int,
        nargs='+',
        default=[30, 100, 400, 2000],
        help='human-object pairs per image (default: 30 100 400 2000)',
    )
    parser.add_argument(
        '--batch', type=int, nargs='+', default=[1], help='images per batch'
    )
    parser.add_argument('--device', default='cpu', help='cpu or cuda:0')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=[800, 1333],
        metavar=('HEIGHT', 'WIDTH'),
    )
    parser.add_argument('--threads', type=int, help='CPU threads of torch')
    parser.add_argument(
        '--repeat',
        type=int,
        default=10,
        help='rounds, each of all parts in turn (default 10)',
    )
    parser.add_argument(
        '--fast', action='store_true', help='the detector in bfloat16'
    )
    parser.add_argument(
        '--amp', action='store_true', help='VLT and ICN in bfloat16'
    )
    parser.add_argument(
        '--compile',
        action='store_true',
        help="torch.compile for the detector's backbone and neck",
    )
    parser.add_argument(
        '--clock',
        choices=['wall', 'cpu'],
        default='wall',
        help='cpu measures the processor time of this process, for a busy '
        'machine; with --threads 1 only',
    )
    parser.add_argument(
        '--best',
        action='store_true',
        help='minima in place of medians, for a busy machine',
    )
    parser.add_argument(
        '--default-allocator',
        action='store_true',
        help='do not configure glibc: docs/speed.md',
    )
    parser.add_argument(
        '--train',
        action='store_true',
        help='time training steps instead, live and from a cache',
    )
    parser.add_argument(
        '--beside',
        metavar='REVISION',
        help='time everything after the detector beside that of another git '
        'revision, 0273ea4 or later, in turns in this process; '
        '--cfg-options apply to this one',
    )
    parser.add_argument('--json', metavar='OUT', help='file for the rows')
    parser.add_argument('--plot', metavar='OUT', help='file for a plot')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        help='override config entries: key=value, nested by dots',
    )
    args = parser.parse_args()
    if args.clock == 'cpu' and args.threads != 1:
        parser.error(
            '--clock cpu needs --threads 1: waiting threads use '
            'processor time, too'
        )
    if min(args.pairs + args.batch + [args.repeat]) < 1:
        parser.error('--pairs, --batch and --repeat must be 1 or more')
    if args.train and args.plot:
        parser.error('--plot draws inference only; leave --train out')
    if args.beside and (args.train or args.plot):
        parser.error('--beside: leave --train and --plot out')
    return args


def draw(rows: List[dict], path: str, title: str) -> None:
    """Plot milliseconds of the parts over the number of pairs."""
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout='constrained')
    for batch in sorted({row['batch'] for row in rows}):
        rows_of_batch = sorted(
            (row for row in rows if row['batch'] == batch),
            key=lambda row: row['pairs'],
        )
        for name in (
            'detector_ms',
            'own_ms',
            'hoi_ms',
            'vlt_ms',
            'icn_ms',
            'post_ms',
        ):
            axes.plot(
                [row['pairs'] for row in rows_of_batch],
                [row[name] for row in rows_of_batch],
                marker='o',
                label=f'{name[:-3]}, batch {batch}',
            )
    axes.set(
        xscale='log',
        yscale='log',
        xlabel='pairs per image',
        ylabel='milliseconds per image',
    )
    axes.set_title(title, fontsize=7)
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=150)


def main() -> None:
    args = parse_args()
    if not args.default_allocator:
        configure_glibc_malloc()
    # Otherwise the profiler, which measures memory, logs messages.
    os.environ.setdefault('KINETO_LOG_LEVEL', '5')
    import torch

    from benchmarks.setup import describe_machine, print_table

    if args.device.startswith('cuda') and not torch.cuda.is_available():
        raise SystemExit(f'--device {args.device}: torch finds no GPU here')
    if args.threads:
        torch.set_num_threads(args.threads)
    print(describe_machine(args.device))
    if args.train:
        from benchmarks.train import COLUMNS as columns
        from benchmarks.train import measure
    elif args.beside:
        from benchmarks.beside import COLUMNS as columns
        from benchmarks.beside import measure
    else:
        from benchmarks.parts import COLUMNS as columns
        from benchmarks.parts import measure
    rows = measure(args)
    machine = describe_machine(args.device)
    print_table(rows, columns)
    if args.json:
        with open(args.json, 'w') as file:
            json.dump(rows, file, indent=1)
    if args.plot:
        draw(rows, args.plot, machine)
