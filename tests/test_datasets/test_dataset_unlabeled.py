"""Unlabeled images: supported sources and errors."""

import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmdet.datasets.samplers import AspectRatioBatchSampler
from mmengine.dataset import DefaultSampler
from PIL import Image
from pyarrow import parquet

from clhoi_mm.datasets import ArraySampler, image_index
from clhoi_mm.datasets.string_array import StringArray
from clhoi_mm.registry import DATASETS
from clhoi_mm.teacher import (
    HashedTextEncoder,
    Interaction,
    PseudoLabels,
    pack_cache,
)
from clhoi_mm.teacher.requests.images import ImageSource
from clhoi_mm.vocabulary import HOIVocabulary

NAMES = ['a.png', 'b/c.jpg', 'b/ä.png', 'd e.png']
LOAD = (
    dict(type='LoadImage', orientation='upright'),
    dict(type='PackHOIInputs'),
)


@pytest.fixture
def root(tmp_path):
    """Write two landscape and two portrait images, and another file."""
    root = tmp_path / 'images'
    for i, name in enumerate(NAMES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        size = (40 + i, 60) if i % 2 else (60, 40 + i)
        Image.new('RGB', size, (50 * i, 100, 0)).save(root / name)
    (root / 'notes.md').write_text('no image')
    return root


def open_(images, **options):
    return DATASETS.build(
        dict(
            type='UnlabeledHOIDataset',
            images=str(images),
            vocabulary='mini',
            **options,
        )
    )


def records(dataset):
    return [
        (info['key'], info['img_path'])
        for info in map(dataset.get_data_info, range(len(dataset)))
    ]


def assert_same_as_teacher_job(images, root=None):
    """Assert that keys and paths equal the teacher job's."""
    prefix = {} if root is None else dict(data_prefix=dict(img=str(root)))
    dataset = open_(images, **prefix)
    expected = [
        (image.image_id, str(image.path))
        for image in ImageSource(images, root)
    ]
    assert [
        (key, os.path.normpath(path)) for key, path in records(dataset)
    ] == expected
    return dataset


def write_parquet(file, /, **columns):
    parquet.write_table(pa.table(columns), file)
    return file


def cache_of(folder, keys):
    words = [
        PseudoLabels(
            key, 'A dog.', ['A dog.'], [Interaction('ride', 'bicycle', 0.75)]
        )
        for key in keys
    ]
    pack_cache(
        words, folder, HOIVocabulary.load('mini'), HashedTextEncoder(16)
    )
    return str(folder)


def test_image_folder(root):
    dataset = assert_same_as_teacher_job(root)
    assert [key for key, _ in records(dataset)] == [
        'a.png',
        'd e.png',
        'b/c.jpg',
        'b/ä.png',
    ]
    below = assert_same_as_teacher_job(root / 'b', root)
    assert records(below)[0] == ('b/c.jpg', str(root / 'b' / 'c.jpg'))
    with pytest.raises(ValueError, match='not inside'):
        open_(root, data_prefix=dict(img=str(root / 'b')))


def test_linked_folders_and_images(root, tmp_path):
    linked = tmp_path / 'linked'
    linked.mkdir()
    (linked / 'one').symlink_to(root / 'b')
    (linked / 'loop').symlink_to(linked)
    (linked / 'x.png').symlink_to(root / 'a.png')
    dataset = assert_same_as_teacher_job(linked)
    assert [key for key, _ in records(dataset)] == [
        'x.png',
        'one/c.jpg',
        'one/ä.png',
    ]


@pytest.mark.parametrize('end', ['\n', '\r\n', '\n\n', ' \n'])
def test_image_list(root, tmp_path, end):
    path = tmp_path / 'list.txt'
    path.write_bytes(end.join(NAMES).encode())
    dataset = assert_same_as_teacher_job(path, root)
    assert [key for key, _ in records(dataset)] == NAMES
    plain = tmp_path / 'plain.txt'
    plain.write_bytes(end.join(NAMES[:2]).encode() + end.encode())
    assert len(assert_same_as_teacher_job(plain, root)) == 2
    marked = tmp_path / 'marked.txt'
    marked.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())
    assert [
        key for key, _ in records(assert_same_as_teacher_job(marked, root))
    ] == NAMES


@pytest.mark.parametrize('prefix', [dict(img=''), dict()])
def test_empty_prefix_means_no_prefix(root, prefix):
    path = root / 'list.txt'
    path.write_text('\n'.join(NAMES))
    assert records(open_(path, data_prefix=prefix)) == records(open_(path))
    assert records(open_(root, data_prefix=prefix)) == records(open_(root))


def test_sizes_of_damaged_images(root, monkeypatch):
    dataset = open_(root)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1)
    info = dataset.get_data_info(0)
    assert (info['width'], info['height']) == (1, 1)


@given(text=st.text('aä\r\n \t/\ufeff', max_size=40), block=st.integers(1, 20))
def test_image_lists_in_any_format(tmp_path_factory, text, block):
    path = tmp_path_factory.mktemp('any') / 'list.txt'
    path.write_bytes(text.encode())
    expected = [image.image_id for image in ImageSource(path)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('clhoi_mm.datasets.image_blocks._BLOCK_BYTES', block)
        if not expected:
            with pytest.raises(ValueError, match='no image in it'):
                open_(path)
        elif len(set(expected)) < len(expected):
            with pytest.raises(ValueError, match='occurs twice'):
                open_(path)
        else:
            assert [key for key, _ in records(open_(path))] == expected


def test_parquet_file(root, tmp_path):
    path = write_parquet(tmp_path / 'list.parquet', path=NAMES)
    assert_same_as_teacher_job(path, root)
    write_parquet(
        path,
        file_name=pa.array(NAMES).dictionary_encode(),
        key=['w', 'x', 'y', 'z'],
        width=[60, 41, None, 43],
        height=pa.array([40, 60, None, 60], pa.int64()),
    )
    dataset = assert_same_as_teacher_job(path, root)
    sizes = [
        (info['width'], info['height'])
        for info in map(dataset.get_data_info, range(4))
    ]
    assert sizes == [(60, 40), (41, 60), (60, 42), (43, 60)]
    # The third is read from its header; the others are not opened.
    (root / NAMES[0]).unlink()
    assert dataset.get_data_info(0)['width'] == 60


def _only_one(batch):
    return batch[0]


def test_samples_and_workers(root, tmp_path):
    dataset = open_(root, pipeline=LOAD)
    for copy in (dataset, pickle.loads(pickle.dumps(dataset))):
        sample = copy[2]['data_samples']
        assert sample.key == 'b/c.jpg' and sample.ori_shape == (60, 41)
        assert 'gt_hois' not in sample
    loader = torch.utils.data.DataLoader(
        dataset, num_workers=2, collate_fn=_only_one
    )
    keys = [sample['data_samples'].key for sample in loader]
    assert keys == [key for key, _ in records(dataset)]


def test_batches_by_aspect_ratio(root):
    Image.new('RGB', (60, 30)).save(root / 'z.jpg', exif=_turned())
    dataset = open_(root)
    batches = AspectRatioBatchSampler(ArraySampler(dataset, shuffle=False), 2)
    kinds = [
        [
            info['width'] < info['height']
            for info in map(dataset.get_data_info, batch)
        ]
        for batch in batches
    ]
    assert all(len(set(kind)) == 1 for kind in kinds[:2])
    turned = dataset.get_data_info(2)
    assert turned['key'] == 'z.jpg' and turned['width'] == 30


def _turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def test_subsets(root):
    dataset = open_(root)
    keys = [key for key, _ in records(dataset)]
    assert [k for k, _ in records(open_(root, indices=2))] == keys[:2]
    assert [k for k, _ in records(open_(root, indices=[3, 0]))] == [
        keys[3],
        keys[0],
    ]
    assert [k for k, _ in records(dataset.get_subset([1, 2]))] == keys[1:3]
    assert dataset.get_data_info(-1)['key'] == keys[-1]
    with pytest.raises(IndexError):
        dataset.get_data_info(4)


def test_images_without_answers_are_dropped(root, tmp_path):
    cache = cache_of(tmp_path / 'cache', ['b/c.jpg', 'other.png', 'a.png'])
    steps = (LOAD[0], dict(type='LoadTeacherKnowledge', cache=cache), LOAD[1])
    words = dict(filter_cfg=dict(without_answer=cache), pipeline=steps)
    dataset = open_(root, **words)
    assert [key for key, _ in records(dataset)] == ['a.png', 'b/c.jpg']
    assert dataset[1]['data_samples'].teacher.valid is True
    assert len(open_(root, test_mode=True, **words)) == 4
    with pytest.raises(KeyError) as error:
        open_(root, pipeline=steps)[1]
    for part in ('"d e.png" is not in', "like 'a.png'", 'without_answer'):
        assert part in error.value.args[0]
    # The cache has keys relative to another folder.
    with pytest.raises(ValueError) as error:
        open_(root / 'b', **words)
    for part in ("'c.jpg'", "'a.png'", 'data_prefix', cache):
        assert part in str(error.value)


def test_index_of_a_long_list(root, tmp_path, monkeypatch):
    monkeypatch.setattr(image_index, 'INDEX_FROM', 4)
    path = tmp_path / 'list.txt'
    path.write_text('\n'.join(NAMES[:3]))
    assert_same_as_teacher_job(path, root)
    index = Path(f'{path}.index')
    assert not index.exists()
    path.write_text('\n'.join(NAMES))
    dataset = assert_same_as_teacher_job(path, root)
    made = index.stat()
    copy = pickle.loads(pickle.dumps(dataset))
    assert records(copy) == records(dataset)
    assert_same_as_teacher_job(path, root)
    assert index.stat().st_ino == made.st_ino, 'made although it was there'
    path.write_text('\n'.join(NAMES[::-1]))
    assert records(assert_same_as_teacher_job(path, root))[0][0] == NAMES[-1]
    assert index.stat().st_ino != made.st_ino
    index.write_bytes(index.read_bytes()[:-8])
    with pytest.raises(ValueError, match='index: no readable .* delete it'):
        open_(path)
    assert {entry.name for entry in tmp_path.iterdir()} == {
        'images',
        'list.txt',
        'list.txt.index',
    }


def test_index_of_a_folder(root, tmp_path, monkeypatch):
    index = tmp_path / 'somewhere' / 'else'
    dataset = open_(root, index=str(index))
    assert dataset.data_list.table._source == str(index)
    before = records(dataset)
    assert records(open_(root, index=str(index))) == before
    Image.new('RGB', (9, 9)).save(root / 'b' / 'new.webp')
    assert len(open_(root, index=str(index))) == 5
    (root / 'a.png').unlink()
    assert len(open_(root, index=str(index))) == 4
    deeper = open_(root, index=str(index), data_prefix=dict(img=str(tmp_path)))
    assert records(deeper)[0][0] == 'images/d e.png'
    monkeypatch.setattr('tempfile.mkstemp', _no_space)
    with pytest.raises(OSError, match='index=PATH'):
        open_(root, index=str(index))


def _no_space(*args, **kwargs):
    raise OSError(28, 'No space left on device')


@pytest.mark.parametrize(
    'columns, parts',
    [
        (dict(name=['a.png']), ('"path"', 'no such column', 'name')),
        (dict(path=[1]), ('"path"', 'int64', 'text')),
        (dict(path=['a.png'], key=[3]), ('"key"', 'int64')),
        (dict(path=['a.png', None]), ('row 2', '"path"', 'null')),
        (dict(path=['a.png', '']), ('row 2', '"path"', 'empty')),
        (dict(path=['a.png'], width=[3]), ('"width"', '"height"')),
        (
            dict(path=['a.png'], width=['3'], height=[3]),
            ('"width"', 'numbers'),
        ),
        (dict(path=['a.png'], width=[3], height=[-3]), ('row 1', '"height"')),
        (dict(path=['a.png', 'a.png']), ('images 1 and 2', '"path"', 'twice')),
        (dict(path=['a.png', 'b.png'], key=['k', 'k']), ('"key"', "'k'")),
        (dict(path=pa.array([], pa.string())), ('no image in it',)),
    ],
)
def test_bad_parquet_files(tmp_path, columns, parts):
    path = write_parquet(tmp_path / 'list.parquet', **columns)
    with pytest.raises(ValueError) as error:
        open_(path)
    for part in (str(path), *parts):
        assert part in str(error.value)


def test_bad_lists(root, tmp_path):
    path = tmp_path / 'list.txt'
    for content, parts in (
        (b'', ['no image in it']),
        (b'a\nb\n\nb\n', ['images 2 and 3', "'b'"]),
        (b'a\n\nb\n\xff.png', ['line 4', 'UTF-8']),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError) as error:
            open_(path)
        for part in (str(path), *parts):
            assert part in str(error.value)
    (tmp_path / 'x.parquet').write_bytes(b'PAR1 no more')
    for name, match in (
        ('x.parquet', 'no readable Parquet'),
        ('images/notes.md', '.txt or .parquet'),
    ):
        with pytest.raises(ValueError, match=match):
            open_(tmp_path / name)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='empty: there is no image in it'):
        open_(tmp_path / 'empty')
    with pytest.raises(FileNotFoundError, match='no such folder or list'):
        open_(tmp_path / 'none.txt')
    with pytest.raises(ValueError, match="'error' or 'skip'"):
        open_(root, bad_images='ignore')
    with pytest.raises(ValueError, match='min_sizes'):
        open_(root, filter_cfg=dict(min_sizes=3))


@pytest.mark.parametrize('kind', ['missing', 'cut', 'empty', 'text'])
def test_bad_images(root, tmp_path, kind, caplog):
    path = tmp_path / 'list.txt'
    path.write_text('a.png\nbad.png\n')
    bad = root / 'bad.png'
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    whole = cv2.imencode('.png', noise)[1].tobytes()
    content = dict(cut=whole[:-900], empty=b'', text=b'no image')
    if kind != 'missing':
        bad.write_bytes(content[kind])
    options = dict(pipeline=LOAD, data_prefix=dict(img=str(root)))
    for test_mode in (False, True):
        dataset = open_(
            path, test_mode=test_mode, bad_images='error', **options
        )
        with pytest.raises((FileNotFoundError, ValueError)) as error:
            dataset[1]
        for part in (
            str(bad),
            str(path),
            'No image' if kind == 'missing' else 'no image can be decoded',
        ):
            assert part in str(error.value)
        assert dataset[0]['data_samples'].key == 'a.png'
        dataset.get_data_info(1)
    with pytest.raises((FileNotFoundError, ValueError)):
        open_(path, **options)[1]
    dataset = open_(path, bad_images='skip', **options)
    assert dataset[1]['data_samples'].key == 'a.png'
    assert dataset.num_skipped >= 1
    for bad_images in (None, 'skip'):
        dataset = open_(path, bad_images=bad_images, test_mode=True, **options)
        sample = dataset[1]['data_samples']
        assert sample.key == 'bad.png' and str(bad) in sample.unreadable
        assert 'unreadable' not in dataset[0]['data_samples']


@given(rows=st.lists(st.binary(max_size=20), min_size=1))
def test_equal_texts_have_equal_hashes(rows):
    table = StringArray.of(rows)
    assert [table.row(i) for i in range(len(rows))] == rows
    assert len(set(table.hashes().tolist())) == len(set(rows))
    # Independent of the offset within the buffer.
    moved = StringArray.of([b'xyz', *rows]).hashes()[1:]
    assert (moved == table.hashes()).all()


@pytest.mark.parametrize('size', [1, 5, 70001])
@pytest.mark.parametrize('shuffle', [True, False])
def test_array_sampler_keeps_the_order(size, shuffle, monkeypatch):
    for rank, world, round_up in ((0, 1, True), (1, 3, True), (2, 3, False)):
        monkeypatch.setattr(
            'mmengine.dataset.sampler.get_dist_info',
            lambda found=(rank, world): found,
        )
        ours, theirs = (
            kind(range(size), shuffle=shuffle, seed=3, round_up=round_up)
            for kind in (ArraySampler, DefaultSampler)
        )
        for epoch in (0, 1):
            ours.set_epoch(epoch)
            theirs.set_epoch(epoch)
            assert list(ours) == list(theirs)
        assert len(ours) == len(theirs)
