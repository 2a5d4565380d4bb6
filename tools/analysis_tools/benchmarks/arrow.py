"""Comparison of the teacher's cache with Arrow IPC files."""

import mmap
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np

from clhoi_mm.teacher import TeacherCache
from clhoi_mm.teacher.store.cache_format import TENSORS
from clhoi_mm.utils.tensor_file import view_tensors

COLUMNS = dict(
    sentence_ids='sentence_offsets',
    labels='interaction_offsets',
    scores='interaction_offsets',
)


def write_arrow(folder: Path) -> None:
    """Write the cache's tables and embeddings as memory-mappable IPC files.

    Args:
        folder (Path): Folder of the cache; gets ``images.arrow``,
            ``sentences.arrow`` and ``phrases.arrow``.
    """
    import pyarrow as pa

    with open(folder / TENSORS, 'rb') as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    data, _ = view_tensors(content)
    columns: Dict[str, Any] = {}
    for name, offsets in COLUMNS.items():
        values = pa.array(data[name].reshape(-1))
        if data[name].ndim == 2:
            width = data[name].shape[1]
            values = pa.FixedSizeListArray.from_arrays(values, width)
        columns[name] = pa.ListArray.from_arrays(
            pa.array(data[offsets].astype(np.int32)), values
        )
    tables = dict(images=columns)
    for name in ('sentence', 'phrase'):
        embeds = data[f'{name}_embeds']
        rows = pa.FixedSizeListArray.from_arrays(
            pa.array(embeds.reshape(-1)), embeds.shape[1]
        )
        tables[f'{name}s'] = dict(embeds=rows)
    for name, arrays in tables.items():
        table = pa.table(arrays)
        with pa.ipc.new_file(folder / f'{name}.arrow', table.schema) as out:
            out.write_table(table)


class ArrowCache:
    """Reader of :func:`write_arrow`'s files by an image's row.

    Args:
        folder (Path): Their folder.
    """

    def __init__(self, folder: Path) -> None:
        import pyarrow as pa

        def column(file: str, name: str) -> Any:
            source = pa.memory_map(str(folder / f'{file}.arrow'))
            table = pa.ipc.open_file(source).read_all()
            return table.column(name).chunk(0)

        self.columns = {name: column('images', name) for name in COLUMNS}
        self.embeds = {
            name: column(name, 'embeds') for name in ('sentences', 'phrases')
        }

    def get(self, row: int) -> Dict[str, np.ndarray]:
        """Read labels, scores and embeddings of an image."""
        labels = self.columns['labels'][row].values
        verbs, objects, hois, phrase_ids = (
            labels.flatten().to_numpy().reshape(-1, 4).T.astype(np.int64, 'C')
        )
        ids = self.columns['sentence_ids'][row].values
        return dict(
            sentence_embeds=self._take('sentences', ids),
            verb_labels=verbs,
            obj_labels=objects,
            hoi_labels=hois,
            phrase_ids=phrase_ids,
            phrase_embeds=self._take('phrases', phrase_ids),
            scores=self.columns['scores'][row].values.to_numpy().copy(),
        )

    def _take(self, name: str, ids: Any) -> np.ndarray:
        """Gather rows of embeddings, (n, d) float32."""
        embeds = self.embeds[name]
        rows = embeds.take(ids).flatten().to_numpy(zero_copy_only=False)
        return rows.astype(np.float32).reshape(len(ids), -1)


def time_reads(read: Callable, wanted: List[Any]) -> str:
    """Describe the time of random reads in microseconds."""
    times = []
    for each in wanted:
        start = time.perf_counter()
        read(each)
        times.append(time.perf_counter() - start)
    median, high = 1e6 * np.percentile(times, (50, 99))
    return f'{median:.1f} us, 99 % below {high:.1f} us'


def time_opening(kind: Callable, folder: Path, first: Any) -> str:
    """Describe the median time of opening and one read."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        kind(folder).get(first)
        times.append(time.perf_counter() - start)
    return f'opening and one read {np.median(times):.4f} s'


def compare_with_arrow(folder: Path, reads: int) -> None:
    """Print times of both formats, measured in this process.

    The cache finds an image by its key; Arrow has no index and is given the
    row. Both return the same arrays.

    Args:
        folder (Path): Folder of the cache.
        reads (int): Number of random reads.
    """
    write_arrow(folder)
    cache, arrow = TeacherCache(folder), ArrowCache(folder)
    keys = list(cache.keys())
    rows = np.random.default_rng(0).integers(len(keys), size=reads).tolist()
    for row in rows[:100]:
        own = cache.get(keys[row])
        for name, values in arrow.get(row).items():
            np.testing.assert_array_equal(own[name], values, name)
    for title, reader, kind, wanted in (
        ('cache, by key', cache, TeacherCache, [keys[row] for row in rows]),
        ('Arrow IPC, by row', arrow, ArrowCache, rows),
    ):
        # Load pages that the other format has not read yet.
        time_reads(reader.get, wanted)
        print(
            f'{title:24} random read: median {time_reads(reader.get, wanted)}'
            f'; {time_opening(kind, folder, wanted[0])}',
            flush=True,
        )
