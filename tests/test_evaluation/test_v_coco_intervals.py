"""Image weights of V-COCO's bootstrap equal repeated images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clhoi_mm.evaluation.core import (
    VCOCOActions,
    evaluate_v_coco,
    read_v_coco_sample,
    stack_v_coco_records,
    v_coco_intervals,
)
from clhoi_mm.evaluation.core.v_coco_intervals import WeightedVCOCO

VERBS = ['hold obj', 'stand', 'hit instr', 'hit obj', 'point instr']
ACTIONS = VCOCOActions.from_verbs(VERBS)
BOXES = np.array(
    [[0, 0, 10, 10], [0, 0, 10, 20], [20, 5, 30, 25], [2, 2, 12, 12]], float
)


def make_sample(rng, img_id):
    """Build an image with persons, roles and distinctly scored rows."""
    persons = rng.permutation(BOXES)[: rng.integers(1, 4)]
    roles = [
        (person, verb)
        for person in range(len(persons))
        for verb in range(len(VERBS))
        if rng.random() < 0.4
    ]
    rows = rng.integers(0, 7)
    absent = np.full(4, np.nan)
    return dict(
        img_id=img_id,
        ori_shape=(30, 40),
        gt_persons=dict(
            bboxes=persons, hoi_labelled=rng.random(len(persons)) < 0.8
        ),
        gt_hois=dict(
            human_bboxes=persons[[p for p, _ in roles]],
            object_bboxes=[
                absent if rng.random() < 0.3 else rng.choice(BOXES)
                for _ in roles
            ],
            verb_labels=[verb for _, verb in roles],
        ),
        pred_hois=dict(
            human_bboxes=rng.choice(BOXES, rows),
            object_bboxes=rng.choice([*BOXES, absent], rows),
            verb_labels=rng.integers(0, len(VERBS), rows),
            scores=rng.random(rows),
        ),
    )


def tables(samples):
    return stack_v_coco_records(
        [read_v_coco_sample(sample, len(VERBS)) for sample in samples]
    )


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32),
    st.lists(st.integers(0, 3), min_size=1, max_size=5).filter(any),
)
def test_image_weights_equal_repetitions(seed, weights):
    rng = np.random.default_rng(seed)
    samples = [make_sample(rng, i) for i in range(len(weights))]
    weighted = WeightedVCOCO(*tables(samples), ACTIONS)
    weights = np.array(weights)[: weighted.num_images]
    repeated = [
        dict(sample, img_id=(sample['img_id'], i))
        for sample, times in zip(samples, weights)
        for i in range(times)
    ]
    if not repeated:
        return
    summary = evaluate_v_coco(*tables(repeated), ACTIONS).summary()
    expected = [summary.get(f'AP_role_s{i}', np.nan) for i in (1, 2)]
    np.testing.assert_allclose(weighted.means(weights), expected)


def test_interval_contains_the_metric_and_narrows():
    widths = []
    for count in (30, 480):
        rng = np.random.default_rng(1)
        data = tables([make_sample(rng, i) for i in range(count)])
        ends = v_coco_intervals(*data, ACTIONS, 200)
        again = v_coco_intervals(*data, ACTIONS, 200)
        assert again == ends
        summary = evaluate_v_coco(*data, ACTIONS).summary()
        for name in ('AP_role_s1', 'AP_role_s2'):
            low, high = ends[f'{name}_low'], ends[f'{name}_high']
            assert low < summary[name] < high
            widths.append(high - low)
    # A quarter of the width with sixteen times the images.
    assert widths[2] == pytest.approx(widths[0] / 4, rel=0.5)


@pytest.mark.filterwarnings('ignore:Mean of empty slice')
@pytest.mark.filterwarnings('ignore:All-NaN slice')
def test_unlabeled_images_have_no_interval():
    empty = make_sample(np.random.default_rng(0), 0)
    empty['gt_persons']['hoi_labelled'][:] = False
    ends = v_coco_intervals(*tables([empty]), ACTIONS, 5)
    assert all(np.isnan(value) for value in ends.values())
