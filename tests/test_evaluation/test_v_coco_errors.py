import json

import numpy as np
import pytest
from hypothesis import given
from test_predictions import TOOLS, VCOCO, park_scenes, truth_as_predictions
from test_predictions import write as write_annotations
from test_v_coco_core import NOTHING, VERBS, ZEROS, images, make_sample, score

from clhoi_mm.evaluation.core import (
    REASONS,
    V_COCO_REASONS,
    VCOCOActions,
    classify_v_coco_errors,
    read_v_coco_sample,
    stack_v_coco_records,
)
from tests.tool_utils import run_command

A, B = [0.0, 0.0, 9.0, 9.0], [20.0, 0.0, 29.0, 9.0]
CUP, BAT = [0.0, 15.0, 9.0, 24.0], [20.0, 15.0, 29.0, 24.0]
NAMES = [name for name, _, _ in REASONS]


def explain(samples, strict=True):
    records = [read_v_coco_sample(sample, len(VERBS)) for sample in samples]
    return classify_v_coco_errors(
        *stack_v_coco_records(records), VCOCOActions.from_verbs(VERBS), strict
    )


def counts_by_reason(values):
    return {name: v for name, v in zip(NAMES, values.tolist()) if v}


HOLDS = [(0, 'hold obj', CUP)]
IDLE = [(0, 'hold obj', NOTHING)]


@pytest.mark.parametrize('roles, rows, false, missed', [
    (HOLDS, [(A, CUP, 'hold obj', .9), (A, CUP, 'hold obj', .8)],
     'duplicate', None),
    (HOLDS, [(A, CUP, 'hold obj', .9), (A, BAT, 'hold obj', .8)],
     'wrong pairing', None),
    (HOLDS, [(A, CUP, 'hit obj', .9)], 'wrong verb', 'low score'),
    (HOLDS, [(B, CUP, 'hold obj', .9)], 'wrong verb', 'missed human'),
    (HOLDS, [(A, BAT, 'hold obj', .9)], 'wrong pairing', 'missed object'),
    (HOLDS, [(A, ZEROS, 'hold obj', .9)], 'wrong pairing', 'missed object'),
    (HOLDS, [(A, BAT, 'hold obj', .9), (B, CUP, 'hit obj', .9)], None,
     'wrong pairing'),
    (HOLDS, [([9., 9., 12., 12.], CUP, 'hold obj', .9)], 'wrong box',
     'missed human'),
    (HOLDS, [], None, 'missed human'),
    # An absent role must be predicted empty and cannot be missed.
    (IDLE, [(A, NOTHING, 'hold obj', .9)], None, None),
    (IDLE, [(A, CUP, 'hold obj', .9)], 'wrong pairing', 'wrong pairing'),
    (IDLE, [(A, NOTHING, 'hit obj', .9)], 'wrong verb', 'low score'),
    # "point" is not among the 24 roles, and "stand" has no role.
    ([(0, 'point instr', CUP), (0, 'stand', NOTHING)],
     [(A, BAT, 'point instr', .9), (A, NOTHING, 'stand', .9)], None, None),
])  # fmt: skip
def test_error_reasons_by_hand(roles, rows, false, missed):
    persons = [(A, True), (B, True)]
    report = explain([make_sample(0, persons, roles, rows)])
    if false:
        assert counts_by_reason(report.false_positives) == {false: 1}
    assert counts_by_reason(report.missed) == ({missed: 1} if missed else {})


def test_unlabeled_persons_are_not_errors():
    report = explain(
        [make_sample(0, [(A, False)], [], [(A, CUP, 'hold obj', 0.9)])]
    )
    assert not report.false_positives.any() and not report.missed.any()


def test_any_box_of_an_absent_role_passes_in_scenario_2():
    sample = make_sample(0, [(A, True)], IDLE, [(A, CUP, 'hold obj', 0.9)])
    assert explain([sample], True).mean_ap == 0
    assert explain([sample], False).mean_ap == 100


def test_error_costs_by_hand():
    """One false row before the hit, and one missed person.

    The AP is 1/2 recall times precision 1/2.
    """
    sample = make_sample(
        0,
        [(A, True), (B, True)],
        [*HOLDS, (1, 'hold obj', BAT)],
        [(A, BAT, 'hold obj', 0.9), (A, CUP, 'hold obj', 0.8)],
    )
    report = explain([sample])
    assert report.mean_ap == pytest.approx(25)
    assert counts_by_reason(report.lost) == pytest.approx(
        {'wrong pairing': 25, 'missed human': 25}
    )
    assert report.lost_to_false_positives == pytest.approx(25)
    assert report.lost_to_missed == pytest.approx(25)


@given(images())
def test_mean_ap_equals_the_evaluators(samples):
    metrics = score(samples).summary()
    for strict, name in ((True, 'AP_role_s1'), (False, 'AP_role_s2')):
        report = explain(samples, strict)
        assert report.mean_ap == pytest.approx(metrics.get(name, 0.0))
        hits = report.num_gt.sum() - report.missed.sum()
        assert hits >= 0 and (report.lost >= -1e-9).all()


def test_reason_names_equal_hico_dets():
    assert [name for name, _, _ in V_COCO_REASONS] == NAMES


def test_tool(tmp_path):
    path, annotations = write_annotations(tmp_path, VCOCO, park_scenes())
    pred = truth_as_predictions(annotations)
    ride = annotations.verbs.index('ride instr')
    row = int(np.flatnonzero(pred.verb_labels == ride)[0])
    pred.verb_labels[row] = annotations.verbs.index('carry obj')
    pred.write(tmp_path / 'preds.npz')
    done = run_command(
        'python',
        TOOLS / 'hoi_errors.py',
        '--ann',
        path,
        '--pred',
        'preds.npz',
        '--metric',
        'v_coco',
        '--out',
        'errors',
        cwd=tmp_path,
    ).check()
    content = json.loads((tmp_path / 'errors/errors.json').read_text())
    errors = {error['reason']: error for error in content['errors']}
    assert content['AP_role_s1'] == pytest.approx(75)
    assert errors['wrong verb']['false'] == 1
    assert errors['low score']['missed'] == 1
    assert errors['low score']['lost_AP'] == pytest.approx(25)
    lines = (tmp_path / 'errors/classes.csv').read_text().splitlines()
    assert len(lines) == 5 and lines[-1] == 'ride instr,0.0000,1'
    assert 'worst of 4 classes' in done.text
    assert 'the person does not have the action' in done.text
    done = run_command(
        'python',
        TOOLS / 'hoi_errors.py',
        '--ann',
        path,
        '--pred',
        'preds.npz',
        cwd=tmp_path,
    )
    assert done.code == 1 and 'use --metric v_coco' in done.text
