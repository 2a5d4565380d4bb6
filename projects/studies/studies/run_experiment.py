"""Train and test one run of a study.

``projects/studies/study.py`` starts this module once for each run.
"""

import argparse
import os.path as osp
import time

from mmengine.config import Config
from mmengine.registry import RUNNERS

from clhoi_mm.allocator import configure_glibc_malloc
from clhoi_mm.config_file import read_config

from .cross_validation import CrossValidation
from .results import Results
from .study_run import StudyRun


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='path of the config')
    parser.add_argument('result', help='JSON file to write')
    parser.add_argument('--key', help='expected hash of the config')
    parser.add_argument(
        '--train', action='store_true', help='train before testing'
    )
    return parser.parse_args()


def run_test(cfg: Config, train: bool) -> dict:
    """Run without additional entries of the config."""
    runner, metrics = RUNNERS.build(cfg), {}
    if train:
        start = time.perf_counter()
        runner.train()
        metrics['train_seconds'] = time.perf_counter() - start
    metrics.update(
        (name.rsplit('/', 1)[-1], float(value))
        for name, value in runner.test().items()
    )
    model = getattr(runner, 'model', None)
    pointing = getattr(model, 'pointing', None)
    if pointing is not None:
        metrics['pointing_reliability'] = 100 * pointing.reliability.item()
    return metrics


def run_tests(cfg: Config, train: bool) -> dict:
    """Run with further tests or folds by :class:`CrossValidation`."""
    return CrossValidation(cfg, train).run()


def main() -> None:
    args = parse_args()
    configure_glibc_malloc()
    cfg = read_config(args.config)
    found = StudyRun('', 0, cfg, args.train).key
    if args.key and found != args.key:
        raise SystemExit(
            f'{args.config}: read back as another config (hash {found}, not '
            f'{args.key}); entries must be what a config file can hold'
        )
    cfg.work_dir = osp.dirname(args.config)
    cfg.experiment_name = osp.splitext(osp.basename(args.result))[0]
    start, worked = time.perf_counter(), time.process_time()
    # Default of configs/_base_/default_runtime.py.
    cfg.setdefault('runner_type', 'Runner')
    measure = run_tests if CrossValidation.KEYS & set(cfg) else run_test
    metrics = measure(cfg, args.train)
    metrics.update(
        seconds=time.perf_counter() - start,
        cpu_seconds=time.process_time() - worked,
    )
    Results.write(args.result, metrics)


if __name__ == '__main__':
    main()
