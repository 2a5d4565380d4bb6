"""Zero-shot splits by name, and classes hidden from training."""

import numpy as np
import pytest

from clhoi_mm.datasets import HICODetDataset, VCOCODataset
from clhoi_mm.vocabulary import HOIVocabulary, load_zero_shot_split
from tests.data_utils import (
    make_scene,
    write_hico_det,
    write_split,
    write_tiny,
    write_v_coco,
)

VOCABULARY = HOIVocabulary.load('hico_det')


def labels_of(*names):
    return [VOCABULARY.names.index(name) for name in names]


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp('tiny')).parents[1]


@pytest.fixture(scope='module')
def hico(tmp_path_factory):
    return write_hico_det(tmp_path_factory.mktemp('hico'))


def build(root, **kwargs):
    return HICODetDataset(
        'annotations/train.json', data_root=str(root), **kwargs
    )


def names_in(data, i):
    info = data.get_data_info(i)
    return (
        [VOCABULARY.names[k] for k in info['hois']['hoi_labels']],
        [VOCABULARY.names[k] for k in info['image_hoi_labels']],
    )


def test_pair_is_dropped_with_all_its_labels(tiny):
    data = build(tiny, zero_shot=labels_of('straddle bicycle', 'feed horse'))
    # The second rider is dropped too; the person holding is kept.
    assert names_in(data, 0) == (
        ['hold bicycle', 'feed dog'],
        ['hold bicycle', 'ride bicycle', 'feed dog'],
    )
    info = data.get_data_info(0)
    assert info['hois']['human_rows'].tolist() == [2, 2]
    assert info['hois']['object_rows'].tolist() == [1, 3]
    assert len(info['instances']) == 4
    # An invisible interaction is an image-level label only.
    assert names_in(data, 3)[1] == ['ride horse']
    unseen = np.flatnonzero(data.metainfo['unseen'])
    assert unseen.tolist() == sorted(
        labels_of('straddle bicycle', 'feed horse')
    )


def test_test_split_is_unchanged(tiny):
    plain = build(tiny, test_mode=True)
    data = build(tiny, test_mode=True, zero_shot='uv')
    for i in range(len(data)):
        assert names_in(data, i) == names_in(plain, i)
    assert plain.metainfo['unseen'] is None
    assert sum(data.metainfo['unseen']) == 84


def test_images_that_lost_all_pairs_can_be_left_out(tiny):
    cfg = dict(filter_empty_hois=True)
    names = ('straddle bicycle', 'hold bicycle', 'feed dog')
    data = build(tiny, filter_cfg=cfg, zero_shot=labels_of(*names))
    assert [data.get_data_info(i)['img_id'] for i in range(len(data))] == [
        503,
        504,
    ]


@pytest.mark.parametrize('name', ['rf_uc', 'nf_uc', 'uo', 'uv'])
def test_training_has_no_unseen_class(hico, name):
    data = HICODetDataset(split='train', data_root=str(hico), zero_shot=name)
    seen = set()
    for i in range(len(data)):
        info = data.get_data_info(i)
        seen |= {*info['hois']['hoi_labels'], *info['image_hoi_labels']}
    # Each class has its own pair there.
    assert seen == set(range(600)) - set(load_zero_shot_split(name))


def test_absent_roles_are_not_box_pairs(tmp_path):
    vocab = HOIVocabulary.load('v_coco')
    scene = make_scene(
        'train2014/a.png',
        (64, 64),
        [('person', (1, 1, 30, 60)), ('cup', (10, 10, 20, 20))],
        [(0, None, 'stand'), (0, 1, 'hold obj'), (0, 1, 'drink instr')],
    )
    write_split(tmp_path, 'train', vocab, [scene], 'images', False)
    unseen = vocab.hoi_id(
        vocab.verb_label('drink instr'), vocab.object_label('cup')
    )
    data = VCOCODataset(
        split='train', data_root=str(tmp_path), zero_shot=[unseen]
    )
    hois = data.get_data_info(0)['hois']
    assert [vocab.verbs[k] for k in hois['verb_labels']] == ['stand']


def test_splits(hico, tmp_path):
    data = HICODetDataset(split='test', data_root=str(hico), test_mode=True)
    info = data.get_data_info(0)
    assert info['img_path'] == str(
        hico / 'images/test2015/HICO_test2015_00000051.jpg'
    )
    given = HICODetDataset(
        'annotations/train.json', split='test', data_root=str(hico)
    )
    assert 'train2015' in given.get_data_info(0)['key']
    coco = write_v_coco(tmp_path)
    data = VCOCODataset(split='trainval', data_root=str(coco))
    assert 'images/train2014/' in data.get_data_info(0)['img_path']
    with pytest.raises(ValueError, match="no split 'val'.*'train', 'test'"):
        HICODetDataset(split='val', data_root=str(hico))


def test_bad_options(tiny):
    with pytest.raises(ValueError, match='no zero-shot split'):
        build(tiny, zero_shot='rare')
    with pytest.raises(ValueError, match='lie in 0..599'):
        build(tiny, zero_shot=[600])
    with pytest.raises(ValueError, match="classes of HICO-DET.*'v_coco'"):
        VCOCODataset(
            'annotations/train.json', data_root=str(tiny), zero_shot='uo'
        )
