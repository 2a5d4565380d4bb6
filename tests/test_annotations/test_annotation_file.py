"""Reader of the project's annotation file."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clhoi_mm.annotations import (
    AnnotationBuilder,
    AnnotationFile,
    LabeledAnnotations,
)
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import make_annotations, tiny_scenes
from tests.test_annotations.test_coco_file import JSON

HICO = HOIVocabulary.load('hico_det')
MINI = HOIVocabulary.load('mini')


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-32-be'])
def test_encodings_are_equal(tmp_path, encoding):
    content = make_annotations(HICO, tiny_scenes())
    path = tmp_path / 'ann.json'
    path.write_bytes(json.dumps(content).encode(encoding))
    file, plain = AnnotationFile.read(path), AnnotationFile(content, 'x')
    assert file.content == plain.content
    assert file.bboxes.tolist() == plain.bboxes.tolist()


def test_arrays_by_hand():
    file = AnnotationFile(make_annotations(HICO, tiny_scenes()), 'x')
    assert file.image_ids == [500, 501, 502, 503, 504]
    assert file.keys[0] == 'train/busy.png'
    assert file.sizes.tolist() == [[96, 64]] * 5
    assert file.bboxes[1].tolist() == [10, 30, 50, 62]
    assert file.objects[file.box_labels[1]] == 'bicycle'
    assert file.human_inds[:4].tolist() == [0, 0, 2, 2]
    assert file.object_inds[:4].tolist() == [1, 1, 1, 3]
    assert [file.verbs[verb] for verb in file.pair_verbs[:2]] == [
        'ride',
        'straddle',
    ]
    assert file.invisible.nonzero()[0].tolist() == [5]
    assert file.iscrowd.nonzero()[0].tolist() == [9]
    assert file.hoi_labelled.sum() == len(file.bboxes) - 1
    labels = file.pair_labels(HICO)
    assert HICO.names[labels[0]] == 'ride bicycle'
    # Names outside the vocabulary have no label.
    assert (file.pair_labels(MINI) >= 0).sum() < len(labels)


def test_backslashes_become_slashes(tmp_path):
    content = make_annotations(HICO, tiny_scenes())
    content['images'][0].update(file_name='train\\busy.png', key=None)
    file = AnnotationFile(content, 'x')
    assert file.images[0]['file_name'] == file.keys[0] == 'train/busy.png'


def test_unknown_sizes_are_errors_where_needed():
    content = make_annotations(HICO, tiny_scenes())
    content['images'][3]['height'] = None
    file = AnnotationFile(content, 'ann.json')
    assert file.sizes[3].tolist() == [96, np.inf]
    with pytest.raises(
        ValueError, match="ann.json: .*503, field 'height': missing.*--images"
    ):
        file.require_sizes()


def test_missing_file_names_its_converter(tmp_path):
    with pytest.raises(FileNotFoundError, match='x.json.*dataset_converters'):
        AnnotationFile.read(tmp_path / 'x.json')


PAIRS = st.lists(
    st.tuples(
        st.integers(0, MINI.num_hois - 1),
        st.integers(0, 3),
        st.booleans(),
        st.integers(0, 4),
    ),
    max_size=8,
)


@given(PAIRS)
def test_written_file_is_read_back(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp('ann') / 'ann.json'
    builder = AnnotationBuilder(MINI, dict(description='é'))
    expected = []
    for image in range(5):
        builder.add_image(image, f'{image}.jpg', (60, 50))
        expected.append([])
        for hoi, shift, invisible, of in pairs:
            if of == image:
                obj = int(MINI.hoi_objects[hoi])
                person = builder.add_box(
                    MINI.person_label, (shift, 0, shift + 9, 20)
                )
                thing = builder.add_box(obj, (shift + 30, 0, shift + 40, 9))
                builder.add_hoi(person, thing, MINI.hoi_verbs[hoi], invisible)
                expected[-1].append((hoi, shift, invisible))
    builder.save(path, MINI.rare)
    labeled = LabeledAnnotations(AnnotationFile.read(path), MINI)
    assert labeled.rare == MINI.rare.tolist()
    for image, rows in enumerate(expected):
        boxes, hois = labeled.boxes(image), labeled.hois(image)
        lefts = boxes['bboxes'][hois['human_rows'], 0]
        others = boxes['bboxes'][hois['object_rows'], 0]
        assert (others - lefts == 30).all()
        assert rows == list(
            zip(
                hois['hoi_labels'].tolist(),
                lefts.astype(int).tolist(),
                hois['invisible'].tolist(),
            )
        )
        assert labeled.image_labels(image).tolist() == sorted(
            {hoi for hoi, *_ in rows}
        )


SECTIONS = ('images', 'annotations', 'categories', 'hoi_categories', 'hois')
FIELDS = {
    'images': ('id', 'file_name', 'key', 'width', 'height', 'hoi_ids'),
    'annotations': (
        *('id', 'image_id', 'category_id', 'bbox'),
        *('iscrowd', 'hoi_labelled'),
    ),
    'categories': ('id', 'name'),
    'hoi_categories': ('id', 'verb_id', 'category_id', 'rare'),
    'hois': (
        *('id', 'image_id', 'human_ann_id', 'object_ann_id'),
        *('verb_id', 'invisible'),
    ),
}


@settings(max_examples=200)
@given(st.data())
def test_any_value_is_read_or_an_input_error(data):
    content = make_annotations(MINI, [])
    for i in (0, 1):
        content['images'].append(
            dict(id=i, file_name=f'{i}.jpg', width=60, height=50)
        )
        for j, name in enumerate(('person', 'cup')):
            label = [c['name'] for c in content['categories']].index(name)
            content['annotations'].append(
                dict(
                    id=2 * i + j,
                    image_id=i,
                    category_id=content['categories'][label]['id'],
                    bbox=[0, 0, 5, 5],
                )
            )
        content['hois'].append(
            dict(
                id=i,
                image_id=i,
                human_ann_id=2 * i,
                object_ann_id=2 * i + 1,
                verb_id=content['verbs'].index('hold'),
            )
        )
    LabeledAnnotations(AnnotationFile(content, 'ok'), MINI)
    section = data.draw(st.sampled_from((*SECTIONS, 'verbs')))
    index = data.draw(st.integers(0, 1))
    field = data.draw(st.sampled_from((None, *FIELDS.get(section, ()))))
    value = data.draw(JSON)
    if field is None:
        content[section][index] = value
    else:
        content[section][index][field] = value
    try:
        file = AnnotationFile(content, 'ann.json')
        labeled = LabeledAnnotations(file, MINI)
        file.require_sizes()
    except ValueError as error:
        assert str(error).startswith('ann.json: ')
        return
    for i in range(len(file.images)):
        assert labeled.boxes(i)['bboxes'].dtype == np.float32
        assert len(labeled.hois(i)['human_rows']) <= 2
        assert labeled.image_labels(i).dtype == np.int64


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16'])
def test_teacher_uses_the_same_image_keys(tmp_path, encoding):
    from clhoi_mm.teacher.requests.images import ImageSource

    content = make_annotations(HICO, tiny_scenes())
    content['images'][0].update(file_name='train\\busy.png', key=None)
    content['images'][1].update(key='a\\b')
    path = tmp_path / 'ann.json'
    path.write_bytes(json.dumps(content).encode(encoding))
    keys = [entry.image_id for entry in ImageSource(path)]
    assert keys == AnnotationFile.read(path).keys
    assert keys[:2] == ['train/busy.png', 'a/b']
