"""COCO files from annotation tools."""

import copy
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clhoi_mm.annotations.coco_file import COCOFile
from clhoi_mm.vocabulary import HOIVocabulary

COCO = dict(
    info=dict(year='2024'),
    licenses=[dict(id=1, name='CC')],
    images=[
        dict(id=1, file_name='a.jpg', width=100, height=80),
        dict(id=2, file_name='b.jpg', width=60, height=50),
    ],
    annotations=[
        dict(id=5, image_id=1, category_id=0, bbox=[1, 2, 30, 40.5]),
        dict(id=6, image_id=2, category_id=1, bbox=[0, 0, 9, 9], area=70),
    ],
    categories=[dict(id=0, name='person'), dict(id=1, name='dog')],
)


def edited(*edits):
    content = copy.deepcopy(COCO)
    for section, index, values in edits:
        content[section][index].update(values)
    return content


def read(folder, content, encoding='utf-8'):
    path = folder / 'boxes.json'
    path.write_bytes(json.dumps(content).encode(encoding))
    return COCOFile([path])


def all_of(file):
    return file.images, dict(file.annotations), file.categories


@pytest.mark.parametrize(
    'encoding', ['utf-8-sig', 'utf-16', 'utf-16-be', 'utf-32']
)
def test_encodings_are_equal(tmp_path, encoding):
    plain = all_of(read(tmp_path, COCO))
    assert all_of(read(tmp_path, COCO, encoding)) == plain


SAME = {
    'strings': edited(
        ('images', 0, dict(id='1', width='100', height='80.0')),
        ('annotations', 0, dict(id='5', image_id=1.0, category_id='0')),
        ('annotations', 0, dict(bbox=['1', '2', '30', '40,5'], area='1215')),
        ('annotations', 1, dict(iscrowd=None)),
    ),
    'extras': edited(
        ('images', 0, dict(extra=dict(name='x'), license=1)),
        ('annotations', 0, dict(segmentation=[], iscrowd='0', area=None)),
        ('annotations', 1, dict(segmentation=dict(counts='a', size=[2, 2]))),
        ('categories', 0, dict(supercategory=None)),
    ),
    'backslash': edited(('images', 0, dict(file_name='.\\a.jpg'))),
}


@pytest.mark.parametrize('case', SAME)
def test_odd_spellings_are_equal(tmp_path, case):
    assert all_of(read(tmp_path, SAME[case])) == all_of(read(tmp_path, COCO))


def test_paths_get_slashes(tmp_path):
    content = edited(('images', 0, dict(file_name='images\\sub\\a.jpg')))
    assert read(tmp_path, content).images[1]['file_name'] == 'images/sub/a.jpg'


def test_category_without_boxes_needs_no_label(tmp_path):
    vocabulary = HOIVocabulary.load('hico_det')
    content = edited()
    content['categories'].append(dict(id=9, name='lamp post'))
    labels = read(tmp_path, content).labels(vocabulary)
    assert labels == {
        0: vocabulary.person_label,
        1: vocabulary.object_label('dog'),
    }
    content['annotations'][1]['category_id'] = 9
    with pytest.raises(ValueError, match="boxes.json: category 9, 'lamp post"):
        read(tmp_path, content).labels(vocabulary)


BAD = [
    ('images', dict(file_name='b.jpg'), "'b.jpg' is that of image 1 as well"),
    ('images', dict(file_name='.\\b.jpg'), "'b.jpg' is that of image 1"),
    ('images', dict(file_name=None), 'no file_name, but None'),
    ('images', dict(id=2), 'record 2: the id occurs twice'),
    ('images', dict(id=None), 'id None is no id'),
    ('images', dict(id=[1]), r'id \[1\] is no id'),
    ('images', dict(width='wide'), "width 'wide' is no size"),
    ('images', dict(height=-4), 'height -4 is no size'),
    ('annotations', dict(bbox=[1, 2, 3]), r'bbox \[1, 2, 3\] is no \[x, y'),
    ('annotations', dict(bbox=None), 'bbox None is no'),
    ('annotations', dict(bbox=[0, 0, -1, 1]), 'w and h not negative'),
    ('annotations', dict(bbox=[0, 0, 'a', 1]), 'write four numbers'),
    ('annotations', dict(bbox=[0, 0, float('nan'), 1]), 'four numbers'),
    ('annotations', dict(id='6'), 'record 6: the id occurs twice'),
    ('annotations', dict(image_id=7), 'record 5: no image 7; list it'),
    ('annotations', dict(category_id=7), 'record 5: no category 7; list it'),
    ('annotations', dict(category_id={}), 'category_id {} is no id'),
    ('categories', dict(name=''), "record 0: '' is no name"),
    ('categories', dict(id=1), "category 1 is 'dog', and 'person' before"),
]


@pytest.mark.parametrize('section, values, message', BAD)
def test_bad_records_are_errors(tmp_path, section, values, message):
    with pytest.raises(ValueError, match=f'boxes.json: .*{message}'):
        read(tmp_path, edited((section, 0, values)))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 7)
    | st.floats()
    | st.sampled_from(['', '1', 'a.jpg', 'dog', 'nan', '\\']),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(['id', 'bbox', 'x']), inner, max_size=2
        )
    ),
    max_leaves=5,
)


@settings(max_examples=200)
@example('categories', 0, None, None)
@given(
    section=st.sampled_from(['images', 'annotations', 'categories']),
    index=st.integers(0, 1),
    field=st.sampled_from(
        ['id', 'file_name', 'width', 'image_id', 'category_id', 'bbox']
        + ['area', 'iscrowd', 'name', 'supercategory', None]
    ),
    value=JSON,
)
def test_any_value_is_read_or_an_input_error(
    tmp_path_factory, section, index, field, value
):
    content = edited()
    if field is None:
        content[section][index] = value
    else:
        content[section][index][field] = value
    try:
        file = read(tmp_path_factory.mktemp('any'), content)
    except ValueError as error:
        assert 'boxes.json' in str(error)
    else:
        for anns in file.annotations.values():
            assert all(len(ann['bbox']) == 4 for ann in anns)
