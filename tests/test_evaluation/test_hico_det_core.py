import subprocess
import sys
import time

import literal_official
import literal_pocket
import literal_qpic
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clhoi_mm.evaluation.core import (
    HICO_DET_PROTOCOLS,
    RECALL_LEVELS,
    RISING_RECALL_LEVELS,
    HOIRecord,
    PairTable,
    aligned_ious,
    evaluate_hico_det,
    read_sample,
    stack_records,
)

# Boxes on a coarse grid: many share corners, have an IoU of exactly 0.5, or
# are degenerate.
BOXES = [[0, 0, 4, 4], [0, 0, 4, 2], [0, 0, 2, 4], [1, 0, 5, 4], [2, 2, 6, 6],
         [0, 0, 4, 3], [3, 3, 3, 6], [10, 10, 20, 20]]  # fmt: skip
HOI_OBJECTS = [0, 0, 1, 2, 2]
HOIS = st.integers(0, len(HOI_OBJECTS) - 1)
SCORES = st.sampled_from([0.1, 0.25, 0.5, 0.5, 0.75, 0.9])


def pairs(rows, scored):
    columns = list(zip(*rows)) or [[]] * (4 if scored else 3)
    names = ['human_bboxes', 'object_bboxes', 'hoi_labels', 'scores']
    return {name: list(column) for name, column in zip(names, columns)}


@st.composite
def samples(draw):
    boxes = st.sampled_from(BOXES)
    result = []
    for i in range(draw(st.integers(0, 4))):
        gt = draw(st.lists(st.tuples(boxes, boxes, HOIS), max_size=5))
        pred = draw(st.lists(st.tuples(boxes, boxes, HOIS, SCORES),
                             max_size=12))  # fmt: skip
        if draw(st.booleans()):  # The same pair predicted again.
            pred = pred + pred[:3]
        sample = dict(
            img_id=i, gt_hois=pairs(gt, False), pred_hois=pairs(pred, True)
        )
        if draw(st.booleans()):
            sample['image_hoi_labels'] = draw(st.lists(HOIS, max_size=3))
        result.append(sample)
    return result


def score(samples, hoi_objects=HOI_OBJECTS, **kwargs):
    records = [read_sample(sample, len(hoi_objects)) for sample in samples]
    return evaluate_hico_det(
        *stack_records(records), np.array(hoi_objects), **kwargs
    )


def literal(samples, protocol):
    """Compute all classes' AP in both settings, NaN without pairs."""
    if protocol != 'qpic':
        module = dict(official=literal_official, pocket=literal_pocket)
        return module[protocol].evaluate(samples, HOI_OBJECTS)
    return [
        [aps.get(label, 0.0) for label in range(len(HOI_OBJECTS))]
        for aps in literal_qpic.evaluate(samples, HOI_OBJECTS)
    ]


@pytest.mark.parametrize('protocol', HICO_DET_PROTOCOLS)
@settings(max_examples=120, deadline=None, derandomize=True)
@given(samples())
def test_equals_literal_protocol(protocol, samples):
    result = score(samples, protocol=protocol)
    default, known_object = literal(samples, protocol)
    np.testing.assert_allclose(result.ap, default, atol=1e-12)
    np.testing.assert_allclose(result.ap_ko, known_object, atol=1e-12)


def many_samples(seed=0):
    """Build random samples that cover the protocol's corner cases.

    Long ranked lists, real-valued boxes, tied scores, more than 100
    predictions in an image, and images without ground truth.
    """
    rng = np.random.default_rng(seed)

    def boxes(num):
        corner = rng.uniform(0, 3, (num, 2))
        return np.hstack([corner, corner + rng.uniform(4, 6, (num, 2))])

    def some_pairs(num, scored):
        columns = [boxes(num), boxes(num), rng.integers(0, 5, num)]
        if scored:
            columns.append(rng.integers(0, 40, num) / 40)
        return pairs(
            [[v.tolist() for v in row] for row in zip(*columns)], scored
        )

    return [
        dict(img_id=i, gt_hois=some_pairs(rng.integers(0, 12) * (i % 5 > 0),
                                          False),
             pred_hois=some_pairs(rng.integers(40, 130), True))
        for i in range(30)
    ]  # fmt: skip


@pytest.mark.parametrize('protocol', HICO_DET_PROTOCOLS)
def test_equals_literal_protocol_on_many_images(protocol):
    many = many_samples()
    result = score(many, protocol=protocol)
    default, known_object = literal(many, protocol)
    np.testing.assert_allclose(result.ap, default, atol=1e-12)
    np.testing.assert_allclose(result.ap_ko, known_object, atol=1e-12)
    assert 0 < result.ap.min() and result.ap.max() < 1


def test_protocols_differ_on_the_same_predictions():
    many = many_samples()
    metrics = {p: score(many, protocol=p).summary()['mAP']
               for p in HICO_DET_PROTOCOLS}  # fmt: skip
    assert len(set(metrics.values())) == 3


def test_recall_levels():
    assert RECALL_LEVELS.tolist() == literal_official.LEVELS
    # Recall 6/10 reaches the seventh level; numpy's rounded ones do not.
    assert np.searchsorted(RECALL_LEVELS, 6 / 10, side='right') == 7
    assert np.searchsorted(RISING_RECALL_LEVELS, 6 / 10, side='right') == 6


def test_ious_by_hand():
    whole = np.array([[0, 0, 4, 4]] * 5)
    others = np.array([[0, 0, 4, 4], [0, 0, 4, 2], [2, 2, 6, 6],
                       [4, 0, 8, 4], [3, 3, 3, 3]])  # fmt: skip
    np.testing.assert_allclose(
        aligned_ious(whole, others), [1, 0.5, 4 / 28, 0, 0]
    )
    point = np.array([[1, 1, 1, 1]])
    assert aligned_ious(point, point) == 0


A, B, FAR = [0, 0, 4, 4], [4, 0, 8, 4], [50, 50, 60, 60]
BETWEEN, LATER = [1, 0, 5, 4], [2, 0, 6, 4]


def one_class(gt, pred):
    return score([dict(img_id=0, gt_hois=pairs([(*g, 0) for g in gt], False),
                       pred_hois=pairs([(h, o, 0, s) for h, o, s in pred],
                                       True))], [0]).ap[0]  # fmt: skip


@pytest.mark.parametrize(
    'gt, pred, expected',
    [
        ([(A, B)], [(A, B, 0.9)], 1),
        ([(A, B)], [], 0),
        ([], [(A, B, 0.9)], 0),
        # Duplicate: a false positive, but after full recall.
        ([(A, B)], [(A, B, 0.9), (A, B, 0.8)], 1),
        # The duplicate precedes the second pair: precision 1 up to recall 1/2
        # (levels 0 to .5), 2/3 beyond.
        (
            [(A, B), (B, A)],
            [(A, B, 0.9), (A, B, 0.8), (B, A, 0.7)],
            (6 + 5 * 2 / 3) / 11,
        ),
        # An additional miss ranked first: precision 1/2 everywhere.
        ([(A, B)], [(FAR, B, 0.9), (A, B, 0.8)], 1 / 2),
        # Minimum of both IoUs: the person matches, the object does not.
        ([(A, B)], [(A, FAR, 0.9)], 0),
        # An IoU of exactly one half is a match.
        ([(A, B)], [([0, 0, 4, 2], B, 0.9)], 1),
        ([(A, B)], [([0, 0, 4, 1.99], B, 0.9)], 0),
        # Only the best ground truth is considered, although the other one also
        # overlaps by more than one half.
        ([(A, B), ([0, 0, 4, 3], B)], [(A, B, 0.9), (A, B, 0.8)], 6 / 11),
        # Both IoUs are 3/5 and the first pair is taken: a second prediction of
        # the first pair is a false positive, of the second pair is not.
        ([(A, B), (LATER, B)], [(BETWEEN, B, 0.9), (A, B, 0.8)], 6 / 11),
        ([(A, B), (LATER, B)], [(BETWEEN, B, 0.9), (LATER, B, 0.8)], 1),
        # Half of the pairs found: recall .5 reaches six levels.
        ([(A, B), (B, A)], [(A, B, 0.9)], 6 / 11),
        # Ties keep their order: miss first, then hit.
        ([(A, B)], [(FAR, B, 0.5), (A, B, 0.5)], 1 / 2),
        ([(A, B)], [(A, B, 0.5), (FAR, B, 0.5)], 1),
    ],
)
def test_one_class_by_hand(gt, pred, expected):
    assert one_class(gt, pred) == pytest.approx(expected, abs=1e-12)


def test_known_object_by_hand():
    """Classes 0 and 1 share an object, class 2 does not."""
    hit, nothing = (A, B, 0, 0.5), pairs([], False)
    samples = [
        # A hit.
        dict(img_id=0, gt_hois=pairs([(A, B, 0)], False),
             pred_hois=pairs([hit], True)),
        # Another class of the object: counted in both settings.
        dict(img_id=1, gt_hois=pairs([(A, B, 1)], False),
             pred_hois=pairs([(A, B, 0, .9)], True)),
        # Another object only: counted in Default only.
        dict(img_id=2, gt_hois=pairs([(A, B, 2)], False),
             pred_hois=pairs([(A, B, 0, .8)], True)),
        # An image-level label without a pair (invisible): both settings.
        dict(img_id=3, gt_hois=nothing, image_hoi_labels=[1],
             pred_hois=pairs([(A, B, 0, .7)], True)),
        # No annotation at all: Default only.
        dict(img_id=4, gt_hois=nothing, pred_hois=pairs([(A, B, 0, .6)],
                                                        True)),
    ]  # fmt: skip
    result = score(samples, [0, 0, 1])
    np.testing.assert_allclose(result.ap, [1 / 5, 0, 0])
    np.testing.assert_allclose(result.ap_ko, [1 / 3, 0, 0])
    assert result.num_gt.tolist() == [1, 1, 1]
    summary = result.summary(rare=np.array([True, False, False]))
    assert summary == pytest.approx({
        'mAP': 100 / 15, 'mAP_rare': 20, 'mAP_non_rare': 0,
        'mAP_ko': 100 / 9, 'mAP_ko_rare': 100 / 3, 'mAP_ko_non_rare': 0
    })  # fmt: skip
    assert score(samples, [0, 0, 1], known_object=False).ap_ko is None


def test_class_without_ground_truth_counts_as_zero():
    sample = dict(img_id=0, gt_hois=pairs([(A, B, 0)], False),
                  pred_hois=pairs([(A, B, 0, .9)], True))  # fmt: skip
    summary = score([sample], [0, 1]).summary()
    assert summary == {'mAP': 50, 'mAP_ko': 50}


def test_summary_omits_empty_subsets():
    result = score([], [0, 1])
    assert result.summary(np.array([False, False])) == {
        'mAP': 0, 'mAP_non_rare': 0, 'mAP_ko': 0, 'mAP_ko_non_rare': 0
    }  # fmt: skip


def test_labels_outside_the_classes_are_ignored():
    sample = dict(img_id=0, gt_hois=pairs([(A, [float('nan')] * 4, -1),
                                           (A, B, 0)], False),
                  pred_hois=pairs([(A, [float('nan')] * 4, -1, .95),
                                   (A, B, 0, .9)], True))  # fmt: skip
    record = read_sample(sample, 1)
    assert record.num_outside == 2
    assert len(record.gt) == len(record.pred) == 1
    assert evaluate_hico_det(*stack_records([record]), np.array([0])).ap == [1]


def test_core_imports_numpy_alone():
    code = (
        'import sys; import clhoi_mm.evaluation.core; '
        'print([m for m in ("torch", "mmengine", "mmdet", "cv2", '
        '"matplotlib") if m in sys.modules])'
    )
    output = subprocess.run(
        [sys.executable, '-c', code],
        check=True,
        capture_output=True,
        text=True,
    )
    assert output.stdout.strip() == '[]'


def full_size_records(num_images=9658, num_preds=100, num_hois=600):
    """Build records of HICO-DET's test size, one third near hits."""
    rng = np.random.default_rng(0)
    records = []
    for i in range(num_images):
        num_gt = rng.integers(1, 7)
        corner = rng.uniform(0, 300, (num_preds, 2, 2))
        boxes = np.concatenate(
            [corner, corner + rng.uniform(50, 300, (num_preds, 2, 2))], axis=2
        ).astype(np.float32)
        labels = rng.integers(0, num_hois, num_preds)
        gt_boxes, gt_labels = boxes[:num_gt], labels[:num_gt]
        same = num_preds // 3
        boxes[:same] = boxes[rng.integers(0, num_gt, same)]
        boxes[:same] += rng.uniform(-20, 20, (same, 2, 4))
        labels[:same] = labels[rng.integers(0, num_gt, same)]
        zeros = np.zeros(num_preds, dtype=np.int64)
        records.append(
            HOIRecord(
                i,
                PairTable(
                    zeros[:num_gt],
                    gt_boxes[:, 0],
                    gt_boxes[:, 1],
                    gt_labels,
                    np.ones(num_gt, dtype=np.float32),
                ),
                PairTable(
                    zeros,
                    boxes[:, 0],
                    boxes[:, 1],
                    labels,
                    rng.random(num_preds, dtype=np.float32),
                ),
                gt_labels,
                0,
            )
        )
    return records


def test_full_size_evaluation_is_fast():
    records = full_size_records()
    start = time.process_time()
    result = evaluate_hico_det(*stack_records(records), np.arange(600) % 80)
    assert result.num_pred == 965800
    assert 0 < result.ap.mean() < 1
    assert time.process_time() - start < 10
