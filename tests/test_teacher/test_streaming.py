"""Offline stages need little memory and report bad input."""

import json
import resource
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher import (
    HashedTextEncoder,
    Interaction,
    PseudoLabels,
    TeacherCache,
    pack_cache,
)
from clhoi_mm.teacher.offline_stages import embed_pass, pack_pass
from clhoi_mm.teacher.parsing.parse_stage import parse_raw
from clhoi_mm.teacher.store import column, external_sort, unique_texts
from clhoi_mm.teacher.store.collect import collect_answers
from clhoi_mm.teacher.store.external_sort import ExternalSort
from clhoi_mm.teacher.store.merge import read_pseudo_labels
from clhoi_mm.teacher.store.unique_texts import UniqueTexts

ENCODER = HashedTextEncoder(16)
FILES = ('manifest.json', 'knowledge.safetensors')


@pytest.fixture
def little_memory(monkeypatch):
    """Force everything to disk in many files, read in chunks."""
    add = ExternalSort.__init__
    monkeypatch.setattr(
        ExternalSort, '__init__', lambda self, folder: add(self, folder, 2000)
    )
    monkeypatch.setattr(external_sort, '_MAX_RUNS', 3)
    monkeypatch.setattr(column, '_HELD', 5)
    monkeypatch.setattr(unique_texts, '_HELD', 300)
    monkeypatch.setattr(unique_texts, '_CHUNK', 7)


def make_pseudo_labels(count):
    rng = np.random.default_rng(0)
    for i in rng.permutation(count):
        sentences = [
            f'A dog sits on bench {x}.' for x in rng.integers(50, size=i % 4)
        ]
        yield PseudoLabels(
            f'{i:05d}.jpg',
            ' '.join(sentences) or 'Nothing.',
            sentences,
            [Interaction('ride', 'bicycle', 0.5)] * (i % 3),
            bool(i % 2),
        )


@given(
    st.lists(st.tuples(st.text(max_size=2), st.integers(0, 3), st.text())),
    st.integers(1, 4),
)
def test_external_sort(tmp_path_factory, items, limit):
    order = ExternalSort(tmp_path_factory.mktemp('sort'), 70 * limit)
    for item in items:
        order.add(*item)
    found = list(order)
    assert found == sorted(items)
    names = [item[0].encode('utf-8', 'surrogatepass') for item in found]
    assert names == sorted(names)
    assert not list(order.folder.iterdir())


def test_many_sorted_runs_are_merged(tmp_path, little_memory):
    order = ExternalSort(tmp_path)
    numbers = np.random.default_rng(0).permutation(2000).tolist()
    for number in numbers:
        order.add(number, 'x' * 30)
        assert len(list(tmp_path.iterdir())) <= 3
    assert [number for number, _ in order] == sorted(numbers)


@given(st.lists(st.sampled_from(['a', 'b', '', 'Zug', '\ud800', 'é', 'dog'])))
def test_texts_are_numbered_in_order_of_appearance(tmp_path_factory, texts):
    known = {}
    ids = [known.setdefault(text, len(known)) for text in texts]
    unique = UniqueTexts(tmp_path_factory.mktemp('texts'))
    for text in texts:
        unique.add(text)
    unique.number()
    assert unique.ids.tolist() == ids and unique.count == len(known)
    assert list(unique) == list(known)


def test_packing_with_little_memory_gives_the_same_cache(
    tmp_path, vocabulary, request
):
    pack_cache(make_pseudo_labels(200), tmp_path / 'a', vocabulary, ENCODER)
    request.getfixturevalue('little_memory')
    pack_cache(make_pseudo_labels(200), tmp_path / 'b', vocabulary, ENCODER)
    for name in FILES:
        assert (tmp_path / 'a' / name).read_bytes() == (
            tmp_path / 'b' / name
        ).read_bytes()
    assert {x.name for x in (tmp_path / 'b').iterdir()} == set(FILES)
    counts = TeacherCache(tmp_path / 'b').manifest['counts']
    assert (counts['images'], counts['sentences']) == (200, 50)
    assert (counts['malformed'], counts['captions']) == (100, 50)


def test_memory_does_not_grow_with_the_images(
    tmp_path, vocabulary, monkeypatch
):
    sort = ExternalSort.__init__
    monkeypatch.setattr(
        ExternalSort,
        '__init__',
        lambda self, folder: sort(self, folder, 1 << 16),
    )
    monkeypatch.setattr(column, '_HELD', 1 << 10)
    monkeypatch.setattr(unique_texts, '_HELD', 1 << 16)
    peaks = []
    pack_cache(
        make_pseudo_labels(100), tmp_path / 'first', vocabulary, ENCODER
    )
    for count in (1000, 4000):
        tracemalloc.start()
        pack_cache(
            make_pseudo_labels(count),
            tmp_path / str(count),
            vocabulary,
            ENCODER,
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # A few bytes per image, although its labels take hundreds.
    assert peaks[1] - peaks[0] < 3000 * 100


@contextmanager
def small_disk(size):
    """Limit the file size, like a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_leaves_the_old_cache(tmp_path, vocabulary):
    folder = tmp_path / 'cache'
    pack_cache(make_pseudo_labels(20), folder, vocabulary, ENCODER)
    before = [(folder / name).read_bytes() for name in FILES]
    for size in (300, 5000):  # While collecting, and while writing the cache.
        with (
            small_disk(size),
            pytest.raises(
                OSError, match='free some space and run the same'
            ) as error,
        ):
            pack_cache(make_pseudo_labels(400), folder, vocabulary, ENCODER)
        assert str(folder) in str(error.value)
        assert [(folder / name).read_bytes() for name in FILES] == before
        assert {x.name for x in folder.iterdir()} == set(FILES)
        assert len(TeacherCache(folder, verify=True)) == 20
    pack_cache(make_pseudo_labels(400), folder, vocabulary, ENCODER)
    assert len(TeacherCache(folder)) == 400


@pytest.fixture
def answered(tmp_path):
    """Write a folder with many answers, some to repeated requests."""
    raw = tmp_path / 'raw'
    raw.mkdir()
    rng = np.random.default_rng(0)
    for kind, text in (('caption', 'A man feeds a dog.'), ('list', '[]')):
        (raw / f'{kind}.json').write_text(
            json.dumps(dict(model='m', prompt=dict(hash='new')))
        )
        for shard in range(3):
            with open(raw / f'{kind}-{shard:05d}-of-00003.jsonl', 'w') as file:
                for i in rng.integers(60, size=60):
                    row = dict(
                        image_id=f'{i}.jpg',
                        kind=kind,
                        model='m',
                        prompt_hash=['old', 'new', 'new'][i % 3],
                        text=f'{text} ' * rng.integers(1, 3),
                        finish='stop',
                        time=float(rng.integers(5)),
                        question='q',
                    )
                    file.write(json.dumps(row) + '\n')
    return tmp_path


def literal_answers(folder):
    """Return the valid answers, computed in memory."""
    best = {}
    for rank, kind in enumerate(('caption', 'list')):
        for path in sorted((folder / 'raw').glob(f'{kind}-*.jsonl')):
            for line in path.read_text().splitlines():
                row = json.loads(line)
                key = row['image_id'].encode(), rank
                if row['prompt_hash'] == 'new' and (
                    key not in best or row['time'] >= best[key]['time']
                ):
                    best[key] = row
    rows = [best[key] for key in sorted(best)]
    return [
        {name: row[name] for name in ('image_id', 'kind', 'text')}
        for row in rows
    ]


def test_collection_equals_the_in_memory_result(answered, request):
    expected = literal_answers(answered)
    assert len(expected) == 76
    whole = collect_answers(answered).read_text()
    assert [json.loads(line) for line in whole.splitlines()] == expected
    request.getfixturevalue('little_memory')
    assert collect_answers(answered).read_text() == whole
    assert sorted(x.name for x in answered.iterdir()) == [
        'answers.jsonl',
        'raw',
    ]


def test_full_disk_in_every_stage(answered, vocabulary):
    """Each stage keeps the existing files and can be resumed."""
    encoder = dict(type='HashedTextEncoder', dim=64)
    answers = answered / 'answers.jsonl'
    stages = [
        ('answers.jsonl', lambda: collect_answers(answered)),
        ('parsed.jsonl', lambda: parse_raw(
            answers, vocabulary, answered / 'parsed.jsonl', progress=False)),
        ('embeddings', lambda: embed_pass(
            answered, vocabulary, encoder, 'parsed.jsonl', False)),
        ('knowledge.safetensors', lambda: pack_pass(
            answered, vocabulary, encoder, 'parsed.jsonl', False))
    ]  # fmt: skip
    for name, stage in stages:
        with small_disk(250), pytest.raises(OSError, match='free some space'):
            stage()
        left = {x.name for x in answered.rglob('*') if x.is_file()}
        assert name not in left and not any('.tmp' in x for x in left)
        stage()
    assert len(TeacherCache(answered, vocabulary)) == 40


def test_damaged_parsed_folder_is_an_error(answered, vocabulary):
    answers = collect_answers(answered)
    parsed = answered / 'parsed.jsonl'
    parse_raw(answers, vocabulary, parsed, progress=False)
    lines = parsed.read_text().splitlines(keepends=True)
    for wrong, message in (
        ([lines[1], lines[0], *lines[2:]], 'sorted'),
        ([*lines, lines[0]], 'sorted'),
        ([*lines[:2], lines[2][:9]], 'line 3: damaged'),
        (['{}\n'], 'line 1: damaged'),
    ):
        parsed.write_text(''.join(wrong))
        with pytest.raises(ValueError, match=message) as error:
            list(read_pseudo_labels(answers, parsed))
        assert 'parsed.jsonl' in str(error.value)
        assert 'run the stage parse again' in str(error.value)
    answers.write_text(answers.read_text()[:-20])
    parsed.write_text(''.join(lines))
    with pytest.raises(ValueError, match='answers.jsonl, line 76: damaged'):
        list(read_pseudo_labels(answers, parsed))


def test_damaged_parquet_is_an_error(answered, vocabulary):
    pytest.importorskip('pyarrow')
    answers = collect_answers(answered)
    parsed = answered / 'parsed.parquet'
    parse_raw(answers, vocabulary, parsed, progress=False)
    assert len(list(read_pseudo_labels(answers, parsed))) == 40
    parsed.write_bytes(parsed.read_bytes()[:-8])
    with pytest.raises(ValueError, match='parsed.parquet: damaged'):
        list(read_pseudo_labels(answers, parsed))
