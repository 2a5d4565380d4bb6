"""Differences between HICO-DET evaluation protocols on minimal cases."""

import numpy as np
import pytest
from test_hico_det_core import pairs

from clhoi_mm.evaluation.core import (
    evaluate_hico_det,
    read_sample,
    stack_records,
)

A, B = [0, 0, 4, 4], [4, 0, 8, 4]
FAR = [50, 50, 60, 60]


def aps(samples, hoi_objects=(0, 0, 1)):
    """Return the result by protocol."""
    records = [read_sample(sample, len(hoi_objects)) for sample in samples]
    return {
        protocol: evaluate_hico_det(
            *stack_records(records), np.array(hoi_objects), protocol
        )
        for protocol in ('official', 'qpic', 'pocket')
    }


def sample(img_id, gt, pred):
    return dict(img_id=img_id, gt_hois=pairs(gt, False),
                pred_hois=pairs(pred, True))  # fmt: skip


def first_class(samples):
    return {name: float(result.ap[0]) for name, result in aps(samples).items()}


def test_an_iou_of_exactly_one_half():
    """The person's IoU is 8/16: a match except for pocket.

    qpic computes 5 x 3 of 5 x 5 pixels.
    """
    half = [0, 0, 4, 2]
    found = first_class([sample(0, [(A, B, 0)], [(half, B, 0, 0.9)])])
    assert found == dict(official=1, qpic=1, pocket=0)


def test_inclusive_pixel_extents():
    """IoU: 7.6/16 for continuous boxes, (5 x 2.9)/25 for qpic."""
    less = [0, 0, 4, 1.9]
    found = first_class([sample(0, [(A, B, 0)], [(less, B, 0, 0.9)])])
    assert found == dict(official=0, qpic=1, pocket=0)


def test_touching_boxes():
    """Two equal objects of zero width.

    Inclusive extents would make them match, but qpic finds no intersection.
    """
    thin = [0, 0, 0, 10]
    found = first_class([sample(0, [(A, thin, 0)], [(A, thin, 0, 0.9)])])
    assert found == dict(official=0, qpic=0, pocket=0)


def test_images_without_ground_truth():
    """False positives in them count in official only: precision 1/2."""
    found = first_class(
        [
            sample(0, [(A, B, 0)], [(A, B, 0, 0.5)]),
            sample(1, [], [(A, B, 0, 0.9)]),
        ]
    )
    assert found == dict(official=1 / 2, qpic=1, pocket=1)


def test_images_with_ground_truth_of_another_class():
    """False positives in them count in all protocols."""
    found = first_class(
        [
            sample(0, [(A, B, 0)], [(A, B, 0, 0.5)]),
            sample(1, [(A, B, 2)], [(A, B, 0, 0.9)]),
        ]
    )
    assert found == dict(official=1 / 2, qpic=1 / 2, pocket=1 / 2)


def test_classes_without_ground_truth():
    """Such classes have AP 0 or are excluded from means."""
    results = aps([sample(0, [(A, B, 0)], [(A, B, 0, 0.5), (A, B, 1, 0.4)])])
    rare = np.array([False, True, False])
    metrics = {p: r.summary(rare) for p, r in results.items()}
    for protocol in ('official', 'pocket'):
        assert metrics[protocol]['mAP'] == pytest.approx(100 / 3)
        assert metrics[protocol]['mAP_rare'] == 0
        assert metrics[protocol]['mAP_non_rare'] == 50
    assert metrics['qpic'] == dict(
        mAP=100, mAP_non_rare=100, mAP_ko=100, mAP_ko_non_rare=100
    )


def test_at_most_100_predictions_an_image():
    """The hit is the 101st by score, then the 100th.

    Among equal scores the first row is kept.
    """
    misses = [(FAR, FAR, 2, 0.9)] * 99
    gt, hit = [(A, B, 0)], (A, B, 0, 0.5)
    over = sample(0, gt, misses + [(FAR, FAR, 2, 0.9), hit])
    assert first_class([over]) == dict(official=1, qpic=0, pocket=1)
    within = sample(0, gt, misses + [hit])
    assert first_class([within])['qpic'] == 1
    tie = sample(0, gt, misses + [hit, (FAR, FAR, 2, 0.5)])
    assert first_class([tie])['qpic'] == 1
    late = sample(0, gt, misses + [(FAR, FAR, 2, 0.5), hit])
    assert first_class([late])['qpic'] == 0


def test_prediction_limit_is_per_image():
    samples = [
        sample(i, [(A, B, 0)], [(FAR, FAR, 2, 0.9)] * 99 + [(A, B, 0, 0.5)])
        for i in range(3)
    ]
    assert first_class(samples)['qpic'] == 1


def test_recall_levels_affected_by_rounding():
    """Recall 6/10 reaches level 0.6, or 0.5 for qpic."""
    boxes = [[10 * i, 0, 10 * i + 4, 4] for i in range(10)]
    gt = [(box, box, 0) for box in boxes]
    pred = [(box, box, 0, 0.9) for box in boxes[:6]]
    found = first_class([sample(0, gt, pred)])
    assert found == pytest.approx(
        dict(official=7 / 11, qpic=6 / 11, pocket=7 / 11)
    )


def test_duplicates_in_all_protocols():
    """The best-scored duplicate matches, at any position in the list."""
    found = first_class(
        [
            sample(
                0,
                [(A, B, 0), (B, A, 0)],
                [(A, B, 0, 0.5), (A, B, 0, 0.9), (B, A, 0, 0.1)],
            )
        ]
    )
    expected = (6 + 5 * 2 / 3) / 11
    assert found == pytest.approx(dict.fromkeys(found, expected))


def test_known_object_in_all_protocols():
    results = aps(
        [
            sample(0, [(A, B, 0)], [(A, B, 0, 0.5)]),
            sample(1, [(A, B, 2)], [(A, B, 0, 0.9)]),
        ]
    )
    assert {p: float(r.ap_ko[0]) for p, r in results.items()} == dict(
        official=1, qpic=1, pocket=1
    )
