"""HICO-DET files with inconsistent records."""

import pytest
from numpy.lib.recfunctions import repack_fields
from scipy.io import loadmat, savemat
from test_hico_det import (
    EXPECTED,
    TEST,
    TRAIN,
    kinds,
    read_pairs,
)

from clhoi_mm.annotations.converters import convert_hico_det
from tests.hico_files import (
    hicodet_content,
    hoi,
    image,
    ppdm_content,
    write_json,
    write_mat,
)

BROKEN_PPDM = {
    'record 0, HICO_test2015_00000007.jpg, pair 1.*a box that is not '
    'there': lambda c: c[0]['hoi_annotation'][1].update(subject_id=9),
    'record 0.*pair 0.*its person is no person': lambda c: c[0][
        'hoi_annotation'
    ][0].update(subject_id=1),
    "record 0.*pair 0.*its object is not its class's": lambda c: c[0][
        'hoi_annotation'
    ][0].update(object_id=2),
    'record 0.*ends before it begins': lambda c: c[0]['annotations'][0].update(
        bbox=[30, 20, 29, 60]
    ),
    'record 0.*not four numbers': lambda c: c[0]['annotations'][0].update(
        bbox=[30, 20, 29]
    ),
    'record 0.*category_id 3 is not the verb of hoi_category_id': lambda c: c[
        0
    ]['hoi_annotation'][0].update(category_id=3),
    'record 2: category_id 12 is none': lambda c: c[2]['annotations'][
        0
    ].update(category_id=12),
    'record 2: a field is missing.*object_id': lambda c: c[2][
        'hoi_annotation'
    ][0].pop('object_id'),
    'record 1.*occurs twice, first in .*record 0': lambda c: c[1].update(
        file_name=c[0]['file_name']
    ),
    "record 1: 'a.jpg' is no name": lambda c: c[1].update(file_name='a.jpg'),
    'record 1.*among test images': lambda c: c[1].update(
        file_name='HICO_train2015_00000001.jpg'
    ),
}


@pytest.mark.parametrize('message', BROKEN_PPDM)
def test_ppdm_inconsistency_names_the_record(tmp_path, message):
    content = ppdm_content(TEST)
    BROKEN_PPDM[message](content)
    source = write_json(tmp_path / 'test_hico.json', content)
    with pytest.raises(ValueError, match=f'test_hico.json, {message}'):
        convert_hico_det([source], tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


BROKEN_HICODET = {
    'record 0, HICO_test2015_00000007.jpg: lists of lengths': lambda c: c[
        'annotation'
    ][0]['boxes_h'].pop(),
    'record 0.*pair 2: verb 0 is not that of class': lambda c: c['annotation'][
        0
    ]['verb'].__setitem__(2, 0),
    "record 0.*pair 2.*object is not its class's": lambda c: c['annotation'][
        0
    ]['object'].__setitem__(2, 0),
    'record 2.*a field is missing': lambda c: c['annotation'][2].pop('hoi'),
    'record 1.*size .* is no width and height': lambda c: c[
        'size'
    ].__setitem__(1, [0, 3]),
    r"objects\[1\]: 'pear'": lambda c: c['objects'].__setitem__(1, 'pear'),
}


@pytest.mark.parametrize('message', BROKEN_HICODET)
def test_hicodet_inconsistency_names_the_record(tmp_path, message):
    content = hicodet_content(TEST)
    BROKEN_HICODET[message](content)
    source = write_json(tmp_path / 'instances.json', content)
    with pytest.raises(ValueError, match=f'instances.json, {message}'):
        convert_hico_det([source], tmp_path / 'out')


def test_mat_inconsistency_names_the_record(tmp_path):
    wrong = [
        TEST[1],
        image(
            'HICO_test2015_00000009.jpg',
            (9, 9),
            hoi('ride horse', [(1, 1, 9, 9)], [(1, 1, 9, 9)], [(1, 2)]),
        ),
    ]
    source = write_mat(tmp_path / 'anno_bbox.mat', TRAIN, wrong)
    with pytest.raises(
        ValueError,
        match=r'bbox_test\(2\), HICO_test2015_00000009.jpg, pair 0.*'
        'not there',
    ):
        convert_hico_det([source], tmp_path / 'out')

    content = loadmat(str(source))
    content['list_action'][3, 0]['vname'] = 'sail'
    savemat(
        str(source),
        {k: v for k, v in content.items() if not k.startswith('__')},
    )
    with pytest.raises(ValueError, match=r'list_action\(4\): sail airplane'):
        convert_hico_det([source], tmp_path / 'out')
    whole = source.read_bytes()
    for broken in (b'nothing', whole[: len(whole) // 2]):
        source.write_bytes(broken)
        with pytest.raises(ValueError, match='no MATLAB file'):
            convert_hico_det([source], tmp_path / 'out')
    content = {k: v for k, v in content.items() if not k.startswith('__')}
    content['bbox_test'] = repack_fields(
        content['bbox_test'][['filename', 'size']]
    )
    content['list_action'][3, 0]['vname'] = 'fly'
    savemat(str(source), content)
    with pytest.raises(
        ValueError,
        match=r'bbox_test\(1\).*known structure, '
        'no hoi',
    ):
        convert_hico_det([source], tmp_path / 'out')


def test_inconsistent_pairs_can_be_skipped(tmp_path):
    content = ppdm_content(TEST)
    content[0]['hoi_annotation'][1]['subject_id'] = 9
    source = write_json(tmp_path / 'test_hico.json', content)
    (report,) = convert_hico_det(
        [source], tmp_path / 'out', drop_inconsistent=True
    )
    assert report.pairs == 5 and len(report.dropped) == 1
    assert report.dropped[0].startswith('1 of 4 pairs')
    left = [row for row in EXPECTED[7] if row[0] != 'hold horse']
    assert read_pairs(tmp_path / 'out/test.json')[7] == left


def test_other_files_are_refused(tmp_path):
    for content in ({}, [], [dict(file_name='a')], 3):
        source = write_json(tmp_path / 'x.json', content)
        with pytest.raises(ValueError, match='none of the known files'):
            convert_hico_det([source], tmp_path / 'out')
    with pytest.raises(ValueError, match='holds train and test'):
        convert_hico_det([kinds(tmp_path)['mat']], tmp_path / 'out.json')
    with pytest.raises(FileNotFoundError):
        convert_hico_det([tmp_path / 'none.mat'], tmp_path / 'out')
