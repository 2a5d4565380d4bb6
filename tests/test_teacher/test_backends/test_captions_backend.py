"""Existing captions as a teacher: file formats and a run."""

import gzip
import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from clhoi_mm.annotations.values import is_empty
from clhoi_mm.teacher.backends import build_backend
from clhoi_mm.teacher.backends.caption_file import read_caption_files
from clhoi_mm.teacher.store.collect import collect_answers
from clhoi_mm.teacher.store.merge import read_pseudo_labels
from tests.caption_utils import modules, needs_captions
from tests.data_utils import REPO
from tests.tool_utils import run_command

ANNOTATE = REPO / 'tools' / 'teacher' / 'annotate.py'
KNOWN = {
    'a.jpg': ['A man rides a horse.', 'Somebody, in a hat, feeds a horse.'],
    'b.jpg': ['A woman holds a cup.'],
}
RECORDS = [(image, text) for image, texts in KNOWN.items() for text in texts]


def coco(path):
    ids = {image: number for number, image in enumerate(KNOWN, 7)}
    content = dict(
        images=[dict(id=ids[image], file_name=image) for image in KNOWN],
        annotations=[
            dict(id=i, image_id=ids[image], caption=text)
            for i, (image, text) in enumerate(RECORDS)
        ],
    )
    path.write_text(json.dumps(content))


def lines(path):
    rows = [dict(image=image, caption=text) for image, text in RECORDS]
    path.write_text('\n'.join(map(json.dumps, rows)))


def listed(path):
    rows = [dict(file_name=x, captions=texts) for x, texts in KNOWN.items()]
    path.write_text(json.dumps(rows))


def table(path):
    rows = [f'{image};"{text}"' for image, text in RECORDS]
    path.write_text('\ufeffImage;Caption\n' + '\n'.join(rows), 'utf-8')


def parquet(path):
    arrow = pytest.importorskip('pyarrow')
    from pyarrow import parquet as files

    image, caption = zip(*RECORDS)
    files.write_table(
        arrow.table(dict(image_id=image, text=caption)), str(path)
    )


FILES = dict(
    [
        ('coco.json', coco),
        ('lines.jsonl', lines),
        ('list.json', listed),
        ('table.csv', table),
        ('table.parquet', parquet),
    ]
)


def by_model(path):
    rows = [
        ('a.jpg', 'A man rides a horse.', 'one'),
        ('a.jpg', 'A man feeds a horse.', 'two'),
        ('b.jpg', 'A woman holds a cup.', 'two'),
        ('c.jpg', 'A dog.', None),
    ]
    names = ('image', 'caption', 'model')
    rows = [dict(zip(names, row)) for row in rows]
    path.write_text('\n'.join(map(json.dumps, rows)))
    return path


def captions_of(path, **options):
    backend = build_backend(dict(type='captions', captions=path, **options))
    return backend, backend._captions


def test_model_field_selects_the_captions(tmp_path):
    path = by_model(tmp_path / 'models.jsonl')
    backend, found = captions_of(path, model='two')
    assert backend.model == 'two' and not backend.notes
    assert found == {
        'a.jpg': ['A man feeds a horse.'],
        'b.jpg': ['A woman holds a cup.'],
    }
    backend, found = captions_of(path)
    assert list(map(len, found.values())) == [2, 1, 1]
    (note,) = backend.notes
    assert '2 models' in note and '"one", "two"' in note
    with pytest.raises(ValueError, match='"three".*names "one", "two"'):
        captions_of(path, model='three')
    # Without the field, the model is only a name.
    lines(tmp_path / 'lines.jsonl')
    backend, found = captions_of(tmp_path / 'lines.jsonl', model='people')
    assert backend.model == 'people' and found == KNOWN


def test_models_of_a_table(tmp_path):
    arrow = pytest.importorskip('pyarrow')
    from pyarrow import parquet as files

    rows = dict(image=['a', 'a'], caption=['x', 'y'], Model=['one', 'two'])
    files.write_table(arrow.table(rows), str(tmp_path / 'a.parquet'))
    (tmp_path / 'a.csv').write_text('image,caption,Model\na,x,one\na,y,two\n')
    for name in ('a.parquet', 'a.csv'):
        _, found = captions_of(tmp_path / name, model='two')
        assert found == {'a': ['y']}


def test_caption_number_selects_the_teacher(tmp_path):
    lines(tmp_path / 'lines.jsonl')
    backend, found = captions_of(tmp_path / 'lines.jsonl', number=1)
    assert backend.model == 'captions, caption 1'
    assert found == {image: texts[:1] for image, texts in KNOWN.items()}
    _, found = captions_of(tmp_path / 'lines.jsonl', number=2)
    assert found == {'a.jpg': KNOWN['a.jpg'][1:]}
    for number, message in (
        (3, 'no image has 3 captions; the most are 2'),
        (0, '"number" must be 1 or more, got 0'),
        ('x', "got 'x'"),
    ):
        with pytest.raises(ValueError, match=message):
            captions_of(tmp_path / 'lines.jsonl', number=number)


def test_captions_of_several_files_are_joined(tmp_path):
    """An image keeps the captions of all files, each once."""
    people, model = tmp_path / 'people.jsonl', tmp_path / 'model.csv'
    people.write_text(
        '{"image": "a.jpg", "caption": "A man rides a horse."}\n'
        '{"caption": "without image"}\n'
    )
    model.write_text(
        'image,caption\na.jpg,A horse and its rider.\n'
        'a.jpg,A man rides a horse.\nb.jpg,A dog.\n'
    )
    backend = build_backend(dict(type='captions', captions=[people, model]))
    assert backend.source == f'{people}, {model}'
    assert list(backend.keys) == ['a.jpg', 'b.jpg']
    file = read_caption_files([people, model])
    assert file.captions['a.jpg'] == [
        'A man rides a horse.',
        'A horse and its rider.',
    ]
    assert sum(file.rejected.values()) == 1
    empty = tmp_path / 'empty.csv'
    empty.write_text('image,caption\n')
    # The error is about the file without captions, not an earlier one.
    with pytest.raises(ValueError, match='empty.csv: there is no caption'):
        read_caption_files([people, empty])
    empty.write_text('image,caption\n,A dog.\n')
    with pytest.raises(ValueError, match='empty.csv, line 2: no field "image'):
        read_caption_files([people, empty])


def test_captions_of_a_model_beside_others_are_noted(tmp_path):
    people, model = tmp_path / 'people.jsonl', tmp_path / 'model.jsonl'
    people.write_text('{"image": "a", "caption": "A man rides a horse."}\n')
    model.write_text('{"image": "a", "caption": "A man.", "model": "m"}\n')
    (note,) = build_backend(
        dict(type='captions', captions=[people, model])
    ).notes
    assert '1 models and of no named one' in note and '--model' in note
    assert not build_backend(dict(type='captions', captions=model)).notes


@pytest.mark.parametrize('name', FILES)
def test_every_file_gives_the_same_captions(tmp_path, name):
    FILES[name](tmp_path / name)
    file = read_caption_files(tmp_path / name)
    assert file.captions == KNOWN and not file.notes


@pytest.mark.parametrize(
    'name, text, place, reason',
    [
        ('x.jsonl', '{"image": "c.jpg"', 'line 4', 'no JSON'),
        ('x.jsonl', '{"image": "c.jpg"}', 'line 4', 'no field "caption"'),
        ('x.jsonl', '{"caption": "A cat."}', 'line 4', 'no field "image"'),
        ('x.jsonl', '[1]', 'line 4', 'no object with "image"'),
        ('x.jsonl', '{"image": "c", "caption": "\\ud800"}', 'line 4', 'unico'),
        ('x.csv', 'c.jpg;  ', 'line 5', 'no field "caption"'),
        ('x.csv', 'c.jpg;a;b', 'line 5', 'more cells than columns'),
    ],
)
def test_bad_record_is_reported_and_skipped(
    tmp_path, name, text, place, reason
):
    path = tmp_path / name
    (table if name == 'x.csv' else lines)(path)
    with open(path, 'a', encoding='utf-8') as file:
        file.write('\n' + text)
    found = read_caption_files(path)
    assert found.captions == KNOWN
    (note,) = found.notes
    assert note.startswith('1 records are no captions and were skipped')
    assert f'{path}, {place}: ' in note and reason in note


@pytest.mark.parametrize('text', ['nan', 'NaN', 'NULL', 'None', 'N/A', 'n/a'])
def test_empty_cell_is_not_a_caption(tmp_path, text):
    path = tmp_path / 'c.csv'
    path.write_text(f'image,caption\na.jpg,A cat.\nb.jpg,{text}\n')
    file = read_caption_files(path)
    assert file.captions == {'a.jpg': ['A cat.']}
    assert 'line 3: no field "caption" that holds a text' in file.notes[0]


def test_columns_with_equal_names_are_all_captions(tmp_path):
    path = tmp_path / 'c.csv'
    path.write_text('image,caption,Caption\na.jpg,A cat.,A dog.\n')
    assert read_caption_files(path).captions == {'a.jpg': ['A cat.', 'A dog.']}
    path.write_text('image,image,caption\na.jpg,b.jpg,A cat.\n')
    with pytest.raises(ValueError, match='2 columns are named "image"'):
        read_caption_files(path)


def test_captions_of_other_images_are_counted(tmp_path):
    make_images(tmp_path / 'images', ['a.jpg'])
    coco(tmp_path / 'coco.json')
    done = annotate(tmp_path).check()
    assert 'coco.json: 1 of its 2 images are not among those of' in done.text
    assert 'for one "b.jpg"' in done.text


def test_annotations_without_an_image_are_skipped(tmp_path):
    path = tmp_path / 'c.json'
    coco(path)
    content = json.loads(path.read_text())
    content['annotations'] += [
        dict(image_id=1, caption='A cat.'), dict(image_id=7), 5
    ]  # fmt: skip
    path.write_text(json.dumps(content))
    file = read_caption_files(path)
    assert file.captions == KNOWN
    assert sum(file.rejected.values()) == 3
    assert f'{path}, annotation 3: no "image_id"' in file.notes[0]


IMAGE = '{"images": [{"id": 1, "file_name": "a.jpg"}, %s], "annotations": []}'


@pytest.mark.parametrize(
    'name, text, message',
    [
        ('c.json', '{"images": []}', '"images" and "annotations"'),
        ('c.json', '{"images": []}', 'a list "annotations" is missing'),
        ('c.json', '{"a.jpg": "A cat."}', 'a list "images" is missing'),
        ('c.json', IMAGE % '{"file_name": "b"}', 'image 1: no field "id"'),
        ('c.json', IMAGE % '{"id": 2}', 'image 1: no field "file_name"'),
        ('c.json', IMAGE % '2', 'image 1: no object with "id"'),
        (
            'c.json',
            IMAGE % '{"id": 1, "file_name": "b.jpg"}',
            'image 1: the id 1 of "b.jpg" is that of "a.jpg" already',
        ),
        ('c.json', '[]', 'there is no caption in it'),
        ('c.json', '[{"image": "a"', 'not valid JSON'),
        ('c.csv', 'name,words\na,b\n', 'name the columns "image"'),
        ('c.jsonl', '{"image": "a"}\n', 'line 1: no field "caption"'),
        ('c.parquet', 'PAR1', 'no readable Parquet'),
        ('c.txt', 'a', 'captions come from a file that ends in .json'),
    ],
)
def test_a_file_without_captions_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    if name.endswith('parquet'):
        pytest.importorskip('pyarrow')
    with pytest.raises(ValueError, match=message) as error:
        read_caption_files(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)


def test_workbook_is_refused(tmp_path):
    for name, remedy in (('c.csv', 'as CSV'), ('c.jsonl', 'as JSONL')):
        (tmp_path / name).write_bytes(b'PK\x03\x04\x14\xff')
        with pytest.raises(ValueError, match=f'an Excel workbook .*{remedy}'):
            read_caption_files(tmp_path / name)


@pytest.mark.parametrize('name', ['c.jsonl.gz', 'c.jsonl', 'c.json', 'c.csv'])
def test_compressed_file_error_names_the_remedy(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(b'{"image": "a"}'))
    with pytest.raises(ValueError, match=f'{name}: .* unpacked with gunzip'):
        read_caption_files(tmp_path / name)


def test_json_lines_in_a_file_named_json(tmp_path):
    lines(tmp_path / 'c.json')
    with pytest.raises(ValueError, match=r'let its name end in \.jsonl'):
        read_caption_files(tmp_path / 'c.json')


@pytest.mark.parametrize('last', ['', 'b.jpg,a cat\n'])
def test_huge_cell_is_read(tmp_path, last):
    path = tmp_path / 'c.csv'
    huge = 'a man rides. ' * 20_000
    path.write_text(f'image,caption\na.jpg,{huge}\n{last}')
    file = read_caption_files(path)
    assert file.captions['a.jpg'] == [huge.strip()] and not file.notes
    assert len(file.captions) == 1 + bool(last)


def test_coco_boxes_are_not_captions(tmp_path):
    path = tmp_path / 'instances_train.json'
    coco(path)
    content = json.loads(path.read_text())
    content['annotations'] = [dict(image_id=7, category_id=1, bbox=[0] * 4)]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match='in the files captions_'):
        read_caption_files(path)


@pytest.mark.parametrize('count', [3, 20_000])
def test_unclosed_quote_loses_no_caption(tmp_path, count):
    path = tmp_path / 'c.csv'
    path.write_text(
        'image,caption\na.jpg,"two\nlines"\nb.jpg,"open\n'
        + 'c.jpg,a man rides\n' * count
    )
    with pytest.raises(ValueError, match='c.csv, line 4: .* not closed'):
        read_caption_files(path)
    path.write_text(path.read_text().replace('open\n', 'now\nclosed"\n'))
    assert read_caption_files(path).captions == {
        'a.jpg': ['two\nlines'],
        'b.jpg': ['now\nclosed'],
        'c.jpg': ['a man rides'],
    }


def test_missing_libraries_and_files_are_errors(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match='no such file of captions'):
        read_caption_files(tmp_path / 'c.json')
    with pytest.raises(ValueError, match='with --captions'):
        build_backend(dict(type='captions'))
    (tmp_path / 'c.parquet').write_bytes(b'PAR1')
    monkeypatch.setitem(__import__('sys').modules, 'pyarrow', None)
    with pytest.raises(ImportError, match='needs pyarrow; .* as JSONL'):
        read_caption_files(tmp_path / 'c.parquet')


TEXT = st.text(st.characters(exclude_categories=['Cs', 'Cc']), min_size=1)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1))
def test_captions_keep_order_and_images(tmp_path_factory, records):
    path = tmp_path_factory.mktemp('captions') / 'c.jsonl'
    rows = [dict(image=image, caption=text) for image, text in records]
    path.write_text('\n'.join(map(json.dumps, rows)) + '\n')
    wanted = {}
    for image, text in records:
        image, text = image.strip().replace('\\', '/'), text.strip()
        if image and not is_empty(text):
            known = wanted.setdefault(image, [])
            known += [text] if text not in known else []
    if wanted:
        assert read_caption_files(path).captions == wanted
    else:
        with pytest.raises(ValueError, match='no field'):
            read_caption_files(path)


def make_images(folder, names):
    folder.mkdir()
    for name in names:
        Image.new('RGB', (8, 8)).save(folder / name)


def annotate(tmp_path, *stages):
    return run_command(
        'python', ANNOTATE, *(stages or ('describe',)), '--images', 'images',
        '--backend', 'captions', '--captions', 'coco.json', '--out', 'pass',
        cwd=tmp_path, modules=modules(),
    )  # fmt: skip


def test_captions_of_an_image_are_kept_apart(tmp_path):
    make_images(tmp_path / 'images', ['a.jpg', 'b.jpg', 'none.jpg'])
    coco(tmp_path / 'coco.json')
    for _ in range(2):
        done = annotate(tmp_path).check()
        assert 'failed: no_caption (1)' in done.text
    answers = collect_answers(tmp_path / 'pass').read_text().splitlines()
    assert [
        (row['image_id'], row['text']) for row in map(json.loads, answers)
    ] == RECORDS
    parsed = tmp_path / 'parsed.jsonl'
    parsed.write_text(
        ''.join(
            json.dumps(dict(image_id=x, interactions=[])) + '\n' for x in KNOWN
        )
    )
    words = list(
        read_pseudo_labels(tmp_path / 'pass' / 'answers.jsonl', parsed)
    )
    assert [x.sentences for x in words] == list(KNOWN.values())
    again = build_backend(dict(type='replay', raw=str(tmp_path / 'pass')))
    assert again._responses['a.jpg', 'caption', None, None].more == (
        KNOWN['a.jpg'][1],
    )


def test_edited_captions_are_detected(tmp_path):
    make_images(tmp_path / 'images', KNOWN)
    path = tmp_path / 'coco.json'
    coco(path)
    for _ in range(2):
        assert 'differ' not in annotate(tmp_path).check().text
    text = path.read_text()
    path.write_text(text.replace('holds a cup', 'drinks'))
    done = annotate(tmp_path).check()
    assert 'the captions of 1 images differ' in done.text
    assert 'for one "b.jpg"' in done.text and 'another --out' in done.text
    shutil.rmtree(tmp_path / 'pass' / 'raw')
    assert 'differ' not in annotate(tmp_path).check().text
    answers = collect_answers(tmp_path / 'pass').read_text()
    assert 'drinks' in answers and 'cup' not in answers
    path.write_text(path.read_text().replace(', in a hat,', ''))
    assert 'for one "a.jpg"' in annotate(tmp_path).check().text


def test_mismatched_keys_are_refused_before_writing(tmp_path):
    make_images(tmp_path / 'images', ['other.jpg'])
    coco(tmp_path / 'coco.json')
    done = annotate(tmp_path)
    assert done.code == 1
    assert "'other.jpg'" in done.text and "'a.jpg'" in done.text
    assert 'Traceback' not in done.text
    assert not (tmp_path / 'pass').exists()


@needs_captions
def test_captions_to_cache(tmp_path):
    make_images(tmp_path / 'images', KNOWN)
    coco(tmp_path / 'coco.json')
    done = annotate(
        tmp_path, 'run', '--vocab', 'hico_det', '--text-encoder', 'hashed',
        '--parsed', 'parsed.jsonl',
    ).check()  # fmt: skip
    assert '3 answers about 2 images: 3 interactions' in done.text
    rows = map(json.loads, open(tmp_path / 'pass' / 'parsed.jsonl'))
    assert [
        [(x['verb'], x['object']) for x in row['interactions']] for row in rows
    ] == [[('feed', 'horse'), ('ride', 'horse')], [('hold', 'cup')]]
