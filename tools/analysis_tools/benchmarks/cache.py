"""Generate a teacher cache of any size and measure it.

No sentence is repeated, which is the worst case for its size, and embeddings
are random. Prints disk usage, time to open and to read, and private memory of
the process, without the pages of mapped files, which processes share and the
system reclaims on demand. Then a cache of --arrow-images images is compared
with the same content in memory-mapped Arrow IPC files.
"""

import argparse
import copy
import json
import shutil
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Dict, Iterator, List

import numpy as np

from clhoi_mm.teacher import PseudoLabels, TeacherCache, pack_cache
from clhoi_mm.teacher.interaction import Interaction
from clhoi_mm.teacher.offline_stages import PARSED
from clhoi_mm.teacher.parsing.parse_stage import parse_raw
from clhoi_mm.teacher.store.cache_format import MANIFEST, TENSORS
from clhoi_mm.teacher.store.collect import collect_answers
from clhoi_mm.teacher.store.merge import read_pseudo_labels
from clhoi_mm.vocabulary import HOIVocabulary

from .arrow import compare_with_arrow


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', type=int, default=38000)
    parser.add_argument(
        '--sentences', type=int, default=4, help='per image (default 4)'
    )
    parser.add_argument(
        '--interactions', type=int, default=5, help='per image (default 5)'
    )
    parser.add_argument(
        '--dim', type=int, default=768, help='embedding width (default 768)'
    )
    parser.add_argument(
        '--whole-captions',
        action='store_true',
        help='keep embeddings of whole captions',
    )
    parser.add_argument('--vocabulary', default='hico_det')
    parser.add_argument(
        '--reads', type=int, default=20000, help='random reads to time'
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=1,
        help='workers of the DataLoader; 0 needs no torch (default 1)',
    )
    parser.add_argument(
        '--from-raw',
        action='store_true',
        help='make it from raw answers of a teacher job, and measure the '
        'stages (some milliseconds per image for parse)',
    )
    parser.add_argument(
        '--out',
        help='keep the cache in this folder (default: one in $TMPDIR, which '
        'is removed)',
    )
    parser.add_argument(
        '--arrow-images',
        type=int,
        default=1_000_000,
        help='images of the comparison with Arrow, up to 10,000,000; 0 leaves '
        'it out (default 1,000,000)',
    )
    args = parser.parse_args()
    if not 0 <= args.arrow_images <= 10_000_000:
        parser.error('--arrow-images: give 0 to 10,000,000')
    return args


class RandomTextEncoder:
    """Text encoder that returns random unit vectors."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.identity = f'RandomTextEncoder(dim={dim})'
        self._rng = np.random.default_rng(0)

    def encode(self, texts: List[str]) -> np.ndarray:
        """Return random embeddings, (n, dim) float32."""
        rows = self._rng.standard_normal((len(texts), self.dim), np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Reads:
    """Data set of median read times in microseconds.

    Args:
        cache (TeacherCache): Cache to read.
        reads (int): Reads per item.
    """

    def __init__(self, cache: TeacherCache, reads: int) -> None:
        self.cache = cache
        self.reads = reads

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Dict[str, float]:
        rng = np.random.default_rng(index)
        keys = [
            name_image(i)
            for i in rng.integers(len(self.cache), size=self.reads)
        ]
        start = time.perf_counter()
        self.cache.get(keys[0])
        first = time.perf_counter() - start
        before = memory('RssAnon')
        times = []
        for key in keys:
            start = time.perf_counter()
            self.cache.get(key)
            times.append(time.perf_counter() - start)
        p50, p99 = np.percentile(times, (50, 99))
        return dict(
            first=1e3 * first,
            median=1e6 * p50,
            p99=1e6 * p99,
            own=memory('RssAnon') - before,
            mapped=memory('RssFile'),
        )


def name_image(number: int) -> str:
    """Return an image's key."""
    return f'train2015/HICO_train2015_{number:08d}.jpg'


def make_answers(
    args: argparse.Namespace, vocabulary: HOIVocabulary
) -> Iterator[PseudoLabels]:
    """Generate pseudo-labels for each image, without repeated sentences."""
    rng = np.random.default_rng(0)
    for i in range(args.images):
        sentences = [
            f'In the middle of picture {i} a person is busy with thing {j}.'
            for j in range(args.sentences)
        ]
        hois = rng.integers(vocabulary.num_hois, size=args.interactions)
        yield PseudoLabels(
            name_image(i),
            ' '.join(sentences),
            sentences,
            [
                Interaction(
                    vocabulary.verbs[vocabulary.hoi_verbs[hoi]],
                    vocabulary.objects[vocabulary.hoi_objects[hoi]],
                    0.5,
                )
                for hoi in hois
            ],
        )


def write_raw(
    args: argparse.Namespace, vocabulary: HOIVocabulary, folder: Path
) -> None:
    """Write the content as raw answers in random order."""
    raw = folder / 'raw'
    raw.mkdir(parents=True)
    numbers = np.random.default_rng(1).permutation(args.images)
    settings = json.dumps(dict(model='random', prompt=dict(hash='0')))
    with (
        open(raw / 'caption-00000-of-00001.jsonl', 'w') as captions,
        open(raw / 'list-00000-of-00001.jsonl', 'w') as lists,
    ):
        for i, row in zip(numbers, make_answers(args, vocabulary)):
            pairs = [
                dict(verb=x.verb, object=x.object) for x in row.interactions
            ]
            for file, kind, text in (
                (captions, 'caption', row.caption),
                (lists, 'list', json.dumps(pairs)),
            ):
                answer = dict(
                    image_id=name_image(i),
                    kind=kind,
                    text=text,
                    time=float(i),
                    model='random',
                    prompt_hash='0',
                )
                file.write(json.dumps(answer) + '\n')
    for kind in ('caption', 'list'):
        (raw / f'{kind}.json').write_text(settings)


@contextmanager
def measured(what: str) -> Iterator[None]:
    """Print the block's duration and its peak of additional memory."""
    start, used = time.perf_counter(), time.process_time()
    before, peak = memory('RssAnon'), [0.0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak.append(max(peak.pop(), memory('RssAnon')))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    print(
        f'{what:24} {time.perf_counter() - start:.1f} s, of the processor '
        f'{time.process_time() - used:.1f} s; memory of its own at most '
        f'+{max(peak[0] - before, 0):.0f} MB',
        flush=True,
    )


def make(args: argparse.Namespace, folder: Path) -> None:
    """Write the cache."""
    vocabulary = HOIVocabulary.load(args.vocabulary)
    words = make_answers(args, vocabulary)
    if args.from_raw:
        write_raw(args, vocabulary, folder)
        with measured('collect'):
            answers = collect_answers(folder)
        with measured('parse'):
            parse_raw(answers, vocabulary, folder / PARSED)
        words = read_pseudo_labels(answers, folder / PARSED)
    with measured('pack'):
        pack_cache(
            words,
            folder,
            vocabulary,
            RandomTextEncoder(args.dim),
            progress=True,
            whole_captions=args.whole_captions,
        )


def compare(args: argparse.Namespace) -> None:
    """Compare a cache of narrow embeddings with Arrow."""
    if find_spec('pyarrow') is None:
        print(
            'Arrow: skipped, pyarrow is not installed: '
            "pip install 'clhoi_mm[teacher]'"
        )
        return
    args = copy.copy(args)
    args.images, args.dim, args.sentences = args.arrow_images, 64, 2
    args.from_raw = args.whole_captions = False
    print(f'{args.images} images, 2 sentences at 64 dimensions, against Arrow')
    with tempfile.TemporaryDirectory(prefix='arrow-') as folder:
        make(args, Path(folder))
        compare_with_arrow(Path(folder), args.reads)


def memory(field: str) -> float:
    """Read memory in MB: RssAnon is private, RssFile shared."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(f'{field}:'):
            return int(line.split()[1]) / 1e3
    return float('nan')


def show(where: str, item: Dict[str, float]) -> None:
    print(
        f'{where:24} median {item["median"]:.1f} us, 99 % below '
        f'{item["p99"]:.1f} us; first {item["first"]:.2f} ms; memory of its '
        f'own +{max(item["own"], 0):.1f} MB'
    )


def measure(folder: Path, reads: int, workers: int) -> None:
    size = sum((folder / name).stat().st_size for name in (MANIFEST, TENSORS))
    images = len(TeacherCache(folder))
    print(
        f'{"on disk":24} {size / 1e6:.1f} MB, {size / images:.0f} bytes an '
        'image'
    )
    own, times = memory('RssAnon'), []
    for _ in range(5):
        start = time.perf_counter()
        cache = TeacherCache(folder)
        cache.get(name_image(0))
        times.append(time.perf_counter() - start)
    print(
        f'{"opening and one read":24} median {1e3 * np.median(times):.2f} '
        f'ms; memory of its own +{max(memory("RssAnon") - own, 0):.1f} MB'
    )
    data = Reads(TeacherCache(folder), reads)
    items = [data[i] for i in range(len(data))]
    show('reads, main process', median_of(items))
    if workers:
        from torch.utils.data import DataLoader

        loader = DataLoader(
            Reads(TeacherCache(folder), reads),
            batch_size=None,
            num_workers=workers,
        )
        show(f'reads, {workers} worker(s)', median_of(list(loader)))


def median_of(items: List[Dict[str, float]]) -> Dict[str, float]:
    """Return the median of each value."""
    return {
        name: float(np.median([item[name] for item in items]))
        for name in items[0]
    }


def main() -> None:
    args = parse_args()
    folder = Path(args.out or tempfile.mkdtemp(prefix='cache-'))
    try:
        print(
            f'{args.images} images, {args.sentences} sentences of their own '
            f'at {args.dim} dimensions, {args.interactions} interactions'
        )
        make(args, folder)
        measure(folder, args.reads, args.workers)
        if args.arrow_images:
            compare(args)
    except (OSError, ValueError, ImportError) as error:
        sys.exit(f'benchmark.py cache: {error}')
    finally:
        if not args.out:
            shutil.rmtree(folder)
