"""Test a detector: print its metrics, save its results, draw pictures."""
import argparse
import os
import os.path as osp

from mmengine.config import Config, DictAction
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import Runner


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='path of the config')
    parser.add_argument('checkpoint', help='path of the checkpoint')
    parser.add_argument('--work-dir', help='folder for logs')
    parser.add_argument(
        '--eval',
        nargs='+',
        metavar='NAME',
        help='metrics to print, such as mAP; an unknown name lists all')
    parser.add_argument('--out', help='JSON file for the detections')
    parser.add_argument('--show-dir', help='folder for pictures')
    parser.add_argument(
        '--show-interval',
        type=int,
        default=20,
        help='draw every n-th image (default 20)')
    parser.add_argument(
        '--show-score-thr',
        type=float,
        default=0.3,
        help='least score of drawn interactions (default 0.3)')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override config entries: key=value, nested by dots')
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def check_names(cfg: Config, names: list[str]) -> None:
    """Fail before hours of testing rather than after."""
    from clhoi_mm.registry import METRICS
    init_default_scope(cfg.get('default_scope', 'clhoi_mm'))
    evaluators = cfg.test_evaluator
    if not isinstance(evaluators, list):
        evaluators = [evaluators]
    known = [
        name for evaluator in evaluators
        for name in getattr(METRICS.get(evaluator.type), 'eval_names', ())
    ]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f'--eval {" ".join(unknown)}: unknown; this config '
                         f'has {", ".join(known)}')


def print_metrics(metrics: dict, names: list[str]) -> None:
    """Print what was asked for: the full set, its rare and non-rare part."""
    by_name = {key.split('/')[-1]: value for key, value in metrics.items()}
    width = max(len(f'{name}_non_rare') for name in names) + 2
    for name in names:
        for suffix in ('', '_rare', '_non_rare'):
            if name + suffix in by_name:
                print(f'{name + suffix:<{width}}{by_name[name + suffix]:6.2f}')


def draw(cfg: Config, args: argparse.Namespace) -> None:
    """Let the visualisation hook write pictures to --show-dir."""
    hook = cfg.default_hooks.get('visualization')
    if hook is None:
        raise SystemExit(f'{args.config} has no default_hooks.visualization, '
                         'which --show-dir needs')
    hook.draw = True
    hook.interval = args.show_interval
    hook.score_thr = args.show_score_thr
    hook.test_out_dir = osp.abspath(args.show_dir)


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(args.config)
    cfg.launcher = args.launcher
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    name = osp.splitext(osp.basename(args.config))[0]
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or osp.join(
        'work_dirs', name)
    cfg.load_from = args.checkpoint
    if args.eval:
        check_names(cfg, args.eval)
    if args.show_dir:
        draw(cfg, args)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(
        cfg)
    if args.out:
        runner.test_evaluator.metrics.append(
            runner.build_evaluator(
                dict(type='DumpHOIResults', out_file=args.out)).metrics[0])
    metrics = runner.test()
    if args.eval:
        print_metrics(metrics, args.eval)


if __name__ == '__main__':
    main()
