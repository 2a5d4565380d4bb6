"""Measure how UnlabeledHOIDataset opens and reads a very long list.

Temporarily writes a list of made-up paths to a folder; no image is read.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Iterator, List

import numpy as np
import torch
from torch.utils.data import DataLoader

from clhoi_mm.datasets import ArraySampler, UnlabeledHOIDataset

MB = 1 << 20
AT_ONCE = 250_000
BATCH = 64


class ReadKey:
    """Pipeline that returns the record's key and the worker's process."""

    def __call__(self, results: dict) -> dict:
        return dict(key=results['key'], process=os.getpid())


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', type=int, default=10_000_000)
    parser.add_argument(
        '--kind',
        choices=['txt', 'parquet', 'parquet-sizes'],
        default='txt',
        help='a text list, Parquet with paths, or with sizes too',
    )
    parser.add_argument(
        '--workers', type=int, default=2, help='workers of the data loader'
    )
    parser.add_argument(
        '--samples',
        type=int,
        default=50_000,
        help='samples that the workers read, shuffled',
    )
    parser.add_argument(
        '--folder', help='folder of the list (default: temporary)'
    )
    return parser.parse_args()


def names(count: int) -> Iterator[List[str]]:
    """Generate blocks of paths like those of a web crawl."""
    for start in range(0, count, AT_ONCE):
        yield [
            f'crawl/{i % 1000:03d}/{i:012d}_{i * 2654435761 % 2**32:08x}.jpg'
            for i in range(start, min(start + AT_ONCE, count))
        ]


def write_list(path: Path, count: int, sizes: bool) -> None:
    """Write the list in the format of its suffix."""
    if path.suffix == '.txt':
        with open(path, 'w') as file:
            for block in names(count):
                file.write('\n'.join(block) + '\n')
        return
    import pyarrow
    from pyarrow import parquet

    fields = [('path', pyarrow.string())]
    fields += [('width', pyarrow.int32()), ('height', pyarrow.int32())] * sizes
    rng = np.random.default_rng(0)
    schema = pyarrow.schema(fields)
    with parquet.ParquetWriter(path, schema) as writer:
        for block in names(count):
            columns = [block] + [
                rng.integers(200, 2000, len(block), np.int32)
                for _ in fields[1:]
            ]
            writer.write_table(pyarrow.table(columns, schema))


def memory(process: int, field: str = 'VmRSS') -> float:
    """Read resident memory in MB; VmHWM is its peak."""
    for line in Path(f'/proc/{process}/status').read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise OSError(f'process {process} has no {field}')


def open_list(path: Path, what: str) -> UnlabeledHOIDataset:
    """Open the data set and print time and memory."""
    # Reset the peak.
    Path('/proc/self/clear_refs').write_text('5')
    before = memory(os.getpid())
    start, used = time.perf_counter(), time.process_time()
    dataset = UnlabeledHOIDataset(
        str(path), 'mini', pipeline=[ReadKey()], seed=0
    )
    seconds, used = time.perf_counter() - start, time.process_time() - used
    print(
        f'{what}: {seconds:.2f} s ({used:.2f} s of processor time), adds '
        f'{memory(os.getpid()) - before:.0f} MB, '
        f'{memory(os.getpid(), "VmHWM") - before:.0f} MB at most'
    )
    return dataset


def read(
    dataset: UnlabeledHOIDataset, workers: int, samples: int
) -> List[float]:
    """Read shuffled samples.

    Returns:
        List[float]: Seconds to the first batch; peak memory of the main
        process and final memory of each worker, in MB.
    """
    Path('/proc/self/clear_refs').write_text('5')
    loader = DataLoader(
        dataset,
        batch_size=BATCH,
        sampler=ArraySampler(dataset, seed=0),
        num_workers=workers,
        collate_fn=list,
    )
    start, used, first = time.perf_counter(), {}, 0.0
    for number, batch in enumerate(loader, 1):
        first = first or time.perf_counter() - start
        if number > samples // BATCH - workers:
            process = batch[0]['process']
            used[process] = memory(process)
        if number == samples // BATCH:
            break
    return [first, memory(os.getpid(), 'VmHWM'), *used.values()]


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = Path(folder, 'images').with_suffix(
            '.txt' if args.kind == 'txt' else '.parquet'
        )
        write_list(path, args.images, args.kind.endswith('sizes'))
        print(
            f'{args.images} images, {path.stat().st_size / MB:.0f} MB of '
            f'{args.kind}'
        )
        # Baseline: reading without a long list.
        short = path.with_stem('short')
        write_list(short, 4 * BATCH * args.workers, False)
        before = read(
            UnlabeledHOIDataset(str(short), 'mini', pipeline=[ReadKey()]),
            args.workers,
            4 * BATCH * args.workers,
        )
        open_list(path, 'first opening')
        dataset = open_list(path, 'opening')
        index = Path(f'{path}.index')
        if index.exists():
            print(f'index: {index.stat().st_size / MB:.0f} MB on disk')
        after = read(dataset, args.workers, args.samples)
        added = np.subtract(after, before)
        print(
            f'reading {args.samples} samples in shuffled order: first '
            f'batch after {after[0]:.2f} s; adds at most {added[1]:.0f} MB '
            f'to the main process and '
            f'{" and ".join(f"{mb:.0f}" for mb in added[2:])} MB to '
            f'{args.workers} workers'
        )
