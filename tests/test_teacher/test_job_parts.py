"""Image sources, shards, detections, prompts and requests."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.datasets.image_blocks import read_parquet
from clhoi_mm.teacher.backends.caption_file import read_caption_files
from clhoi_mm.teacher.requests.detected_objects import read_detected_objects
from clhoi_mm.teacher.requests.images import (
    ImageEntry,
    ImageSource,
    load_image,
)
from clhoi_mm.teacher.requests.messages import LIST
from clhoi_mm.teacher.requests.prompt_file import PROMPT_DIR, PromptFile
from clhoi_mm.teacher.requests.request_builder import RequestBuilder
from clhoi_mm.teacher.requests.shards import Shard
from clhoi_mm.vocabulary import HOIVocabulary

IMAGES = [ImageEntry(key, key) for key in ('a', 'b', 'c', 'd')]


def test_image_sources_agree(tmp_path):
    root = tmp_path / 'images'
    (root / 'sub').mkdir(parents=True)
    for name in ('b.JPG', 'a.png', 'sub/c.jpeg', 'notes.txt'):
        (root / name).touch()
    names = ['a.png', 'b.JPG', 'sub/c.jpeg']
    (tmp_path / 'list.txt').write_text('\n'.join(names) + '\n\n')
    (tmp_path / 'coco.json').write_text(
        json.dumps(
            dict(
                images=[
                    dict(id=i, file_name=name) for i, name in enumerate(names)
                ]
            )
        )
    )
    expected = [(name, root / name) for name in names]
    assert list(ImageSource(root)) == expected
    for name in ('list.txt', 'coco.json'):
        source = ImageSource(tmp_path / name, root)
        assert list(source) == expected == list(source)
    parquet = pytest.importorskip('pyarrow.parquet')
    import pyarrow

    table = pyarrow.table(dict(path=names, key=['x', 'y', 'z']))
    parquet.write_table(table, tmp_path / 'list.parquet')
    assert list(ImageSource(tmp_path / 'list.parquet', root)) == [
        (key, path) for key, (_, path) in zip('xyz', expected)
    ]


def test_bad_image_sources_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match='none'):
        ImageSource(tmp_path / 'none')
    (tmp_path / 'list.csv').touch()
    with pytest.raises(ValueError, match='.txt, .parquet, .json'):
        ImageSource(tmp_path / 'list.csv')
    (tmp_path / 'x.json').write_text('[]')
    with pytest.raises(ValueError, match='x.json: no COCO file'):
        list(ImageSource(tmp_path / 'x.json'))


def test_images_are_rotated_rgb_and_downscaled(tmp_path):
    from PIL import Image

    image = Image.new('L', (40, 20))
    exif = image.getexif()
    exif[0x0112] = 6  # Rotated by 90 degrees.
    image.save(tmp_path / 'a.jpg', exif=exif)
    loaded = load_image(tmp_path / 'a.jpg')
    assert loaded.size == (20, 40) and loaded.mode == 'RGB'
    assert load_image(tmp_path / 'a.jpg', 10).size == (5, 10)
    data = (tmp_path / 'a.jpg').read_bytes()
    (tmp_path / 'cut.jpg').write_bytes(data[:-40])
    with pytest.raises(OSError):
        load_image(tmp_path / 'cut.jpg')


@given(st.lists(st.text(), min_size=1), st.integers(1, 7))
def test_each_image_is_in_one_shard(names, count):
    shards = [Shard(i, count) for i in range(count)]
    assert all(sum(x in shard for shard in shards) == 1 for x in names)


def test_shards_are_even_and_stable():
    names = [f'train/{i:06d}.jpg' for i in range(4000)]
    sizes = [sum(x in Shard(i, 4) for x in names) for i in range(4)]
    assert min(sizes) > 900
    # The same shard on another machine and day.
    assert [x in Shard(0, 4) for x in names[:8]] == [
        False,
        False,
        False,
        False,
        True,
        False,
        False,
        False,
    ]
    assert Shard.parse('3/8') == Shard(3, 8)
    for text in ('8/8', '3', '-1/4', 'a/b', '0/0'):
        with pytest.raises(ValueError, match='i/n'):
            Shard.parse(text)


def test_detected_objects(tmp_path, vocabulary):
    path = tmp_path / 'objects.jsonl'
    rows = [
        dict(image_id='a', objects=['person', 'unicorn', 'Wine Glass']),
        dict(
            image_id='b',
            objects=[
                dict(name='dog', score=0.4),
                dict(name='person', score=0.9),
                dict(name='bench', score=0.1),
            ],
        ),
    ]
    path.write_text('\n'.join(map(json.dumps, rows)) + '\n')
    assert read_detected_objects(path, vocabulary) == dict(a=(0, 4), b=(0, 2))
    halves = [
        read_detected_objects(path, vocabulary, Shard(i, 2)) for i in (0, 1)
    ]
    assert {**halves[0], **halves[1]} == dict(a=(0, 4), b=(0, 2))
    assert not set(halves[0]) & set(halves[1])
    coco = dict(
        images=[dict(id=1, file_name='a.jpg', key='k')],
        categories=[dict(id=7, name='dog')],
        annotations=[dict(image_id=1, category_id=7)],
    )
    (tmp_path / 'coco.json').write_text(json.dumps(coco))
    assert read_detected_objects(tmp_path / 'coco.json', vocabulary) == dict(
        k=(2,)
    )
    path.write_text('{"image_id": "a"}\n')
    with pytest.raises(ValueError, match='line 1'):
        read_detected_objects(path, vocabulary)
    path.write_text('{"image_id": "a", "objects": ["cow"]}\n')
    with pytest.raises(ValueError, match='none of the objects'):
        read_detected_objects(path, vocabulary)


@pytest.mark.parametrize(
    'line, reason',
    [
        ('{"image_id": "b", "obj', 'no JSON'),
        ('\udcff', 'no UTF-8'),
        ('[]', 'no object'),
        ('{"image_id": "b"}', 'no field "objects"'),
        ('{"objects": []}', 'no field "image_id"'),
        (
            '{"image_id": "b", "objects": [{"name": "dog", "score": "x"}]}',
            'field "score" is \'x\'',
        ),
    ],
)
def test_unreadable_lines_of_objects(tmp_path, vocabulary, line, reason):
    path = tmp_path / 'objects.jsonl'
    good = '{"image_id": "%s", "objects": ["person"]}'
    text = '\n'.join((good % 'a', line, good % 'c'))
    path.write_bytes(text.encode(errors='surrogateescape'))
    found = read_detected_objects(path, vocabulary)
    assert found == dict(a=(0,), c=(0,))
    (note,) = found.notes
    assert '1 of 3 lines could not be read and were skipped' in note
    assert f'{path}, line 2: {reason}' in note


def test_parquet_with_a_duplicate_column(tmp_path):
    parquet = pytest.importorskip('pyarrow.parquet')
    import pyarrow

    path = tmp_path / 'x.parquet'
    table = pyarrow.table([['a.jpg'], ['b.jpg']], names=['path', 'path'])
    parquet.write_table(table, path)
    for read in (ImageSource, read_caption_files, read_parquet):
        with pytest.raises(
            ValueError, match='2 columns are named "path"'
        ) as error:
            list(read(path))
        assert str(path) in str(error.value)


def test_list_in_another_encoding(tmp_path):
    path = tmp_path / 'list.txt'
    path.write_bytes('caf\u00e9.jpg\n'.encode('latin-1'))
    with pytest.raises(ValueError, match='list.txt: no UTF-8'):
        list(ImageSource(path))


def test_unknown_object_names_are_reported(tmp_path, vocabulary):
    path = tmp_path / 'objects.jsonl'
    rows = [
        dict(image_id='a', objects=['person', 'pony', 'pony']),
        dict(image_id='b', objects=['dog', 'man', 'pony']),
        dict(image_id='c', objects=[dict(name='cow', score=0.1)]),
    ]
    path.write_text('\n'.join(map(json.dumps, rows)))
    objects = read_detected_objects(path, vocabulary)
    assert objects.unknown == dict(pony=3, man=1)
    (note,) = objects.notes
    assert note.startswith(f'{path}: 4 detections were skipped')
    assert '2 object names' in note and 'pony (3), man (1)' in note
    assert '2 of 3 images have no "person"' in note
    path.write_text('{"image_id": "a", "objects": ["person", "dog"]}')
    assert not read_detected_objects(path, vocabulary).notes


def test_comma_separated_names(tmp_path, vocabulary):
    path = tmp_path / 'objects.jsonl'
    path.write_text('{"image_id": "a", "objects": "person, dog"}')
    assert read_detected_objects(path, vocabulary) == dict(a=(0, 2))


COCO = dict(
    images=[dict(id=1, file_name='a.jpg')],
    categories=[dict(id=7, name='dog')],
    annotations=[dict(image_id=1, category_id=7)],
)


@pytest.mark.parametrize(
    'name, data, message',
    [
        ('x.jsonl', b'{"image_id": "a", "objects": [{}]}', 'without "name"'),
        ('x.jsonl', b'{"image_id": "a", "objects": [3]}', 'holds 3, which is'),
        ('x.jsonl', b'{"image_id": "a", "objects": 3}', 'no field "objects"'),
        ('x.jsonl', b'{"objects": []}', 'no field "image_id"'),
        ('x.jsonl', b'3', 'line 1: no object'),
        ('x.jsonl', b'\xff\xfe\x01', 'line 1: no UTF-8 text'),
        ('x.jsonl', b'PK\x03\x04\xff', 'an Excel workbook .*as JSONL'),
        (
            'x.jsonl',
            b'{"image_id": "a", "objects": [{"name": "dog", "score": "x"}]}',
            'field "score" is .x.',
        ),
        ('x.json', dict(COCO, images=5), 'a list "images" is missing'),
        ('x.json', dict(COCO, categories=[3]), 'category has no field "id"'),
        ('x.json', dict(COCO, annotations=[3]), 'annotation 0: no object'),
        (
            'x.json',
            dict(COCO, annotations=[dict(image_id=1, category_id=8)]),
            'annotation 0: no field "category_id"',
        ),
        (
            'x.json',
            dict(COCO, annotations=[dict(category_id=7)]),
            'annotation 0: no field "image_id"',
        ),
    ],
)
def test_unreadable_objects_are_errors(
    tmp_path, vocabulary, name, data, message
):
    path = tmp_path / name
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as error:
        read_detected_objects(path, vocabulary)
    assert str(error.value).startswith(str(path))
    assert 'Error(' not in str(error.value)


def test_records_of_one_image_are_joined(tmp_path, vocabulary):
    path = tmp_path / 'objects.jsonl'
    rows = [
        dict(image_id='a', objects=['person']),
        dict(image_id='b', objects=['person']),
        dict(image_id='a', objects=['dog']),
    ]
    path.write_text('\n'.join(map(json.dumps, rows)))
    objects = read_detected_objects(path, vocabulary)
    assert objects == dict(a=(0, 2), b=(0,))
    assert objects.notes == [
        f'{path}: 1 images have several records, which were joined, for one '
        f'"a"'
    ]


def test_training_detections_are_read_without_torch(tmp_path, vocabulary):
    import numpy as np
    from safetensors.numpy import save_file

    path = tmp_path / 'detections.safetensors'
    tensors = dict(
        key_bytes=np.frombuffer(b'a.jpga.jpgbb.jpg', np.uint8),
        key_offsets=np.array([0, 5, 10, 16]),
        flipped=np.array([0, 1, 0], np.uint8),
        offsets=np.array([0, 2, 3, 6]),
        labels=np.array([1, 0, 1, 0, 1, 2]),
        scores=np.array([0.5, 0.9, 0.9, 0.2, 0.4, 0.6], np.float32),
        bboxes=np.arange(24, dtype=np.float32).reshape(6, 4),
        shapes=np.tile([[20, 40], [10, 20], [16, 32]], (3, 1, 1)),
        scale_factors=np.full((3, 2), 0.5, np.float32),
    )
    classes = json.dumps(['dog', 'person', 'wine glass'])
    save_file(tensors, path, dict(classes=classes))
    assert read_detected_objects(path, vocabulary) == {
        'a.jpg': (2, 0),
        'bb.jpg': (4, 0),
    }
    # Boxes are in pixels of the original image.
    row = read_detected_objects(path, vocabulary, with_boxes=True).boxes
    assert row['a.jpg'].size == (40, 20)
    assert row['a.jpg'].objects[0][::2] == ('dog', (8, 10, 12, 14))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match='cache_detections.py'):
        read_detected_objects(path, vocabulary)


def test_shipped_prompts_match_their_vocabularies():
    names = {
        name: PromptFile.load(None, HOIVocabulary.load(name)).name
        for name in ('hico_det', 'v_coco', 'mini')
    }
    assert names == dict(
        hico_det='verb_object', v_coco='verb_role', mini='verb_object'
    )


def test_prompt_hash_covers_its_section_only(tmp_path):
    text = (PROMPT_DIR / 'verb_object.txt').read_text()
    ours = PromptFile.load()
    (tmp_path / 'mine.txt').write_text(
        text.replace('version: 1', 'version: 2').replace('Does it', 'Does he')
    )
    mine = PromptFile.load(tmp_path / 'mine.txt')
    assert (mine.name, mine.version) == ('mine', 2)
    assert mine.hash('list') == ours.hash('list')
    assert mine.hash('score') != ours.hash('score')
    assert 'show a dog? Answer' in ours.fill('score', phrase='a dog')


@pytest.mark.parametrize(
    'old, new, message',
    [
        ('version: 1', '', 'version: 1'),
        ('[score]', '[points]', r'\[points\] is unknown'),
        ('$phrase', 'it', r'\[score\]: placeholders'),
        ('$phrase', '$phrase for $5', 'lone'),
        ('[list]', '', r'\[list\] is missing|placeholders'),
    ],
)
def test_bad_prompt_files_are_errors(tmp_path, old, new, message):
    text = (PROMPT_DIR / 'verb_object.txt').read_text()
    (tmp_path / 'mine.txt').write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=message) as error:
        PromptFile.load(tmp_path / 'mine.txt')
    assert 'mine.txt' in str(error.value)


def test_list_offers_the_verbs_of_detected_objects(vocabulary):
    objects = dict(a=(0, 1, 2), b=(1,), c=(0, 0), d=(0,))
    builder = RequestBuilder('list', PromptFile.load(), vocabulary, objects)
    # Without a person or an object there are no candidates.
    first, second = builder.build(IMAGES)
    assert (first.image_id, second.image_id) == ('a', 'c')
    text = first.prompt.text
    assert '- bicycle: ride, hold, sit_on\n- dog: hold, feed, hug\n' in text
    assert 'no_interaction' not in text and 'bench' not in text
    items = first.prompt.schema['properties']['interactions']['items']
    assert [x['properties']['object']['enum'] for x in items['anyOf']] == [
        ['bicycle'],
        ['dog'],
    ]
    assert items['anyOf'][0]['properties']['verb']['enum'] == [
        'ride',
        'hold',
        'sit_on',
        'other',
    ]
    # A person is an object of another person only.
    assert '- person: hug' in second.prompt.text
    assert first.prompt.kind == LIST and first.prompt.max_tokens == 512


def test_list_without_detections_offers_everything(vocabulary):
    builder = RequestBuilder('list', PromptFile.load(), vocabulary)
    requests = list(builder.build(IMAGES))
    assert len(requests) == 4
    assert len({request.prompt.digest for request in requests}) == 1
    for name in vocabulary.objects:
        assert f'- {name}: ' in requests[0].prompt.text


def test_candidates_to_score(vocabulary):
    objects = dict(a=(0, 2, 1))
    builder = RequestBuilder(
        'score', PromptFile.load(), vocabulary, objects, max_candidates=4
    )
    prompts = [q.prompt for q in builder.build(IMAGES)]
    assert [(p.verb, p.object) for p in prompts] == [
        ('hold', 'dog'),
        ('feed', 'dog'),
        ('hug', 'dog'),
        ('ride', 'bicycle'),
    ]
    assert 'Does it show a person feeding a dog?' in prompts[1].text
    assert {p.max_tokens for p in prompts} == {1}
    assert len({p.digest for p in prompts}) == 4


def test_requests_need_vocabulary_and_objects(vocabulary):
    with pytest.raises(ValueError, match='--vocab'):
        RequestBuilder('list', PromptFile.load())
    with pytest.raises(ValueError, match='--objects'):
        RequestBuilder('score', PromptFile.load(), vocabulary)
    with pytest.raises(ValueError, match='describe, list, score'):
        RequestBuilder('ask', PromptFile.load(), vocabulary)
