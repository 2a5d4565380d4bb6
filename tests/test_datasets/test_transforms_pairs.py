"""Pairs stay correct under mmdet's geometric transforms."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.structures import BaseDataElement

from clhoi_mm.structures import HOIDataSample, TrackedBoxes
from tests.pipelines import BOXES, LOAD, make_results, pack, run


def test_flip_and_resize_by_hand():
    sample = pack(
        make_results(BOXES, [(0, 1), (2, 1)]),
        LOAD,
        dict(type='Resize', scale=(160, 120)),
        dict(type='RandomFlip', prob=1.0),
    )
    assert isinstance(sample, HOIDataSample)
    assert sample.gt_instances.bboxes.tolist() == [
        [110, 10, 150, 110],
        [60, 40, 120, 100],
        [10, 20, 40, 100],
    ]
    hois = sample.gt_hois
    assert hois.human_inds.tolist() == [0, 2]
    assert hois.object_inds.tolist() == [1, 1]
    assert hois.human_bboxes.tolist() == [BOXES[0], BOXES[2]]
    assert hois.object_bboxes.tolist() == [BOXES[1], BOXES[1]]
    assert sample.scale_factor == (2, 2) and sample.flip
    assert sample.gt_persons.bboxes.tolist() == [BOXES[0]]


def test_filtered_box_takes_its_pairs_with_it():
    boxes = [[0, 0, 2, 50]] + BOXES
    sample = pack(
        make_results(boxes, [(0, 2), (1, 2), (3, 0), (3, 2)]),
        LOAD,
        dict(type='FilterAnnotations', min_gt_bbox_wh=(5, 5)),
    )
    assert sample.gt_instances.labels.tolist() == [1, 2, 3]
    assert sample.gt_hois.human_inds.tolist() == [0, 2]
    assert sample.gt_hois.object_inds.tolist() == [1, 1]
    assert sample.gt_hois.hoi_labels.tolist() == [51, 53]
    assert sample.image_hoi_labels.tolist() == [50, 51, 52, 53]


def test_absent_role_and_lost_role_differ():
    results = make_results(BOXES, [(0, -1), (0, 1)])
    results['instances'].pop(1)
    hois = pack(results, LOAD).gt_hois
    assert hois.verb_labels.tolist() == [5]
    assert hois.object_inds.tolist() == [-1]
    assert (
        hois.object_bboxes.isnan().all()
        and hois.object_labels.tolist() == [-1]
    )


def test_annotations_are_loaded_right_after_a_resize():
    resize = dict(type='Resize', scale=(40, 30))
    first = pack(make_results(BOXES, [(0, 1)]), LOAD, 'LoadDetections', resize)
    after = pack(make_results(BOXES, [(0, 1)]), resize, LOAD, 'LoadDetections')
    for a, b in (
        (first.gt_instances, after.gt_instances),
        (first.detections, after.detections),
    ):
        assert torch.equal(a.bboxes, b.bboxes)
        assert torch.equal(a.labels, b.labels)
    with pytest.raises(RuntimeError, match='flipped, cropped or padded'):
        pack(make_results(BOXES), dict(type='RandomFlip', prob=1.0), LOAD)
    with pytest.raises(RuntimeError, match='flipped, cropped or padded'):
        pack(
            make_results(BOXES),
            dict(type='RandomCrop', crop_size=(20, 20)),
            resize,
            LOAD,
        )


def test_image_without_boxes_has_empty_fields():
    sample = pack(
        make_results([]),
        LOAD,
        'LoadDetections',
        dict(type='RandomFlip', prob=1.0),
        dict(type='Resize', scale=(160, 120)),
    )
    assert sample.detections.bboxes.shape == (0, 4)
    assert sample.gt_hois.object_bboxes.shape == (0, 4)
    assert sample.gt_instances.labels.dtype == torch.int64


def test_pseudo_labels_are_packed():
    words = dict(
        caption_embed=np.ones(4, np.float32),
        scores=np.zeros(2, np.float32),
        valid=True,
    )
    teacher = pack(make_results(BOXES, teacher=words), LOAD).teacher
    assert isinstance(teacher, BaseDataElement) and teacher.valid is True
    assert torch.equal(teacher.caption_embed, torch.ones(4))
    words['scores'][:] = 1
    assert teacher.scores.tolist() == [0, 0]


def test_without_boxes_only_testing_keeps_pairs():
    results = make_results(BOXES, [(0, 1)])
    assert 'gt_hois' not in pack(dict(results))
    hois = pack(dict(results, test_mode=True)).gt_hois
    assert hois.human_inds.tolist() == [-1]
    assert hois.human_bboxes.tolist() == [BOXES[0]]


def break_ids(results):
    results['gt_bboxes'] = TrackedBoxes(results['gt_bboxes'].tensor)
    return results


def break_order(results):
    results['gt_bboxes'] = results['gt_bboxes'][[1, 0, 2]]
    return results


@pytest.mark.parametrize(
    'step, message',
    [
        (break_ids, 'lost their row ids'),
        (break_order, 'labels do not fit'),
    ],
)
def test_mispairing_transforms_are_refused(step, message):
    results = step(run(make_results(BOXES, [(0, 1)]), LOAD))
    with pytest.raises(RuntimeError, match=message):
        run(results, 'PackHOIInputs')


@pytest.mark.parametrize(
    'steps, error, message',
    [
        (['LoadAnnotations'], RuntimeError, 'LoadHOIAnnotations instead'),
        (['LoadDetections'], KeyError, 'LoadHOIAnnotations before'),
        (
            [LOAD, dict(type='LoadDetections', source='results')],
            KeyError,
            "hold no 'detections'",
        ),
        (
            [LOAD, dict(type='RandomErasing', n_patches=1, ratio=0.5)],
            RuntimeError,
            'RandomErasing',
        ),
    ],
)
def test_wrong_pipeline_errors_name_the_fix(steps, error, message):
    with pytest.raises(error, match=message):
        pack(make_results(BOXES), *steps)


@st.composite
def scenes(draw):
    width, height = draw(st.integers(40, 90)), draw(st.integers(40, 90))
    boxes = st.tuples(
        st.integers(0, width - 2),
        st.integers(0, height - 2),
        st.integers(1, 40),
        st.integers(1, 40),
    ).map(
        lambda b: (
            b[0],
            b[1],
            min(b[0] + b[2], width),
            min(b[1] + b[3], height),
        )
    )
    rows = draw(st.lists(boxes, max_size=6))
    detections = draw(st.lists(boxes, max_size=4))
    pairs = []
    if rows:
        row = st.integers(0, len(rows) - 1)
        pairs = draw(st.lists(st.tuples(row, row | st.just(-1)), max_size=6))
    return (width, height), rows, detections, pairs


SIZES = st.integers(20, 140)
# Transforms that record themselves in `homography_matrix`.
RECORDING = st.one_of(
    st.builds(
        lambda w, h, keep: dict(type='Resize', scale=(w, h), keep_ratio=keep),
        SIZES,
        SIZES,
        st.booleans(),
    ),
    st.sampled_from(['horizontal', 'vertical', 'diagonal']).map(
        lambda d: dict(type='RandomFlip', prob=1.0, direction=d)
    ),
    st.builds(
        lambda w, h: dict(
            type='RandomCrop', crop_size=(w, h), allow_negative_crop=True
        ),
        SIZES,
        SIZES,
    ),
)
FILTER = st.builds(
    lambda size: dict(
        type='FilterAnnotations', min_gt_bbox_wh=(size, size), keep_empty=False
    ),
    st.integers(1, 8),
)
OTHERS = st.sampled_from(
    [
        dict(type='MinIoURandomCrop'),
        dict(type='RandomShift', prob=1.0),
        dict(type='Expand', prob=1.0),
        dict(type='RandomAffine'),
        dict(
            type='RandomCenterCropPad',
            crop_size=(64, 64),
            ratios=(0.9, 1.1),
            mean=[0, 0, 0],
            std=[1, 1, 1],
            to_rgb=False,
            test_pad_mode=None,
        ),
    ]
)


def augment(scene, steps, seed):
    size, rows, detections, pairs = scene
    found = dict(
        bboxes=np.array(detections, np.float32).reshape(-1, 4),
        labels=np.zeros(len(detections), np.int64),
        scores=np.arange(len(detections), dtype=np.float32),
    )
    random.seed(seed), np.random.seed(seed)
    return run(
        make_results(rows, pairs, size, found),
        LOAD,
        dict(type='LoadDetections', source='results'),
        *steps,
    )


def check_pairs(sample, rows, pairs):
    """Labels identify rows and are moved with the boxes."""
    kept = sample.gt_instances.labels.tolist()
    hois = sample.gt_hois
    expected = [
        (k, h, o)
        for k, (h, o) in enumerate(pairs)
        if h in kept and (o in kept or o == -1)
    ]
    names = kept + [-1]
    got = [
        (hoi - 50, names[h], names[o])
        for hoi, h, o in zip(
            hois.hoi_labels.tolist(),
            hois.human_inds.tolist(),
            hois.object_inds.tolist(),
        )
    ]
    assert got == expected
    for (_, human, obj), sub, thing in zip(
        got, hois.human_bboxes.tolist(), hois.object_bboxes.tolist()
    ):
        assert sub == list(rows[human])
        assert obj == -1 or thing == list(rows[obj])


def project(box, matrix, shape):
    """Return where a transform moved a box."""
    x1, y1, x2, y2 = box
    corners = matrix @ np.array([[x1, x2], [y1, y2], [1, 1]], np.float64)
    xs = np.clip(np.sort(corners[0]), 0, shape[1])
    ys = np.clip(np.sort(corners[1]), 0, shape[0])
    return [xs[0], ys[0], xs[1], ys[1]]


@settings(max_examples=150)
@given(
    scenes(),
    st.lists(RECORDING | FILTER, max_size=5),
    st.integers(0, 2**32 - 1),
)
def test_paired_boxes_are_the_same_physical_boxes(scene, steps, seed):
    results = augment(scene, steps, seed)
    sample = run(dict(results), 'PackHOIInputs')['data_samples']
    _, rows, detections, pairs = scene
    check_pairs(sample, rows, pairs)
    matrix = results.get('homography_matrix', np.eye(3))
    shape = results['img'].shape
    for label, box in zip(
        sample.gt_instances.labels.tolist(),
        sample.gt_instances.bboxes.tolist(),
    ):
        expected = project(rows[label], matrix, shape)
        np.testing.assert_allclose(box, expected, atol=1e-2)
    for score, box in zip(
        sample.detections.scores.tolist(), sample.detections.bboxes.tolist()
    ):
        expected = project(detections[int(score)], matrix, shape)
        np.testing.assert_allclose(box, expected, atol=1e-2)


@settings(max_examples=100)
@given(
    scenes(),
    st.lists(RECORDING | FILTER | OTHERS, max_size=4),
    st.integers(0, 2**32 - 1),
)
def test_pairs_survive_any_geometry(scene, steps, seed):
    results = augment(scene, steps, seed)
    if results is not None:
        sample = run(results, 'PackHOIInputs')['data_samples']
        check_pairs(sample, scene[1], scene[3])
