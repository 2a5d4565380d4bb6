"""LoadDetections: from ground truth, from elsewhere, merged."""

import numpy as np
import pytest
import torch

from tests.pipelines import BOXES, LOAD, make_results, pack, run

DETECTIONS = dict(
    bboxes=np.array([[0, 0, 20, 20], [40, 30, 80, 60]], np.float32),
    labels=np.array([3, 1]),
    scores=np.array([0.25, 0.75], np.float32),
    query_inds=np.array([17, 4]),
)


def test_given_detections_follow_flip_and_resize():
    sample = pack(
        make_results(BOXES, [(0, 1)], detections=DETECTIONS),
        LOAD,
        dict(type='LoadDetections', source='results'),
        dict(type='Resize', scale=(160, 120)),
        dict(type='RandomFlip', prob=1.0),
    )
    assert sample.detections.bboxes.tolist() == [
        [120, 0, 160, 40],
        [0, 60, 80, 120],
    ]
    assert sample.detections.labels.tolist() == [3, 1]
    assert sample.detections.scores.tolist() == [0.25, 0.75]
    assert sample.detections.query_inds.tolist() == [17, 4]
    assert sample.gt_instances.labels.tolist() == [0, 1, 2]


def test_detections_without_annotations():
    results = make_results(BOXES, detections=DETECTIONS)
    for key in ('rows', 'hois', 'instances', 'image_hoi_labels'):
        results.pop(key)
    sample = pack(
        results,
        dict(type='LoadDetections', source='results'),
        dict(type='Resize', scale=(40, 30)),
    )
    assert sample.detections.bboxes.tolist() == [
        [0, 0, 10, 10],
        [20, 15, 40, 30],
    ]
    assert len(sample.gt_instances) == 0 and 'gt_hois' not in sample


@pytest.mark.parametrize('clip', [True, False])
def test_detections_outside_the_image_are_dropped(clip):
    found = dict(
        bboxes=[[0, 0, 20, 20], [80, 10, 90, 20], [70, 50, 90, 70]],
        labels=np.array([1, 2, 3]),
        scores=np.ones(3, np.float32),
    )
    sample = pack(
        make_results(BOXES, detections=found),
        LOAD,
        dict(type='LoadDetections', source='results'),
        dict(type='Resize', scale=(80, 60), clip_object_border=clip),
    )
    assert sample.detections.labels.tolist() == [1, 3]
    assert len(sample.gt_instances) == 3


# Two copies of a person, a third that overlaps the second copy more than the
# first (IoU 0.82 and 0.67), and another class in the same place.
COPIES = [[0, 0, 20, 50], [2, 0, 22, 50], [4, 0, 24, 50], [0, 0, 20, 50]]


@pytest.mark.parametrize(
    'merge_iou, kept',
    [
        (0.7, [0, 2, 3]),
        (0.6, [0, 3]),
        (0.9, [0, 1, 2, 3]),
        (None, [0, 1, 2, 3]),
    ],
)
def test_near_duplicates_are_merged_in_detections_only(merge_iou, kept):
    results = make_results(COPIES, [(0, 3), (1, 3), (2, 3)])
    labels = np.array([0, 0, 0, 5])
    results['rows']['labels'] = labels
    for instance, label in zip(results['instances'], labels):
        instance['bbox_label'] = int(label)
    sample = pack(
        results, LOAD, dict(type='LoadDetections', merge_iou=merge_iou)
    )
    assert sample.detections.bboxes.tolist() == [COPIES[k] for k in kept]
    assert sample.detections.labels.tolist() == labels[kept].tolist()
    assert sample.gt_hois.human_inds.tolist() == [0, 1, 2]
    assert len(sample.gt_instances) == 4


def test_separate_boxes_are_not_merged():
    with pytest.raises(ValueError, match='merge_iou=0'):
        run(make_results(BOXES), dict(type='LoadDetections', merge_iou=0))
    sample = pack(make_results([]), LOAD, 'LoadDetections')
    assert len(sample.detections) == 0


def test_ground_truth_detections():
    results = make_results(BOXES, [(0, 1)])
    results['instances'][2]['ignore_flag'] = 1
    sample = pack(
        results, LOAD, 'LoadDetections', dict(type='RandomFlip', prob=1.0)
    )
    assert torch.equal(sample.detections.bboxes, sample.gt_instances.bboxes)
    assert sample.detections.labels.tolist() == [0, 1]
    assert sample.detections.scores.tolist() == [1, 1]
    assert len(sample.ignored_instances) == 1


def test_missing_detections_are_an_error():
    results = make_results(BOXES, detections=DETECTIONS)
    with pytest.raises(RuntimeError, match='Add LoadDetections'):
        pack(dict(results))
    with pytest.raises(RuntimeError, match='Add LoadDetections'):
        pack(results, LOAD)


def test_unknown_source():
    with pytest.raises(ValueError, match='ground_truth'):
        run({}, dict(type='LoadDetections', source='gt'))
