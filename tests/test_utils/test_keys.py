"""Normalization of image keys in all files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.annotations.coco_file import COCOFile
from clhoi_mm.datasets.image_blocks import read_list, read_parquet
from clhoi_mm.teacher.backends.caption_file import read_caption_files
from clhoi_mm.teacher.requests.detected_objects import read_detected_objects
from clhoi_mm.teacher.requests.images import ImageSource
from clhoi_mm.teacher.store.raw_record import read_line
from clhoi_mm.utils.keys import normalize_key
from clhoi_mm.vocabulary import HOIVocabulary

KEY = 'a/1.jpg'
SPELLINGS = [
    KEY,
    './a/1.jpg',
    r'a\1.jpg',
    r'.\a\1.jpg',
    'a/./1.jpg',
    ' a/1.jpg ',
]


def coco(path, name, **more):
    box = dict(id=1, image_id=1, category_id=1, bbox=[0, 0, 5, 5])
    content = dict(
        images=[dict(id=1, file_name=name, width=9, height=9)],
        annotations=[box],
        categories=[dict(id=1, name='person')],
        **more,
    )
    path.write_text(json.dumps(content))
    return path


def read_lists(tmp_path, name):
    path = tmp_path / 'list.txt'
    path.write_text(f'{name}\n')
    (entry,) = ImageSource(path, tmp_path)
    assert entry.path == tmp_path / KEY
    (block,) = read_list(str(path))
    return [entry.image_id, block.paths.row(0).decode()]


def read_parquets(tmp_path, name):
    parquet = pytest.importorskip('pyarrow.parquet')
    import pyarrow

    path = tmp_path / 'list.parquet'
    parquet.write_table(pyarrow.table(dict(path=[name], key=[name])), path)
    (entry,) = ImageSource(path, tmp_path)
    (block,) = read_parquet(str(path))
    return [
        entry.image_id,
        block.paths.row(0).decode(),
        block.keys.row(0).decode(),
    ]


def read_coco(tmp_path, name):
    path = coco(tmp_path / 'coco.json', name)
    vocabulary = HOIVocabulary.load('hico_det')
    (image,) = COCOFile([path]).images.values()
    return [
        *(entry.image_id for entry in ImageSource(path)),
        *read_detected_objects(path, vocabulary),
        image['file_name'],
    ]


def read_lines(tmp_path, name):
    path = tmp_path / 'x.jsonl'
    row = dict(
        image_id=name, kind='list', text='x', objects=['person'], caption='x y'
    )
    path.write_text(json.dumps(row))
    simulated = dict(key=name, caption='x', answer='[]')
    return [
        *read_caption_files(path).captions,
        *read_detected_objects(path, HOIVocabulary.load('hico_det')),
        *(r.image_id for r in read_line(path.read_bytes())),
        *(r.image_id for r in read_line(json.dumps(simulated).encode())),
    ]


@pytest.mark.parametrize('name', SPELLINGS)
@pytest.mark.parametrize(
    'read', [read_lists, read_parquets, read_coco, read_lines]
)
def test_all_readers_normalize_keys(tmp_path, read, name):
    keys = read(tmp_path, name)
    assert keys and set(keys) == {KEY}


@pytest.mark.parametrize('name', SPELLINGS)
def test_annotation_files(tmp_path, name):
    content = dict(
        images=[dict(id=1, file_name=name, key=name, width=9, height=9)],
        annotations=[],
        categories=[dict(id=1, name='person')],
        verbs=['ride'],
        hoi_categories=[],
        hois=[],
    )
    path = tmp_path / 'ann.json'
    path.write_text(json.dumps(content))
    file = AnnotationFile.read(path)
    assert file.keys == [KEY] and file.images[0]['file_name'] == KEY


def test_normalized_keys_are_unchanged():
    for key in (1, None, '..', '../a.jpg', 'a..b/.c', 's3://b/a.jpg', 'A.JPG'):
        assert normalize_key(key) == key


@given(st.text(alphabet='a./\\ '))
def test_normalization_is_idempotent(key):
    once = normalize_key(key)
    assert normalize_key(once) == once
