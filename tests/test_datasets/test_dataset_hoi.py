import json
import random

import numpy as np
import pytest
import torch
from mmdet.datasets import CocoDataset
from mmdet.registry import DATASETS as MMDET_DATASETS
from torch.utils.data import DataLoader

from clhoi_mm.datasets import HICODetDataset, HOIDataset, VCOCODataset
from clhoi_mm.registry import DATASETS
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import (
    find_shared,
    write_hico_det,
    write_tiny,
    write_v_coco,
    write_vcoco_photo,
)

PIPELINE = (
    dict(type='LoadImage', orientation='stored'),
    dict(type='LoadHOIAnnotations'),
    dict(type='PackHOIInputs'),
)


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp('tiny')).parents[1]


def build(root, ann_file='annotations/train.json', **kwargs):
    kwargs = {
        'pipeline': PIPELINE,
        'vocabulary': 'hico_det',
        'serialize_data': False,
        **kwargs,
    }
    return HOIDataset(ann_file, data_root=str(root), **kwargs)


def rewritten(tiny, tmp_path, change):
    """Write the tiny data set with annotations edited by `change`."""
    content = json.loads((tiny / 'annotations/train.json').read_text())
    change(content)
    path = tmp_path / 'changed.json'
    path.write_text(json.dumps(content))
    return build(tiny, ann_file=str(path))


def test_records_by_hand(tiny):
    data = build(tiny)
    vocab = data.vocabulary
    assert len(data) == 5
    info = data.get_data_info(0)
    assert info['key'] == 'train/busy.png' and info['img_id'] == 500
    assert (info['width'], info['height']) == (96, 64)
    assert info['instances'][1]['bbox'] == [10, 30, 50, 62]
    assert [i['row'] for i in info['instances']] == [0, 1, 2, 3]
    assert info['hois']['human_rows'].tolist() == [0, 0, 2, 2]
    assert info['hois']['object_rows'].tolist() == [1, 1, 1, 3]
    assert [vocab.names[i] for i in info['hois']['hoi_labels']] == [
        'ride bicycle',
        'straddle bicycle',
        'hold bicycle',
        'feed dog',
    ]
    assert [vocab.verbs[i] for i in info['hois']['verb_labels']] == [
        'ride',
        'straddle',
        'hold',
        'feed',
    ]
    odd = data.get_data_info(4)
    assert [i['row'] for i in odd['instances']] == [0, 1, 3]
    assert [i['ignore_flag'] for i in odd['instances']] == [0, 1, 0]
    assert len(odd['rows']['bboxes']) == 4 and len(odd['hois']['verb_labels'])


def test_training_sample_drops_pairs_that_lost_a_box(tiny):
    sample = build(tiny)[4]['data_samples']
    # The cup is smaller than a pixel, the reader is a crowd.
    assert sample.gt_hois.human_inds.tolist() == [0]
    assert sample.gt_hois.object_inds.tolist() == [1]
    assert sample.gt_instances.bboxes[1].tolist() == [10, 20, 20, 30]
    assert type(sample.gt_instances.bboxes) is torch.Tensor
    assert len(sample.ignored_instances) == 1


def test_test_sample_holds_all_visible_pairs(tiny):
    data = build(tiny, test_mode=True)
    sample = data[4]['data_samples']
    assert sample.gt_hois.human_inds.tolist() == [0, -1, 0]
    assert sample.gt_hois.object_inds.tolist() == [-1, 1, 1]
    assert sample.gt_hois.object_bboxes[0].tolist() == [40, 20, 40.5, 20.5]
    names = [data.vocabulary.names[i] for i in sample.image_hoi_labels]
    assert sorted(names) == ['hold book', 'hold cup', 'read book']


def test_invisible_pairs_are_image_labels_only(tiny):
    data = build(tiny)
    sample = data[3]['data_samples']
    vocab = data.vocabulary
    assert [vocab.names[i] for i in sample.gt_hois.hoi_labels] == [
        'ride horse'
    ]
    assert [vocab.names[i] for i in sample.image_hoi_labels] == [
        'feed horse',
        'ride horse',
    ]
    assert sample.gt_persons.hoi_labelled.tolist() == [True, False]
    assert sample.gt_persons.bboxes[1].tolist() == [60, 5, 80, 60]


@pytest.mark.parametrize('test_mode', [False, True])
def test_images_without_people_or_annotations_are_kept(tiny, test_mode):
    data = build(tiny, test_mode=test_mode)
    for index, boxes in ((1, 1), (2, 0)):
        sample = data[index]['data_samples']
        assert len(sample.gt_instances) == boxes
        assert sample.gt_instances.bboxes.shape == (boxes, 4)
        assert sample.gt_persons.bboxes.shape == (0, 4)
        assert sample.gt_hois.human_bboxes.shape == (0, 4)
        assert len(sample.image_hoi_labels) == 0


def test_filters(tiny):
    assert len(build(tiny, filter_cfg=dict(filter_empty_gt=True))) == 4
    kept = build(tiny, filter_cfg=dict(filter_empty_hois=True))
    assert [kept.get_data_info(i)['img_id'] for i in range(len(kept))] == [
        500,
        503,
        504,
    ]
    assert len(build(tiny, test_mode=True, filter_cfg=dict(min_size=65))) == 5
    with pytest.raises(ValueError, match='leaves none of 5 images'):
        build(tiny, filter_cfg=dict(min_size=65))
    with pytest.raises(ValueError, match="unknown \\['filter_empty'\\]"):
        build(tiny, filter_cfg=dict(filter_empty=True))


def test_metainfo_has_plain_types(tiny):
    data = build(tiny, metainfo=dict(year=2026))
    meta = data.metainfo
    assert json.loads(json.dumps(meta)) == meta
    vocab = HOIVocabulary.load('hico_det')
    assert meta['classes'] == list(vocab.objects) and meta['year'] == 2026
    assert meta['hoi_classes'] == vocab.names and len(meta['palette']) == 80
    assert meta['vocabulary_hash'] == vocab.hash
    assert meta['rare'] == vocab.rare.tolist()
    with pytest.raises(ValueError, match='classes'):
        build(tiny, metainfo=dict(classes=('dog',)))


def test_rare_flags_of_the_file_take_precedence(tiny, tmp_path):

    def change(content):
        for record in content['hoi_categories']:
            del record['rare']
        content['hoi_categories'][5]['rare'] = True

    vocab = HOIVocabulary.load('hico_det')
    data = rewritten(tiny, tmp_path, change)
    assert sum(data.metainfo['rare']) == 138 + (not vocab.rare[5])
    assert data.metainfo['rare'][5]


def test_image_level_labels_of_the_file(tiny, tmp_path):

    def change(content):
        content['images'][2]['hoi_ids'] = [1010, 1003]
        content['images'][0]['hoi_ids'] = [1003]

    data = rewritten(tiny, tmp_path, change)
    assert data.get_data_info(2)['image_hoi_labels'].tolist() == [3, 10]
    assert data.get_data_info(0)['image_hoi_labels'].tolist() == [
        3,
        11,
        18,
        20,
        113,
    ]


def test_mmdet_reads_the_same_file(tiny):
    vocab = HOIVocabulary.load('hico_det')
    data = CocoDataset(
        ann_file='annotations/train.json',
        data_root=str(tiny),
        data_prefix=dict(img=''),
        metainfo=dict(classes=vocab.objects),
    )
    ours = build(tiny)
    for i in range(len(data)):
        theirs = data.get_data_info(i)['instances']
        for a, b in zip(theirs, ours.get_data_info(i)['instances']):
            assert a['bbox'] == b['bbox']
            assert a['bbox_label'] == b['bbox_label']
        assert len(theirs) == len(ours.get_data_info(i)['instances'])


class Draw:
    """Pipeline that returns draws of each random generator."""

    def __call__(self, results):
        return (
            results['sample_idx'],
            random.random(),
            np.random.rand(),
            torch.rand(1).item(),
        )


def test_augmentation_depends_on_seed_epoch_and_index_only(tiny):
    data = build(tiny, pipeline=[Draw()])
    first = [data[i] for i in range(5)]
    assert [data[i] for i in reversed(range(5))] == first[::-1]
    assert len({row[1:] for row in first}) == 5
    assert data[-1] == first[-1]
    data.set_epoch(1)
    assert all(a[1:] != b[1:] for a, b in zip(first, data))
    data.set_epoch(0)
    assert [data[i] for i in range(5)] == first
    other = build(tiny, pipeline=[Draw()], seed=1)
    assert other[0][1:] != first[0][1:]


def test_global_generators_are_unchanged(tiny):
    data = build(tiny, pipeline=[Draw()])

    def draws(between):
        random.seed(5), np.random.seed(5), torch.manual_seed(5)
        between()
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draws(lambda: data[0]) == draws(lambda: None)


def test_persistent_workers_use_the_current_epoch(tiny):
    data = build(tiny, pipeline=[Draw()], serialize_data=True)
    loader = DataLoader(
        data, num_workers=2, persistent_workers=True, collate_fn=list
    )
    for epoch in (0, 3):
        data.set_epoch(epoch)
        assert [batch[0] for batch in loader] == [data[i] for i in range(5)]


def test_refetched_image_is_seeded(tiny):

    class RejectsFirst(Draw):
        def __call__(self, results):
            return (
                None
                if results['sample_idx'] == 0
                else super().__call__(results)
            )

    data = build(tiny, pipeline=[RejectsFirst()])
    assert data[0] == data[0] and data[0][0] != 0


def test_builds_from_mmdets_registry_and_scope(tiny):
    with MMDET_DATASETS.switch_scope_and_registry('mmdet') as registry:
        data = registry.build(
            dict(
                type='clhoi_mm.HICODetDataset',
                ann_file='annotations/train.json',
                data_root=str(tiny),
                pipeline=PIPELINE,
            )
        )
    assert isinstance(data, HICODetDataset)
    assert len(data[0]['data_samples'].gt_hois) == 4


def test_hico_det_shaped_folder(tmp_path):
    root = write_hico_det(tmp_path)
    for split, images in (('train', 50), ('test', 51)):
        data = DATASETS.build(
            dict(
                type='HICODetDataset',
                ann_file=f'annotations/{split}.json',
                data_root=str(root),
                data_prefix=dict(img='images'),
                pipeline=PIPELINE,
                test_mode=split == 'test',
            )
        )
        assert len(data) == images
        labels = [
            data.get_data_info(i)['hois']['hoi_labels'] for i in range(images)
        ]
        assert sorted(np.concatenate(labels)) == list(range(600))
        assert sum(data.metainfo['rare']) == 138
    sample = data[1]['data_samples']
    assert sample.key == 'test2015/HICO_test2015_00000001.jpg'


def test_v_coco_shaped_folder(tmp_path):
    root = write_v_coco(tmp_path)
    data = VCOCODataset(
        'annotations/test.json',
        data_root=str(root),
        data_prefix=dict(img='images'),
        pipeline=PIPELINE,
        test_mode=True,
    )
    labels = np.concatenate(
        [data.get_data_info(i)['image_hoi_labels'] for i in range(len(data))]
    )
    assert sorted(labels) == list(range(236))
    assert data.metainfo['rare'] is None
    sample = data[len(data) - 1]['data_samples']
    hois = sample.gt_hois
    assert [data.vocabulary.verbs[v] for v in hois.verb_labels] == [
        'stand',
        'hold obj',
    ]
    assert hois.human_inds.tolist() == [0, 1]
    assert hois.object_inds.tolist() == hois.object_labels.tolist() == [-1, -1]
    assert hois.hoi_labels.tolist() == [-1, -1]
    assert hois.object_bboxes.isnan().all()
    assert sample.gt_persons.hoi_labelled.tolist() == [True, True, False]


@pytest.mark.skipif(find_shared() is None, reason='no shared test data')
def test_real_photo_of_v_coco(tmp_path):
    root = write_vcoco_photo(tmp_path, find_shared())
    data = VCOCODataset(
        'annotations/test.json',
        data_root=str(root),
        data_prefix=dict(img='images'),
        pipeline=PIPELINE,
        test_mode=True,
    )
    packed = data[0]
    assert packed['inputs'].shape == (3, 392, 640)
    hois = packed['data_samples'].gt_hois
    assert [data.metainfo['hoi_classes'][i] for i in hois.hoi_labels] == [
        'hold obj skis',
        'ski instr skis',
        'ski instr skis',
    ]
    assert len(packed['data_samples'].gt_persons) == 3
    assert hois.human_bboxes[0].tolist() == pytest.approx(
        [372.58, 170.84, 639.21, 388.03], abs=1e-3
    )
