"""Difference of two models by a paired bootstrap over images."""

import json
from dataclasses import replace

import numpy as np
import pytest

from clhoi_mm.evaluation.core import (
    evaluate_v_coco,
    v_coco_difference,
    v_coco_ground_truth,
)
from tests.data_utils import REPO
from tests.test_evaluation.utils_paired import (
    predict,
    write_paired_annotations,
)
from tests.tool_utils import assert_in, run_tool

TOOL = REPO / 'tools/analysis_tools/compare_predictions.py'


@pytest.fixture(scope='module')
def annotations(tmp_path_factory):
    return write_paired_annotations(
        tmp_path_factory.mktemp('ann') / 'ann.json'
    )


def score(annotations, predictions):
    truth, actions = v_coco_ground_truth(annotations)
    roles = predictions.roles(annotations)
    return evaluate_v_coco(truth, roles, actions).summary()['AP_role_s1']


def test_difference_equals_that_of_the_metrics(annotations):
    good = [predict(annotations, 0.95, seed) for seed in (1, 2, 3)]
    bad = [predict(annotations, 0.1, seed) for seed in (4, 5)]
    found = v_coco_difference(annotations, good, bad, 200)
    means = [
        np.mean([score(annotations, each) for each in model])
        for model in (good, bad)
    ]
    assert found['AP_role_s1'] == pytest.approx(means[0] - means[1])
    assert 0 < found['AP_role_s1_low'] < found['AP_role_s1']
    assert found['AP_role_s1'] < found['AP_role_s1_high']
    other = v_coco_difference(annotations, bad, good, 200)
    assert other['AP_role_s1'] == pytest.approx(-found['AP_role_s1'])
    assert other['AP_role_s1_high'] == pytest.approx(
        -found['AP_role_s1_low'], abs=1e-6
    )


def test_both_models_share_the_draws(annotations):
    model = predict(annotations, 0.5, 0)
    same = v_coco_difference(annotations, [model], [model], 50)
    assert set(same.values()) == {0.0}
    # Halved scores change the ranking between images, not within.
    other = replace(model, scores=model.scores / 2)
    assert set(
        v_coco_difference(annotations, [model], [other], 50).values()
    ) == {0.0}


def test_tool(annotations, tmp_path):
    (tmp_path / 'ann.json').write_text(open(annotations.name).read())
    for name, share, seed in (('a', 0.95, 1), ('b', 0.95, 2), ('c', 0.1, 3)):
        predict(annotations, share, seed).write(tmp_path / f'{name}.npz')
    args = ['--ann', 'ann.json', '--resamples', '100', '--json', 'out.json']
    done = run_tool(
        TOOL, *args, '--pred', 'a.npz', 'b.npz', '--against', 'c.npz',
        cwd=tmp_path,
    )  # fmt: skip
    assert done.code in (0, None)
    assert_in(done.text, 'AP_role_s1', 'excludes 0')
    found = json.loads((tmp_path / 'out.json').read_text())
    assert f'{found["AP_role_s1"]:+.2f}' in done.text
    done = run_tool(
        TOOL, *args, '--pred', 'a.npz', '--against', 'a.npz', cwd=tmp_path
    )
    assert_in(done.text, '+0.00', 'contains 0')
    done = run_tool(
        TOOL, *args, '--pred', 'none.npz', '--against', 'a.npz', cwd=tmp_path
    )
    assert done.code not in (0, None)
    assert_in(done.text, 'none.npz')
