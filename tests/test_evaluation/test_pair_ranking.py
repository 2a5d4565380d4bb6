import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.evaluation.core import (
    rank_pairs,
    read_sample,
    stack_records,
)

# Two classes of object 0, one of object 1, two of object 2.
HOI_OBJECTS = np.array([0, 0, 1, 2, 2])
# A coarse grid: some boxes have an IoU of exactly 0.5.
BOXES = [[0, 0, 4, 4], [0, 0, 4, 2], [2, 2, 6, 6], [0, 0, 4, 3],
         [10, 10, 20, 20]]  # fmt: skip
P, Q, FAR = [0, 0, 4, 4], [10, 10, 20, 20], [50, 50, 60, 60]


def table(rows, scored):
    names = ['human_bboxes', 'object_bboxes', 'hoi_labels', 'scores']
    columns = list(zip(*rows)) or [()] * 4
    return dict(zip(names[: 3 + scored], map(list, columns)))


def rank(images):
    """Rank images given as lists of annotated and predicted rows."""
    records = [
        read_sample(
            dict(
                img_id=i, gt_hois=table(gt, False), pred_hois=table(pred, True)
            ),
            len(HOI_OBJECTS),
        )
        for i, (gt, pred) in enumerate(images)
    ]
    truth, pred, _ = stack_records(records)
    return rank_pairs(truth, pred, HOI_OBJECTS)


def evaluate(images):
    return rank(images).result()


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inter = max(width, 0) * max(height, 0)
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return inter / (sum(areas) - inter)


def literal(images, several):
    """Compute each class's AP in plain loops over pairs."""
    aps = []
    for label, obj in enumerate(HOI_OBJECTS):
        ranked = []
        for gt, pred in images:
            rows = [row for row in pred if HOI_OBJECTS[row[2]] == obj]
            pairs = []
            for row in rows:
                if row[:2] not in pairs:
                    pairs.append(row[:2])
            if several and len(pairs) < 2:
                continue
            for pair in pairs:
                scores = [
                    row[3]
                    for row in rows
                    if row[:2] == pair and row[2] == label
                ]
                hit = any(
                    min(iou(pair[0], t[0]), iou(pair[1], t[1])) >= 0.5
                    for t in gt
                    if t[2] == label
                )
                ranked += [(score, hit) for score in scores or [-np.inf]]
        ranked.sort(key=lambda item: -item[0])
        hits = np.array([hit for _, hit in ranked], bool)
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        aps.append(precision[hits].mean() if hits.any() else np.nan)
    return aps


def test_pair_ranking_by_hand():
    result = evaluate(
        [
            # Two pairs with object 0: the wrong one ranks first for class 0.
            ([(P, Q, 0)], [(P, P, 0, 0.9), (P, Q, 0, 0.6), (P, Q, 1, 0.2)]),
            # One pair with object 0, correct and ranked first.
            ([(P, Q, 0)], [(P, Q, 0, 0.95)]),
            # Class 2: the annotated pair has an IoU below one half.
            ([(P, FAR, 2)], [(P, Q, 2, 0.8)]),
        ]
    )
    assert result.num_pairs == 4
    np.testing.assert_array_equal(result.num_positive, [2, 0, 0, 0, 0])
    np.testing.assert_allclose(result.ap, [(1 + 2 / 3) / 2] + [np.nan] * 4)
    np.testing.assert_allclose(result.ap_multi, [0.5] + [np.nan] * 4)
    assert result.summary() == pytest.approx(
        dict(AP=100 * 5 / 6, AP_multi=50.0)
    )


def test_matching_is_many_to_many():
    # Both candidates match the annotated pair; matches are not exclusive.
    near = [0, 0, 4, 3]
    result = evaluate(
        [([(P, Q, 0), (P, Q, 0)], [(P, Q, 0, 0.9), (near, Q, 0, 0.8)])]
    )
    assert result.ap[0] == 1 and result.num_positive[0] == 2


def test_pairs_without_a_score_rank_last():
    # Class 1 is true of the second pair, which has no row for it.
    gt, pred = [(P, Q, 1)], [(P, P, 1, 1e-9), (P, Q, 0, 0.9)]
    assert evaluate([(gt, pred)]).ap[1] == 0.5
    # It also ranks after rows of other images.
    assert evaluate([(gt, pred), ([], [(P, Q, 1, 1e-12)])]).ap[1] == 1 / 3


def test_summary_by_rarity_and_seen_classes():
    result = evaluate(
        [
            (
                [(P, Q, 0), (P, Q, 2)],
                [(P, Q, 0, 0.9), (P, Q, 2, 0.1), (P, P, 2, 0.2)],
            )
        ]
    )
    rare = np.array([True, False, False, False, False])
    assert result.summary(rare, ~rare) == pytest.approx(
        dict(
            AP=75,
            AP_rare=100,
            AP_non_rare=50,
            AP_unseen=50,
            AP_seen=100,
            AP_multi=50,
            AP_multi_non_rare=50,
            AP_multi_unseen=50,
        )
    )
    assert result.classwise('abcde') == pytest.approx(
        {'AP/a': 100, 'AP/c': 50, 'AP_multi/c': 50}
    )


@st.composite
def ranking_cases(draw):
    boxes, labels = st.sampled_from(BOXES), st.integers(0, 4)
    rows = st.tuples(boxes, boxes, labels)
    images = []
    for _ in range(draw(st.integers(0, 4))):
        said = draw(st.lists(rows, max_size=10, unique_by=str))
        images.append((draw(st.lists(rows, max_size=4)), said))
    # All scores differ; ties are tested by hand.
    count = sum(len(said) for _, said in images)
    order = iter(draw(st.permutations(range(count))))
    return [
        (gt, [(*row, (next(order) + 1) / 50) for row in said])
        for gt, said in images
    ]


@given(ranking_cases())
def test_equals_literal_implementation(images):
    result = evaluate(images)
    for several, ap in ((False, result.ap), (True, result.ap_multi)):
        np.testing.assert_allclose(ap, literal(images, several))


def test_ties_keep_the_order_of_rows():
    gt = [(P, Q, 0)]
    rows = [(P, Q, 0, 0.5), (P, P, 0, 0.5)]
    assert evaluate([(gt, rows)]).ap[0] == 1
    assert evaluate([(gt, rows[::-1])]).ap[0] == 0.5


@given(ranking_cases(), st.data())
def test_image_weights_equal_repetitions(images, data):
    """Weight 0 removes an image; doubling all weights changes nothing."""
    ranked = rank(images)
    shape = dict(min_size=len(images), max_size=len(images))
    weights = np.array(data.draw(st.lists(st.booleans(), **shape)), int)
    kept = [image for image, weight in zip(images, weights) if weight]
    for several, ap, doubled in zip(
        (False, True),
        ranked.mean_precisions(weights),
        ranked.mean_precisions(2 * weights),
    ):
        np.testing.assert_allclose(ap, literal(kept, several))
        np.testing.assert_allclose(doubled, ap)


def test_image_weights_by_hand():
    ranked = rank(
        [
            ([(P, Q, 0)], [(P, Q, 0, 0.9)]),
            ([], [(P, Q, 0, 0.8)]),
            ([(P, Q, 0)], [(P, Q, 0, 0.7)]),
        ]
    )
    ap, ap_multi = ranked.mean_precisions(np.array([1, 2, 3]))
    assert ap[0] == pytest.approx((1 + 3 * 4 / 6) / 4)
    assert np.isnan(ap_multi).all()
