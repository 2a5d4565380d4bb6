"""Test a detector: print metrics, save results, draw pictures."""

import argparse
import os
import os.path as osp

from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import Runner

from clhoi_mm.allocator import configure_glibc_malloc
from clhoi_mm.config_file import (
    add_cfg_options,
    check_checkpoint,
    read_config,
    say_errors,
)
from clhoi_mm.threads import warn_of_busy_cores
from clhoi_mm.utils.errors import InputError


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='path of the config')
    parser.add_argument('checkpoint', help='path of the checkpoint')
    parser.add_argument('--work-dir', help='folder for logs')
    parser.add_argument(
        '--eval',
        nargs='+',
        metavar='NAME',
        help='metrics to print, such as mAP; an unknown name lists all',
    )
    parser.add_argument(
        '--out',
        help='file for the detections: .json, or .npz, which '
        'tools/analysis_tools/eval_predictions.py evaluates',
    )
    parser.add_argument('--show-dir', help='folder for pictures')
    parser.add_argument(
        '--show-interval',
        type=int,
        default=20,
        help='draw every n-th image (default 20)',
    )
    parser.add_argument(
        '--show-score-thr',
        type=float,
        default=0.3,
        help='minimum score of drawn interactions (default 0.3)',
    )
    parser.add_argument(
        '--fast',
        action='store_true',
        help="the detector's backbone in bfloat16: faster, not equal, see "
        'docs/speed.md',
    )
    add_cfg_options(parser)
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def known_names(cfg: Config) -> dict[str, tuple[str, ...]]:
    """Map names accepted by --eval to metrics of the config."""
    from clhoi_mm.registry import METRICS

    init_default_scope(cfg.get('default_scope', 'clhoi_mm'))
    evaluators = cfg.test_evaluator
    names = {}
    for evaluator in (
        evaluators if isinstance(evaluators, list) else [evaluators]
    ):
        names.update(getattr(METRICS.get(evaluator.type), 'eval_names', {}))
    return names


def print_metrics(metrics: dict, metric_names: list[str]) -> None:
    """Print the selected metrics, in percent."""
    by_name = {key.split('/')[-1]: value for key, value in metrics.items()}
    metric_names = [name for name in metric_names if name in by_name]
    width = max(map(len, metric_names), default=0) + 2
    for name in metric_names:
        print(f'{name:<{width}}{by_name[name]:6.2f}')


def draw(cfg: Config, args: argparse.Namespace) -> None:
    """Make the visualization hook write pictures to --show-dir."""
    hook = cfg.default_hooks.get('visualization')
    if hook is None:
        raise SystemExit(
            f'{args.config} has no default_hooks.visualization, '
            'which --show-dir needs'
        )
    hook.draw = True
    hook.interval = args.show_interval
    hook.score_thr = args.show_score_thr
    hook.test_out_dir = osp.abspath(args.show_dir)


def dump_results(runner: Runner, out_file: str) -> BaseMetric:
    """Add a metric to the evaluator that writes --out."""
    from clhoi_mm.datasets.wrappers import inner_datasets

    dataset = runner.test_dataloader.dataset
    files = {x.ann_file for x in inner_datasets(dataset)}
    if out_file.endswith('.npz') and len(files) > 1:
        raise InputError(
            f'--out {out_file}: labels of NPZ are positions in one annotation '
            f'file, but {", ".join(sorted(files))} are concatenated; give a '
            'name that ends in .json'
        )
    evaluator = runner.build_evaluator(
        dict(type='DumpHOIResults', out_file=out_file, ann_file=files.pop())
    )
    evaluator.dataset_meta = dataset.metainfo
    return evaluator.metrics[0]


def main() -> None:
    args = parse_args()
    configure_glibc_malloc()
    warn_of_busy_cores()
    from clhoi_mm.engine import AccelerateHook

    cfg = read_config(args.config, args.cfg_options)
    check_checkpoint(args.checkpoint)
    cfg.launcher = args.launcher
    name = osp.splitext(osp.basename(args.config))[0]
    cfg.work_dir = (
        args.work_dir or cfg.get('work_dir') or osp.join('work_dirs', name)
    )
    cfg.load_from = args.checkpoint
    metric_names = known_names(cfg) if args.eval else {}
    unknown = [name for name in args.eval or [] if name not in metric_names]
    if unknown:
        # Fail before hours of testing.
        raise SystemExit(
            f'--eval {" ".join(unknown)}: unknown; this config '
            f'has {", ".join(metric_names)}'
        )
    if args.out and not args.out.endswith(('.json', '.npz')):
        raise SystemExit(
            f'--out {args.out}: detections are written as JSON '
            'or NPZ; give a name that ends in .json or .npz'
        )
    if args.show_dir:
        draw(cfg, args)
    runner = (
        RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    )
    runner.register_hook(AccelerateHook(args.fast))
    if args.out:
        runner.test_evaluator.metrics.append(dump_results(runner, args.out))
    metrics = runner.test()
    if args.eval:
        print_metrics(
            metrics,
            [
                name
                for selected in args.eval
                for name in metric_names[selected]
            ],
        )
    unreadable = getattr(runner.test_loop, 'unreadable', ())
    if unreadable:
        raise SystemExit(
            f'test.py: {len(unreadable)} images could not be read: '
            'they have no predictions, and metrics count them'
        )


if __name__ == '__main__':
    with say_errors('test.py'):
        main()
