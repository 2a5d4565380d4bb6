"""Record and compare the results of short trainings.

`record FILE` trains and tests each case of configs/regression/cases.py for 50
to 60 iterations on one thread of the CPU, and writes losses, gradient norms
and metrics. `compare FILE` does the same, reports cases that differ by more
than 1e-5 (relative for values above 1) and then exits with code 1. Values are
sorted by size before the comparison, so that names may change; values logged
by only one of the two are reported and left out. Results of another torch,
processor, precision or number of threads are not compared.

Another order of sums alters float32 results from the last digit on;
`--double` trains in double precision, where such results still agree.
"""

import argparse
import json
import math
import os
import os.path as osp
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from itertools import zip_longest
from pathlib import Path
from typing import Iterator, Optional

# Before torch is imported.
os.environ['CUDA_VISIBLE_DEVICES'] = ''

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

from clhoi_mm.config_file import (
    ConfigOptions,
    merge_options,
    read_config,
    say_errors,
)
from clhoi_mm.models import CLHOI
from clhoi_mm.utils.errors import InputError
from clhoi_mm.utils.files import atomic_path

REPO = Path(__file__).resolve().parents[2]
CASES = REPO / 'configs/regression/cases.py'
TOLERANCE = 1e-5


class LossRecorder(Hook):
    """Record of each iteration's total loss, gradient norm, sorted rest."""

    def __init__(self) -> None:
        self.iterations: list[list[float]] = []
        self.names: set[str] = set()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        """Append the values of an iteration."""
        values = {k: torch.as_tensor(v).item() for k, v in outputs.items()}
        norm = runner.message_hub.get_scalar('train/grad_norm').current()
        self.names |= set(values)
        row = [values.pop('loss'), norm, *sorted(values.values())]
        self.iterations.append(row)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add('command', choices=['record', 'compare'])
    add('file', type=osp.abspath, help='the JSON file to write or to read')
    add('--hico-det', metavar='DIR', help='has instances_test2015.json')
    add('--photos', metavar='DIR', help='has data/ of docs/real_photos.md')
    add('--only', nargs='+', default=[''], help='prefixes of case names')
    add('--double', action='store_true', help='train in double precision')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={})
    return parser.parse_args()


def environment(double: bool) -> dict:
    """Return versions and settings that results depend on."""
    cpu = torch.backends.cpu.get_cpu_capability()
    threads = torch.get_num_threads()
    found = dict(torch=torch.__version__, cpu=cpu, threads=threads)
    return dict(found, double=True) if double else found


def read_record(path: str, double: bool) -> dict:
    """Read a record's cases; check its environment."""
    try:
        record = json.loads(Path(path).read_text())
        before, cases = record['environment'], record['cases']
    except (ValueError, KeyError, TypeError):
        raise InputError(f'{path}: no record; write one by `record`') from None
    if before != environment(double):
        raise InputError(
            f'{path}: environment: {before} when it was recorded, '
            f'{environment(double)} here; record the earlier version here'
        )
    return cases


def to_double(data: object) -> object:
    """Cast a batch's floating-point tensors to double precision."""
    if isinstance(data, BaseDataElement):
        cast = data.new()
        cast.set_data({k: to_double(v) for k, v in data.items()})
        return cast
    if isinstance(data, dict):
        return {k: to_double(v) for k, v in data.items()}
    if isinstance(data, (list, tuple)):
        return [to_double(v) for v in data]
    is_float = torch.is_tensor(data) and data.is_floating_point()
    return data.double() if is_float else data


def prepare(ground: dict, given: str, folder: str) -> str:
    """Make a ground's data if needed; return its folder."""
    for line in ground.get('prepare', []):
        values = dict(python=sys.executable, repo=REPO, given=given)
        command = [part.format(**values) for part in line.split()]
        if subprocess.run(command, cwd=folder, stdout=sys.stderr).returncode:
            raise InputError(f'{line}: failed, see above')
    return folder if 'prepare' in ground else given


@contextmanager
def double_precision(model: CLHOI) -> Iterator[None]:
    """Run a model and everything that is built in it in double precision."""
    model.init_weights()
    # The detector is compared with that of files by a hash of its weights.
    getattr(model.detector, 'identity', None)
    to_float = torch.Tensor.float
    torch.set_default_dtype(torch.float64)
    # Heads and losses ask for single precision.
    torch.Tensor.float = torch.Tensor.double
    model.double().data_preprocessor.register_forward_hook(
        lambda module, args, batch: to_double(batch)
    )
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)
        torch.Tensor.float = to_float


def run_case(cfg: Config, double: bool) -> dict:
    """Train and test a config; return values and metrics."""
    runner, recorder = RUNNERS.build(cfg), LossRecorder()
    runner.register_hook(recorder, 'LOWEST')
    with double_precision(runner.model) if double else nullcontext():
        runner.train()
        results = runner.test()
    metrics = [float(value) for value in results.values()]
    metrics.sort(key=lambda value: (math.isnan(value), value))
    return dict(
        iterations=recorder.iterations,
        metrics=metrics,
        names=sorted({*recorder.names, *results}),
    )


def run_cases(args: argparse.Namespace) -> Iterator[tuple[str, dict]]:
    """Yield the name and result of each selected case."""
    table = Config.fromfile(CASES).to_dict()
    for name, ground in table['grounds'].items():
        cases = {f'{name}/{case}': o for case, o in ground['cases'].items()}
        cases = {c: cases[c] for c in cases if c.startswith(tuple(args.only))}
        given = osp.abspath(getattr(args, name.replace('-', '_'), None) or '')
        needs = [osp.join(given, file) for file in ground.get('needs', [])]
        missing = [path for path in needs if not osp.isfile(path)]
        if cases and missing:
            print(f'{name}: skipped, no {missing[0]}; see --{name}')
        if not cases or missing:
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(prepare(ground, given, folder))
            for case, options in cases.items():
                cfg = read_config(CASES.parent / ground['config'])
                for each in (table['options'], ground['options'], options):
                    merge_options(cfg, each)
                merge_options(cfg, args.cfg_options)
                cfg.work_dir = osp.join(folder, 'work_dirs', case)
                # Runners of the same name share loggers and visualizers.
                cfg.experiment_name = cfg.visualizer.name = case
                start = time.perf_counter()
                yield case, run_case(cfg, args.double)
                seconds = f'{time.perf_counter() - start:.1f} s'
                print(f'{case}: {seconds}', flush=True)
            os.chdir(REPO)


def drop_surplus(values: list[float], others: list[float]) -> list[float]:
    """Drop the longer list's values that are farthest from others."""
    kept = list(values)
    for _ in range(len(values) - len(others)):
        kept.remove(
            max(
                kept,
                key=lambda x: min((abs(x - y) for y in others), default=0),
            )
        )
    return kept


def common_part(case: dict, other: dict) -> dict:
    """Leave out values that only one of two cases logs.

    Total loss and gradient norm come first; other values have no names.
    """
    rows = [
        row[:2] + drop_surplus(row[2:], theirs[2:])
        for row, theirs in zip(case['iterations'], other['iterations'])
    ]
    return dict(
        iterations=rows + case['iterations'][len(rows) :],
        metrics=drop_surplus(case['metrics'], other['metrics']),
    )


def describe_surplus(before: dict, after: dict) -> Optional[str]:
    """Describe the values that only one of two results has."""
    names = [set(case.get('names', ())) for case in (before, after)]
    parts = []
    for title, one, other in (
        ('additional', after, before),
        ('missing', before, after),
    ):
        pairs = [(one['metrics'], other['metrics'])]
        pairs += list(zip(one['iterations'], other['iterations']))[-1:]
        count = sum(max(len(a) - len(b), 0) for a, b in pairs)
        new = names[one is after] - names[one is before]
        if count > 0:
            known = f' ({", ".join(sorted(new))})' if all(names) else ''
            parts.append(f'{count} {title} values{known}')
    return '; '.join(parts) or None


def values_of(case: dict) -> Iterator[tuple[str, float]]:
    """Yield each value of a case with its name."""
    names = {1: 'total loss', 2: 'gradient norm'}
    for number, values in enumerate(case['iterations'], 1):
        for i, value in enumerate(values, 1):
            name = names.get(i, f'logged value {i - 2} by size')
            yield f'iteration {number}: {name}', value
    for i, value in enumerate(case['metrics'], 1):
        yield f'metric {i} by size', value


def compare(before: dict, after: dict) -> tuple[float, Optional[str]]:
    """Return the largest difference and a description."""
    largest, first = 0.0, None
    for (place, old), (other, new) in zip_longest(
        values_of(common_part(before, after)),
        values_of(common_part(after, before)),
        fillvalue=('nothing', math.nan),
    ):
        size = 0.0
        if old != new and not (math.isnan(old) and math.isnan(new)):
            size = abs(old - new) / max(1.0, abs(old), abs(new))
        if place != other or math.isnan(size):
            size = math.inf
        largest = max(largest, size)
        if size > TOLERANCE and first is None:
            first = f'{place}: {old!r}; now {other}: {new!r}'
    return largest, first


def main() -> int:
    args = parse_args()
    torch.set_num_threads(1)
    before = {}
    with say_errors('regression.py'):
        if args.command == 'compare':
            before = read_record(args.file, args.double)
        after = dict(run_cases(args))
    if not after:
        raise SystemExit('regression.py: no case was run; see --only')
    if args.command == 'record':
        record = dict(environment=environment(args.double), cases=after)
        with atomic_path(args.file) as path:
            path.write_text(json.dumps(record))
        print(f'{len(after)} cases, written to {args.file}')
        return 0
    sizes = []
    for case, result in after.items():
        size, first = math.inf, 'not in the record'
        if case in before:
            size, first = compare(before[case], result)
            surplus = describe_surplus(before[case], result)
            if surplus:
                print(f'{case}: not compared: {surplus}')
        sizes.append(size)
        print(f'{case}: largest difference {size:.3g}')
        if first:
            print(f'DIFFERENT {case}: {first}')
    largest = f'largest difference {max(sizes):.3g}'
    print(f'{len(after)} of {len(before)} recorded cases, {largest}')
    return int(max(sizes) > TOLERANCE)


if __name__ == '__main__':
    sys.exit(main())
