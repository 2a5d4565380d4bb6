"""Train a detector from a config."""

import argparse
import os
import os.path as osp

from mmengine.device import get_device
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from clhoi_mm.allocator import configure_glibc_malloc
from clhoi_mm.config_file import (
    add_cfg_options,
    check_checkpoint,
    read_config,
    say_errors,
)
from clhoi_mm.threads import warn_of_busy_cores


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='path of the config')
    parser.add_argument('--work-dir', help='folder for logs and checkpoints')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='resume from a checkpoint, or from the latest in the work dir',
    )
    parser.add_argument(
        '--amp', action='store_true', help='train in mixed precision'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the batch size',
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


def main() -> None:
    args = parse_args()
    configure_glibc_malloc()
    warn_of_busy_cores()
    cfg = read_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    name = osp.splitext(osp.basename(args.config))[0]
    cfg.work_dir = (
        args.work_dir or cfg.get('work_dir') or osp.join('work_dirs', name)
    )
    if args.amp:
        if get_device() == 'cpu':
            cfg.optim_wrapper.type = 'CPUAmpOptimWrapper'
        else:
            cfg.optim_wrapper.type = 'AmpOptimWrapper'
            cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise SystemExit(
                f'{args.config} has no auto_scale_lr.'
                'base_batch_size to scale the rate from'
            )
        cfg.auto_scale_lr.enable = True
    if args.resume:
        if args.resume != 'auto':
            check_checkpoint(args.resume)
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    runner = (
        RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    )
    runner.train()


if __name__ == '__main__':
    with say_errors('train.py'):
        main()
