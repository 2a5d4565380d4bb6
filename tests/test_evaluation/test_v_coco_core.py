import literal_v_coco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clhoi_mm.evaluation.core import (
    VCOCOActions,
    evaluate_v_coco,
    read_v_coco_sample,
    stack_v_coco_records,
)

VERBS = ['hold obj', 'stand', 'hit instr', 'hit obj', 'point instr']
NAN = float('nan')
NOTHING, ZEROS = [NAN] * 4, [0.0] * 4
# In images of 40 x 30 pixels. Some boxes are equal, exceed the image, or are
# below the script's minimum size.
BOXES = [
    [0, 0, 10, 10],
    [0, 0, 10, 20],
    [2, 2, 12, 12],
    [20, 5, 30, 25],
    [35, 20, 44, 33],
    [5, 5, 6, 6],
    [0, 0, 9, 9],
    [30, 0, 39, 12],
]
BOXES = [[float(v) for v in box] for box in BOXES]


def make_sample(img_id, persons, roles, rows):
    """Build one image.

    Args:
        persons (list): (box, labeled).
        roles (list): (person's position, verb, box or NOTHING).
        rows (list): (person's box, box, verb, score[, agent score]).
    """
    pred = dict(human_bboxes=[row[0] for row in rows],
                object_bboxes=[row[1] for row in rows],
                verb_labels=[VERBS.index(row[2]) for row in rows],
                scores=[row[3] for row in rows])  # fmt: skip
    if rows and len(rows[0]) == 5:
        pred['agent_scores'] = [row[4] for row in rows]
    return dict(
        img_id=img_id,
        ori_shape=(30, 40),
        gt_persons=dict(
            bboxes=[box for box, _ in persons],
            hoi_labelled=[flag for _, flag in persons],
        ),
        gt_hois=dict(
            human_bboxes=[persons[p][0] for p, _, _ in roles],
            object_bboxes=[box for _, _, box in roles],
            verb_labels=[VERBS.index(verb) for _, verb, _ in roles],
        ),
        pred_hois=pred,
    )


def score(samples):
    records = [read_v_coco_sample(sample, len(VERBS)) for sample in samples]
    return evaluate_v_coco(
        *stack_v_coco_records(records), VCOCOActions.from_verbs(VERBS)
    )


@st.composite
def images(draw):
    boxes = st.sampled_from(BOXES)
    verbs = st.sampled_from(VERBS)
    scores = st.sampled_from([0.0, 0.25, 0.5, 0.5, 0.75, NAN])
    result = []
    with_agents = draw(st.booleans())
    for i in range(draw(st.integers(1, 4))):
        # Equal boxes of two persons would make the roles ambiguous.
        persons = draw(st.lists(boxes, max_size=4, unique_by=tuple))
        persons = [(box, draw(st.booleans())) for box in persons]
        roles = []
        if persons:
            keys = draw(st.lists(
                st.tuples(st.integers(0, len(persons) - 1), verbs),
                max_size=6, unique=True))  # fmt: skip
            roles = [
                (p, v, draw(st.sampled_from([*BOXES, NOTHING])))
                for p, v in keys
            ]
        row = [
            boxes,
            st.sampled_from([*BOXES, NOTHING, ZEROS]),
            verbs,
            scores,
        ] + [scores] * with_agents
        rows = draw(st.lists(st.tuples(*row), min_size=1, max_size=14))
        result.append(make_sample(i, persons, roles, rows))
    return result


def assert_equals_literal(samples):
    result = score(samples)
    s1, s2, agent = literal_v_coco.evaluate(samples, VERBS)
    np.testing.assert_allclose(result.ap_role_s1, s1, atol=1e-12)
    np.testing.assert_allclose(result.ap_role_s2, s2, atol=1e-12)
    np.testing.assert_allclose(result.ap_agent, agent, atol=1e-12)
    return result


@settings(max_examples=150, deadline=None, derandomize=True)
@given(images())
def test_equals_literal_protocol(samples):
    assert_equals_literal(samples)


def test_equals_literal_protocol_on_many_images():
    rng = np.random.default_rng(0)

    def box():
        corner = rng.uniform(0, 12, 2)
        return [*corner, *(corner + rng.uniform(12, 20, 2))]

    samples = []
    for i in range(40):
        persons = [
            (box(), bool(rng.random() < 0.8))
            for _ in range(rng.integers(0, 5))
        ]
        roles = [
            (p, verb, box() if rng.random() < 0.7 else NOTHING)
            for p in range(len(persons))
            for verb in VERBS
            if rng.random() < 0.6
        ]
        seen = [box() for _ in range(4)]
        rows = [
            (
                seen[rng.integers(4)],
                box() if rng.random() < 0.8 else NOTHING,
                VERBS[rng.integers(5)],
                rng.integers(0, 30) / 30,
            )
            for _ in range(40)
        ]
        samples.append(make_sample(i, persons, roles, rows))
    result = assert_equals_literal(samples)
    assert 0 < np.nanmin(result.ap_role_s1)
    assert np.nanmax(result.ap_role_s2) < 1


P, Q = [0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 20.0]
BALL, BAT = [10.0, 0.0, 20.0, 10.0], [0.0, 12.0, 10.0, 22.0]


def hold(persons, roles, rows):
    """Compute both scenarios' AP of 'hold obj', and of 'hold'."""
    result = score([make_sample(0, persons, roles, rows)])
    return (result.ap_role_s1[0], result.ap_role_s2[0], result.ap_agent[0])


ONE = [(P, True)]


@pytest.mark.parametrize('persons, roles, rows, expected', [
    # A true positive.
    (ONE, [(0, 'hold obj', BALL)], [(P, BALL, 'hold obj', .9)], (1, 1, 1)),
    # Wrong object: the person is right.
    (ONE, [(0, 'hold obj', BALL)], [(P, BAT, 'hold obj', .9)], (0, 0, 1)),
    # Empty role where an object is annotated.
    (ONE, [(0, 'hold obj', BALL)], [(P, NOTHING, 'hold obj', .9)], (0, 0, 1)),
    # Empty role where none is annotated, in two notations.
    (ONE, [(0, 'hold obj', NOTHING)], [(P, NOTHING, 'hold obj', .9)],
     (1, 1, 1)),
    (ONE, [(0, 'hold obj', NOTHING)], [(P, ZEROS, 'hold obj', .9)],
     (1, 1, 1)),
    # Object where none is annotated: scenario 2 ignores it.
    (ONE, [(0, 'hold obj', NOTHING)], [(P, BALL, 'hold obj', .9)],
     (0, 1, 1)),
    # An unlabeled person: ignored.
    ([(P, True), (Q, False)], [(0, 'hold obj', BALL)],
     [(Q, BALL, 'hold obj', .9), (P, BALL, 'hold obj', .5)], (1, 1, 1)),
    # A labeled person without the action: false, precision 1/2.
    ([(P, True), (Q, True)], [(0, 'hold obj', BALL)],
     [(Q, BALL, 'hold obj', .9), (P, BALL, 'hold obj', .5)],
     (.5, .5, .5)),
    # No overlap: the file's first person is matched, here unlabeled.
    ([(Q, False), (P, True)], [(1, 'hold obj', BALL)],
     [([32., 25., 39., 29.], BALL, 'hold obj', .9),
      (P, BALL, 'hold obj', .5)], (1, 1, 1)),
    ([(P, True), (Q, False)], [(0, 'hold obj', BALL)],
     [([32., 25., 39., 29.], BALL, 'hold obj', .9),
      (P, BALL, 'hold obj', .5)], (.5, .5, .5)),
    # One match per person and role: the second row is false, but for the agent
    # both rows are one person.
    ([(P, True), (Q, True)],
     [(0, 'hold obj', BALL), (1, 'hold obj', NOTHING)],
     [(P, BALL, 'hold obj', .9), (P, BALL, 'hold obj', .8),
      (Q, NOTHING, 'hold obj', .7)], (1 / 2 + 1 / 3,) * 2 + (1,)),
    # Of two unequal rows the better one represents the person.
    (ONE, [(0, 'hold obj', BALL)],
     [(P, BAT, 'hold obj', .9), (P, BALL, 'hold obj', .5)], (.5, .5, 1)),
    # Among ties the last row matches the person and ranks last.
    (ONE, [(0, 'hold obj', BALL)],
     [(P, BALL, 'hold obj', .5), (P, BALL, 'hold obj', .5)], (.5, .5, 1)),
    # Rows with NaN scores are ignored.
    (ONE, [(0, 'hold obj', BALL)],
     [(P, BALL, 'hold obj', NAN, .9)], (0, 0, 1)),
    (ONE, [(0, 'hold obj', BALL)],
     [(P, BALL, 'hold obj', .9, NAN)], (1, 1, 0)),
])  # fmt: skip
def test_hold_ap_by_hand(persons, roles, rows, expected):
    np.testing.assert_allclose(hold(persons, roles, rows), expected)


def test_positives_count_persons_not_boxes():
    """A person hits with a bat but without an object.

    It is a positive of 'hit obj', here matched in scenario 2 only.
    """
    result = score(
        [
            make_sample(
                0,
                ONE,
                [(0, 'hit instr', BAT)],
                [(P, BAT, 'hit instr', 0.9), (P, BALL, 'hit obj', 0.8)],
            )
        ]
    )
    assert result.ap_role_s1[2] == result.ap_role_s2[2] == 1
    assert result.ap_role_s1[3] == 0 and result.ap_role_s2[3] == 1
    assert result.num_gt.tolist() == [
        0,
        0,
        1,
        0,
    ]  # Order: hold, stand, hit, point.


def test_box_iou_equals_the_scripts():
    """The script adds one pixel to the predicted box only.

    The predicted box (11 x 5.6) shares 55 of them: 55/(100 + 72.6 - ...).
    """
    row = [0.0, 0.0, 10.0, 4.6]  # 11 x 5.6, of which 10 x 5.6 are inside.
    found = hold(
        ONE, [(0, 'hold obj', NOTHING)], [(row, NOTHING, 'hold obj', 0.9)]
    )
    overlap = 56 / (100 + 11 * 5.6 - 56)
    assert 0.5 < overlap < 0.54 and found[0] == 1
    found = hold(
        ONE,
        [(0, 'hold obj', NOTHING)],
        [([0.0, 0.0, 10.0, 4.0], NOTHING, 'hold obj', 0.9)],
    )
    assert 50 / (100 + 55 - 50) < 0.5 and found[0] == 0


def test_boxes_are_clipped_to_the_image():
    """The annotated box is clipped to x = 39.

    (4, 4) pixels remain, all inside the prediction (36 to 39).
    """
    person = [36.0, 26.0, 60.0, 60.0]
    found = hold(
        [(person, True)],
        [(0, 'hold obj', NOTHING)],
        [([36.0, 26.0, 39.0, 29.0], NOTHING, 'hold obj', 0.9)],
    )
    assert found == (1, 1, 1)


def test_ap_is_the_area_under_the_envelope():
    """Hit, miss, hit of three positives give 1/3 + 2/9.

    11-point interpolation would give more.
    """
    persons = [(P, True), (Q, True), (BAT, True)]
    roles = [(i, 'hold obj', NOTHING) for i in range(3)]
    rows = [(P, NOTHING, 'hold obj', .9), (Q, BALL, 'hold obj', .8),
            (Q, NOTHING, 'hold obj', .7)]  # fmt: skip
    assert hold(persons, roles, rows)[0] == pytest.approx(1 / 3 + 2 / 9)


def test_mean_ap_by_hand():
    """'point' is excluded from the first two means only.

    Verbs without a role or without positives are in no mean.
    """
    result = score([
        make_sample(0, ONE, [(0, 'hold obj', BALL), (0, 'point instr', BALL),
                             (0, 'stand', NOTHING)],
                    [(P, BALL, 'hold obj', .9), (P, BAT, 'point instr', .9),
                     (P, NOTHING, 'stand', .5)])
    ])  # fmt: skip
    assert np.isnan(result.ap_role_s1[1]) and np.isnan(result.ap_role_s1[2])
    assert result.summary() == dict(
        AP_role_s1=100,
        AP_role_s2=100,
        AP_role_s1_25=50,
        AP_role_s2_25=50,
        AP_agent=100,
    )
    assert result.classwise() == {
        'AP_role_s1/hold obj': 100, 'AP_role_s1/point instr': 0,
        'AP_role_s2/hold obj': 100, 'AP_role_s2/point instr': 0,
        'AP_agent/hold': 100, 'AP_agent/stand': 100, 'AP_agent/point': 100
    }  # fmt: skip


def test_images_without_persons_and_without_predictions():
    result = score(
        [
            make_sample(0, [], [], [(P, BALL, 'hold obj', 0.9)]),
            make_sample(1, ONE, [(0, 'hold obj', BALL)], []),
            make_sample(2, [], [], []),
        ]
    )
    assert result.ap_role_s1[0] == 0 and result.num_pred == 1
    assert score([make_sample(0, [], [], [])]).summary() == {}


def test_actions_of_verbs():
    actions = VCOCOActions.from_verbs(
        ['talk_on_phone instr', 'cut_instr', 'cut obj', 'run', 'point instr']
    )
    assert actions.actions == ('talk on phone', 'cut', 'run', 'point')
    assert actions.action_inds.tolist() == [0, 1, 1, 2, 3]
    assert actions.counts.tolist() == [True, True, True, False, False]
    with pytest.raises(ValueError, match='none of ride, feed ends in obj'):
        VCOCOActions.from_verbs(['ride', 'feed'])


def bad(field, key, value):
    sample = make_sample(
        7, ONE, [(0, 'hold obj', BALL)], [(P, BALL, 'hold obj', 0.9)]
    )
    if key is None:
        sample.pop(field)
    elif value is None:
        sample[field].pop(key)
    else:
        sample[field][key] = value
    return sample


@pytest.mark.parametrize('sample, error, message', [
    (bad('img_id', None, None), KeyError, 'img_id.*meta_keys'),
    (bad('gt_persons', None, None), KeyError, 'Image 7: gt_persons is miss'),
    (bad('pred_hois', 'verb_labels', None), KeyError, 'lacks verb_labels'),
    (bad('pred_hois', 'verb_labels', [5]), ValueError, 'holds 5, but'),
    (bad('pred_hois', 'human_bboxes', [NOTHING]), ValueError, 'not finite'),
    (bad('gt_hois', 'verb_labels', [-1]), ValueError, 'has a verb'),
    (bad('gt_hois', 'human_bboxes', [Q]), ValueError, 'not among gt_persons'),
    (bad('gt_persons', 'bboxes', [P, Q]), ValueError, r'shape \(1, 4\)'),
])  # fmt: skip
def test_bad_input(sample, error, message):
    with pytest.raises(error, match=message):
        read_v_coco_sample(sample, len(VERBS))
