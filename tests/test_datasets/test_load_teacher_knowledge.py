import pickle

import numpy as np
import pytest

from clhoi_mm.registry import TRANSFORMS
from clhoi_mm.teacher import (
    HashedTextEncoder,
    Interaction,
    PseudoLabels,
    pack_cache,
)
from clhoi_mm.vocabulary import HOIVocabulary
from tests.pipelines import BOXES, LOAD, make_results, pack, run


@pytest.fixture
def folder(tmp_path):
    words = PseudoLabels(
        'a.jpg', 'A dog.', ['A dog.'], [Interaction('ride', 'bicycle', 0.75)]
    )
    vocabulary = HOIVocabulary.load('hico_det')
    pack_cache([words], tmp_path, vocabulary, HashedTextEncoder(16))
    return str(tmp_path)


def build(folder, **kwargs):
    return TRANSFORMS.build(
        dict(type='LoadTeacherKnowledge', cache=folder, **kwargs)
    )


def test_pseudo_labels_of_the_image(folder):
    transform = build(folder, vocabulary='hico_det')
    for copy in (transform, pickle.loads(pickle.dumps(transform))):
        results = copy(dict(key='a.jpg', other=1))
        teacher = results['teacher']
        assert teacher['valid'] is True and results['other'] == 1
        vocabulary = HOIVocabulary.load('hico_det')
        assert vocabulary.names[teacher['hoi_labels'][0]] == 'ride bicycle'
        assert teacher['scores'].tolist() == [0.75]
        assert teacher['sentence_embeds'].shape == (1, 16)


def test_missing_image_is_masked_or_an_error(folder):
    masked = build(folder, missing='mask')(dict(key='b.jpg'))['teacher']
    full = build(folder)(dict(key='a.jpg'))['teacher']
    assert masked['valid'] is False and masked.keys() == full.keys()
    for name, value in masked.items():
        if name != 'valid':
            assert value.dtype == full[name].dtype
            assert value.shape[1:] == full[name].shape[1:]
            assert name == 'caption_embed' or len(value) == 0
    assert not np.any(masked['caption_embed'])
    with pytest.raises(KeyError, match='"b.jpg" is not in') as error:
        build(folder)(dict(key='b.jpg'))
    assert folder in str(error.value) and 'mask' in str(error.value)


def test_wrong_use_is_an_error(folder, tmp_path):
    with pytest.raises(ValueError, match='vocabulary.name'):
        build(folder, vocabulary='v_coco')
    with pytest.raises(ValueError, match="'error' or 'mask'"):
        build(folder, missing='ignore')
    with pytest.raises(FileNotFoundError, match='manifest.json'):
        build(str(tmp_path / 'none'))


HUMAN, THING = [5.0, 5, 25, 55], [20.0, 20, 50, 50]
FAR = [60.0, 10, 75, 50]


@pytest.fixture
def pointing(tmp_path):
    """Build a cache with pointed pairs of two labels."""
    pairs = (tuple(HUMAN + THING), tuple(FAR + THING))
    words = PseudoLabels(
        'a.jpg',
        'A dog.',
        ['A dog.'],
        [
            Interaction('ride', 'bicycle', 0.75, pointed=pairs),
            Interaction('hold', 'bicycle', 0.5),
            Interaction('sit_on', 'bicycle', 0.5, pointed=pairs[:1]),
        ],
    )
    no_pairs = PseudoLabels('b.jpg', '', [], [])
    vocabulary = HOIVocabulary.load('hico_det')
    pack_cache(
        [words, no_pairs], tmp_path / 'p', vocabulary, HashedTextEncoder(16)
    )
    return dict(type='LoadTeacherKnowledge', cache=str(tmp_path / 'p'))


def pointed(sample):
    teacher = sample.teacher
    return (
        teacher.pointed_labels.tolist(),
        teacher.pointed_human_bboxes.tolist(),
        teacher.pointed_object_bboxes.tolist(),
    )


DETECTIONS = dict(
    bboxes=np.array([HUMAN, FAR, THING]),
    labels=np.array([0, 0, 1]),
    scores=np.ones(3, np.float32),
)
ORDERS = {
    'annotations': [LOAD, 'knowledge'],
    'annotations last': ['knowledge', LOAD],
    'ground truth': [LOAD, 'knowledge', dict(type='LoadDetections')],
    'detections': [
        'knowledge',
        dict(type='LoadDetections', source='results'),
    ],
    'alone': ['knowledge'],
}


@pytest.mark.parametrize('order', ORDERS)
def test_pointed_pairs_follow_resize_and_flip(pointing, order):
    detections = DETECTIONS if order == 'detections' else None
    results = make_results(BOXES, [(0, 1)], key='a.jpg', detections=detections)
    if order in ('detections', 'alone'):  # No annotations at all.
        for name in ('rows', 'hois', 'instances', 'image_hoi_labels'):
            del results[name]
    steps = [
        pointing if step == 'knowledge' else step for step in ORDERS[order]
    ]
    sample = pack(
        results,
        *steps,
        dict(type='Resize', scale=(160, 120)),
        dict(type='RandomFlip', prob=1.0),
    )
    human, far = [110, 10, 150, 110], [10, 20, 40, 100]
    thing = [60, 40, 120, 100]
    assert pointed(sample) == ([0, 0, 2], [human, far, human], [thing] * 3)
    # Other transforms are unaffected.
    if order.startswith('annotations') or order == 'ground truth':
        assert len(sample.gt_instances) == 3
        assert len(sample.ignored_instances) == 0
        assert sample.gt_hois.human_inds.tolist() == [0]
    if order in ('detections', 'ground truth'):
        assert len(sample.detections) == 3
    if order == 'alone':
        assert 'bboxes' not in sample.gt_instances
        assert 'gt_hois' not in sample


def test_pairs_that_lost_a_box_are_dropped(pointing):
    sample = pack(
        make_results(BOXES, [(0, 1)], key='a.jpg'),
        LOAD,
        pointing,
        dict(
            type='FilterAnnotations', min_gt_bbox_wh=(18, 5)
        ),  # FAR is 15 wide.
    )
    labels, humans, _ = pointed(sample)
    assert labels == [0, 2] and humans == [HUMAN, HUMAN]


def test_images_without_pointed_pairs(pointing):
    sample = pack(make_results(BOXES, key='b.jpg'), LOAD, pointing)
    assert pointed(sample) == ([], [], [])
    assert len(sample.gt_instances) == 3
    masked = dict(pointing, missing='mask')
    sample = pack(make_results(BOXES, key='c.jpg'), LOAD, masked)
    assert pointed(sample) == ([], [], []) and not sample.teacher.valid


def test_pointed_pairs_are_loaded_before_the_image_is_flipped(pointing):
    with pytest.raises(RuntimeError, match='right after LoadImage'):
        run(
            make_results(BOXES, key='a.jpg'),
            LOAD,
            dict(type='RandomFlip', prob=1.0),
            pointing,
        )
