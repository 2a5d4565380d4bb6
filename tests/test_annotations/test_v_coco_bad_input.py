"""Errors for inconsistent V-COCO files name the record."""

import json

import pytest

from clhoi_mm.annotations.converters import convert_v_coco
from tests.v_coco_files import (
    COCO,
    convert_official,
    official,
    pairs_content,
    write,
)

BROKEN_OFFICIAL = {
    'action hold.*lengths': lambda v, c: v[0]['role_object_id'].pop(),
    'action sit.*lengths': lambda v, c: v[2]['ann_id'].reverse(),
    'action stand: labels other than 0 and 1': lambda v, c: v[1][
        'label'
    ].__setitem__(0, 2),
    'action hold: an agent is not the person': lambda v, c: v[0][
        'role_object_id'
    ].__setitem__(0, 7),
    "action fly: 'fly obj' is no action role": lambda v, c: v[0].update(
        action_name='fly'
    ),
    "action hold: no 'label'": lambda v, c: v[0].pop('label'),
    "image 30, 'hold obj' of person 11: COCO has no annotation "
    '77': lambda v, c: v[0]['role_object_id'].__setitem__(5, 77),
    "image 20, 'eat obj': COCO has no person 21": lambda v, c: c[
        'annotations'
    ].pop(4),
    '1 images of V-COCO are not in .*the first is 20': lambda v, c: [
        c['images'].pop(1),
        c['annotations'].pop(4),
        c['annotations'].pop(4),
    ],
    'annotations, record 14: no category 5': lambda v, c: c['annotations'][
        3
    ].update(category_id=5),
    r'annotations, record 14: bbox \[1, 2, -3, 4\] is no': lambda v, c: c[
        'annotations'
    ][3].update(bbox=[1, 2, -3, 4]),
    'annotations, record 13: the id occurs twice': lambda v, c: c[
        'annotations'
    ][3].update(id=13),
    "'bicycle_lane', is no object": lambda v, c: c['categories'][1].update(
        name='bicycle_lane'
    ),
}


@pytest.mark.parametrize('message', BROKEN_OFFICIAL)
def test_official_inconsistency_names_the_record(tmp_path, message):
    content, coco = official(), json.loads(json.dumps(COCO))
    BROKEN_OFFICIAL[message](content, coco)
    with pytest.raises(ValueError, match=message):
        convert_official(tmp_path, content, coco)
    assert not (tmp_path / 'test.json').exists()


BROKEN_PAIRS = {
    r'record 1 \(image 30\): lists of lengths': lambda c: c['annotations'][1][
        'actions'
    ].pop(),
    r'record 1 \(image 30\), pair 2: action 24 is none of 24': lambda c: c[
        'annotations'
    ][1]['actions'].__setitem__(2, 24),
    'record 1.*pair 0: object 0 is none of 80': lambda c: c['annotations'][1][
        'objects'
    ].__setitem__(0, 0),
    'record 0.*pair 0: a box is not four numbers': lambda c: c['annotations'][
        0
    ]['boxes_h'][0].pop(),
    'record 0.*pair 0: a box ends before it begins': lambda c: c[
        'annotations'
    ][0]['boxes_o'][0].__setitem__(2, 0),
    'record 0.*a field is missing': lambda c: c['annotations'][0].pop(
        'file_name'
    ),
    'record 1.*the image occurs twice': lambda c: c['images'].__setitem__(
        1, 20
    ),
    '1 images and 2 annotations': lambda c: c['images'].pop(),
    "'fly obj' is not in the vocabulary": lambda c: c['classes'].__setitem__(
        0, 'fly obj'
    ),
}


@pytest.mark.parametrize('message', BROKEN_PAIRS)
def test_pairs_inconsistency_names_the_record(tmp_path, message):
    content = pairs_content()
    BROKEN_PAIRS[message](content)
    source = write(tmp_path / 'p.json', content)
    with pytest.raises(ValueError, match=message):
        convert_v_coco([source], tmp_path / 'out.json')


def test_invalid_combinations_of_inputs(tmp_path):
    files = [
        write(tmp_path / 'a.json', official()),
        write(tmp_path / 'b.json', pairs_content()),
    ]
    with pytest.raises(ValueError, match='do not mix'):
        convert_v_coco(files, tmp_path / 'out.json')
    with pytest.raises(ValueError, match='hold no boxes.*--coco'):
        convert_v_coco(files[:1], tmp_path / 'out.json')
    for sources in (files[:1], files[1:]):
        with pytest.raises(ValueError, match='--skip-missing goes with'):
            convert_v_coco(sources, tmp_path / 'out.json', skip_missing=True)
    (tmp_path / 'x.ids').write_text('20\n31\n')
    with pytest.raises(ValueError, match='1 of 2 ids are not in .* is 31'):
        convert_v_coco(
            files[1:], tmp_path / 'out.json', ids=tmp_path / 'x.ids'
        )
    with pytest.raises(ValueError, match='none of the known files'):
        convert_v_coco([write(tmp_path / 'c.json', [])], tmp_path / 'out.json')
