"""Timing of another revision's model beside this one for benchmark.py.

The other revision's package, configs and benchmark are written to a temporary
folder and renamed, so that both run in one process, each with modules and
registries of its own.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
from importlib import import_module
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Dict, List, NamedTuple

import torch

from benchmarks import parts, setup

ROOT = Path(__file__).resolve().parents[3]
TOOLS = 'tools/analysis_tools'
# Packages of both revisions, and a name that both register in mmdet.
SHARED = re.compile(r'\b(clhoi_mm|benchmarks|tracked_hbox)\b')

COLUMNS = (
    'pairs',
    'batch',
    'beside_ms',
    'hoi_ms',
    'ratio',
    'beside_median_ms',
    'hoi_median_ms',
    'median_ratio',
)


class Benchmark(NamedTuple):
    """A revision's modules of this benchmark."""

    parts: ModuleType
    setup: ModuleType


def write_revision(revision: str, folder: Path) -> None:
    """Write a revision's package, configs and benchmark, renamed.

    Args:
        revision (str): A commit, tag or branch of this repository.
        folder (Path): Receives them.

    Raises:
        SystemExit: If git does not find the revision.
    """
    command = ['git', 'archive', revision, 'clhoi_mm', 'configs', TOOLS]
    archive = subprocess.run(command, cwd=ROOT, capture_output=True)
    if archive.returncode:
        raise SystemExit(
            f'--beside {revision}: {archive.stderr.decode().strip()}'
        )
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter='data')
    for path in folder.rglob('*.py'):
        path.write_text(SHARED.sub(r'\1_beside', path.read_text()))
    for path in (folder / 'clhoi_mm', folder / TOOLS / 'benchmarks'):
        if path.exists():
            path.rename(path.with_name(f'{path.name}_beside'))


def import_revision(folder: Path) -> Benchmark:
    """Import the benchmark that :func:`write_revision` wrote."""
    sys.path[:0] = [str(folder), str(folder / TOOLS)]
    # One file each until the benchmarks became a package.
    is_package = (folder / TOOLS / 'benchmarks_beside').exists()
    prefix = 'benchmarks_beside.' if is_package else 'benchmark_'
    return Benchmark(
        import_module(f'{prefix}parts'), import_module(f'{prefix}setup')
    )


def build_parts(
    benchmark: Benchmark,
    args: argparse.Namespace,
    batch: int,
    config: str,
    options: dict,
) -> parts.Parts:
    """Build a model and its steps with a revision's own benchmark."""
    cfg = benchmark.parts.read_config(config, options)
    model = benchmark.setup.build_model(cfg, args.device)
    scenes = benchmark.setup.Scenes(model, *args.size)
    return benchmark.parts.Parts(args, batch, model, scenes)


@torch.no_grad()
def measure(args: argparse.Namespace) -> List[dict]:
    """Measure everything after the detector, the revisions taking turns.

    Both get the same drawn detections, and feature maps of equal shapes.

    Args:
        args (argparse.Namespace): Arguments of benchmark.py.
    """
    config = Path(args.config).resolve()
    if not config.is_relative_to(ROOT):
        raise SystemExit('--beside needs a config of this repository')
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_revision(args.beside, Path(folder))
        config = Path(folder, config.relative_to(ROOT))
        if not config.exists():
            raise SystemExit(f'--beside {args.beside} has no {args.config}')
        other = import_revision(Path(folder))
        for batch in args.batch:
            models = dict(
                beside=build_parts(other, args, batch, str(config), {}),
                hoi=build_parts(
                    Benchmark(parts, setup),
                    args,
                    batch,
                    args.config,
                    args.cfg_options,
                ),
            )
            for pairs in args.pairs:
                times = _alternate(args, models, pairs)
                rows.append(
                    dict(pairs=pairs, batch=batch, **_summarize(times, batch))
                )
    return rows


def _alternate(
    args: argparse.Namespace, models: Dict[str, parts.Parts], pairs: int
) -> Dict[str, List[float]]:
    """Time the models in turn, each first in every other round."""
    watch = parts.Stopwatch(args.device, args.clock, best=True)
    names = list(models)
    for name in names:
        models[name].draw(pairs)
        parts.check_pairs(models[name], pairs)
        models[name].hoi()
    for _ in range(args.repeat):
        names.reverse()
        for name in names:
            watch(name, models[name].hoi)
    return watch.times


def _summarize(times: Dict[str, List[float]], batch: int) -> Dict[str, float]:
    """Compute minima, medians and their ratios, in ms per image."""
    row = {}
    for kind, choose in (('', min), ('median_', statistics.median)):
        for name in ('beside', 'hoi'):
            row[f'{name}_{kind}ms'] = 1e3 * choose(times[name]) / batch
        row[f'{kind}ratio'] = row[f'hoi_{kind}ms'] / row[f'beside_{kind}ms']
    return row
