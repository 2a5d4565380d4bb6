import json

import numpy as np
import pytest
from test_hico_det_core import many_samples, pairs
from test_predictions import HICO, TOOLS, truth_as_predictions, write

from clhoi_mm.evaluation.core import (
    REASONS,
    PairTable,
    classify_errors,
    read_sample,
    stack_records,
)
from tests.data_utils import tiny_scenes
from tests.tool_utils import run_command

A, B = [0, 0, 4, 4], [10, 0, 14, 4]
C, D = [20, 0, 24, 4], [30, 0, 34, 4]
FAR = [50, 50, 60, 60]
NAMES = [name for name, _, _ in REASONS]


def explain(samples, hoi_objects=(0, 0, 1), protocol='official'):
    records = [read_sample(sample, len(hoi_objects)) for sample in samples]
    gt, pred, _ = stack_records(records)
    return classify_errors(gt, pred, np.array(hoi_objects), protocol)


def counts_by_reason(values):
    return {name: v for name, v in zip(NAMES, values.tolist()) if v}


def image(gt, pred):
    return [dict(img_id=0, gt_hois=pairs(gt, False),
                 pred_hois=pairs(pred, True))]  # fmt: skip


@pytest.mark.parametrize(
    'gt, pred, false, missed',
    [
        ([(A, B, 0)], [(A, B, 0, 0.9), (A, B, 0, 0.8)], 'duplicate', None),
        ([(A, B, 0)], [(A, B, 0, 0.9), (A, B, 1, 0.8)], 'wrong verb', None),
        ([(A, B, 0)], [(A, B, 1, 0.8)], 'wrong verb', 'low score'),
        (
            [(A, B, 0), (C, D, 0)],
            [(A, B, 0, 0.9), (C, D, 0, 0.9), (A, D, 0, 0.8)],
            'wrong pairing',
            None,
        ),
        (
            [(A, B, 0), (C, D, 0)],
            [(A, B, 0, 0.9), (C, B, 0, 0.9), (A, D, 0, 0.8)],
            'wrong pairing',
            'wrong pairing',
        ),
        ([(A, B, 0)], [(A, B, 0, 0.9), (FAR, B, 0, 0.8)], 'wrong box', None),
        # The other object in the same place has another class.
        ([(A, B, 0)], [(A, B, 2, 0.9)], 'wrong box', 'missed object'),
        ([(A, B, 0)], [(FAR, B, 0, 0.9)], 'wrong box', 'missed human'),
        ([(A, B, 0)], [(A, FAR, 0, 0.9)], 'wrong box', 'missed object'),
        ([(A, B, 0)], [], None, 'missed human'),
        ([], [(A, B, 0, 0.9)], 'wrong box', None),
    ],
)
def test_error_reasons_by_hand(gt, pred, false, missed):
    report = explain(image(gt, pred))
    assert set(counts_by_reason(report.false_positives)) == {false} - {None}
    assert set(counts_by_reason(report.missed)) == {missed} - {None}


def test_error_costs_by_hand():
    """One class: a duplicate before the second hit, one miss.

    AP is (4 + 3 * 2/3)/11; without the duplicate 7/11; with the miss forgiven
    (6 + 5 * 2/3)/11.
    """
    gt = [(A, B, 0), (C, D, 0), (FAR, FAR, 0)]
    pred = [(A, B, 0, 0.9), (A, B, 0, 0.8), (C, D, 0, 0.7)]
    report = explain(image(gt, pred), [0])
    ap = (4 + 3 * 2 / 3) / 11
    assert report.mean_ap == pytest.approx(100 * ap)
    assert counts_by_reason(report.lost) == pytest.approx(
        {
            'duplicate': 100 * (7 / 11 - ap),
            'missed human': 100 * ((6 + 5 * 2 / 3) / 11 - ap),
        }
    )
    assert report.lost_to_false_positives == pytest.approx(
        report.lost[NAMES.index('duplicate')]
    )


def test_forgiving_all_misses_gives_100():
    """A class with only forgiven misses has full AP."""
    report = explain(image([(A, B, 0)], []), [0])
    assert report.mean_ap == 0
    assert report.lost_to_missed == 100


@pytest.mark.parametrize('protocol', ['official', 'qpic', 'pocket'])
def test_every_error_has_one_reason(protocol):
    samples = many_samples()
    objects = [0, 0, 1, 2, 2]
    report = explain(samples, objects, protocol)
    counted = [s for s in samples if protocol == 'official'
               or s['gt_hois']['hoi_labels']]  # fmt: skip
    limit = 100 if protocol == 'qpic' else 1000
    num_pred = sum(
        min(len(s['pred_hois']['hoi_labels']), limit) for s in counted
    )
    num_gt = sum(len(s['gt_hois']['hoi_labels']) for s in samples)
    hits = num_gt - report.missed.sum()
    assert report.false_positives.sum() == num_pred - hits
    assert 0 < hits < num_gt
    assert (report.lost >= -1e-9).all()
    assert report.lost_to_missed >= report.lost[0]
    assert isinstance(report.rows()[0][3], float)


def test_tool(tmp_path):
    path, annotations = write(tmp_path, HICO, tiny_scenes())
    pred = truth_as_predictions(annotations)
    pred.verb_labels[0] = annotations.verbs.index('wash')
    pred.hoi_labels[0] = annotations.hoi_lookup[
        pred.verb_labels[0], pred.object_labels[0]
    ]
    pred.write(tmp_path / 'preds.npz')
    done = run_command(
        'python',
        TOOLS / 'hoi_errors.py',
        '--ann',
        path,
        '--pred',
        'preds.npz',
        '--out',
        'errors',
        '--num-classes',
        3,
        cwd=tmp_path,
    ).check()
    content = json.loads((tmp_path / 'errors/errors.json').read_text())
    errors = {error['reason']: error for error in content['errors']}
    assert content['mAP'] == pytest.approx(100 * 7 / 600)
    assert errors['wrong verb']['false'] == 1
    assert errors['low score']['missed'] == 1
    assert errors['low score']['lost_AP'] == pytest.approx(100 / 600)
    lines = (tmp_path / 'errors/classes.csv').read_text().splitlines()
    assert len(lines) == 9 and lines[-1] == 'ride bicycle,0.0000,1'
    assert (tmp_path / 'errors/errors.png').stat().st_size > 10000
    assert '3 worst of 8 classes' in done.text
    assert 'ride bicycle' in done.text
    done = run_command(
        'python',
        TOOLS / 'hoi_errors.py',
        '--ann',
        path,
        '--pred',
        'nowhere.npz',
        cwd=tmp_path,
    )
    assert done.code == 1 and 'nowhere.npz' in done.text
    assert 'Traceback' not in done.text


def test_no_images():
    nothing = PairTable(
        *[
            np.zeros(s, t)
            for s, t in (
                (0, int),
                ((0, 4), float),
                ((0, 4), float),
                (0, int),
                (0, float),
            )
        ]
    )
    report = classify_errors(nothing, nothing, np.array([0]))
    assert report.mean_ap == 0 and report.lost.sum() == 0
