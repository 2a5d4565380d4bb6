"""Time a model or another part of the package.

[CONFIG]     a model's parts, or with --train its training steps (default)
cache        a teacher's cache of any size
evaluation   HICO-DET's and V-COCO's metrics
ops          mmcv's operators: clhoi_mm.ops and compiled ones
unlabeled    opening and reading a very long list of images

Each has its own --help.
"""

import argparse
import sys
from importlib import import_module
from types import ModuleType

COMMANDS = ('cache', 'evaluation', 'ops', 'unlabeled')


def find_benchmark() -> ModuleType:
    """Import the benchmark that the arguments name."""
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        name = sys.argv.pop(1)
        sys.argv[0] += f' {name}'
        return import_module(f'benchmarks.{name}')
    return import_module('benchmarks.model')


def parse_args() -> argparse.Namespace:
    return find_benchmark().parse_args()


if __name__ == '__main__':
    find_benchmark().main()
