"""Differences of a study's rows, from their predictions."""

import pytest
from mmengine.config import Config
from studies import StudyRun, paired_differences

from clhoi_mm.evaluation.core import v_coco_difference
from tests.test_evaluation.utils_paired import (
    predict,
    write_paired_annotations,
)


@pytest.fixture
def make_run(tmp_path):
    """Build runs whose predictions of two tests are in their folders."""
    annotations = write_paired_annotations(tmp_path / 'ann.json')

    def make(row, seed, share_right, trained=True):
        loader = dict(dataset=dict(ann_file=str(tmp_path / 'ann.json')))
        cfg = Config(
            dict(
                row=row,
                seed=seed,
                test_dataloader=loader,
                further_tests=dict(given=dict(dataloader=loader)),
            )
        )
        run = StudyRun(row, seed, cfg, trained)
        folder = tmp_path / 'work' / run.name
        folder.mkdir(parents=True)
        first = predict(annotations, share_right, seed)
        first.write(folder / 'predictions.npz')
        # The test "given" is solved less well.
        given = predict(annotations, share_right / 2, seed)
        given.write(folder / 'predictions_given.npz')
        return run, first, given

    make.annotations = annotations
    return make


def test_rows_are_paired_by_seed_and_test(make_run, tmp_path):
    free = [make_run('free', seed, 0.9) for seed in (0, 1)]
    full = [make_run('full', seed, 0.6) for seed in (1, 2)]
    prior = make_run('prior', 0, 0.2, trained=False)
    runs = {
        'free': [x[0] for x in free],
        'full': [x[0] for x in full],
        'prior': [prior[0]],
    }
    for place, test in ((1, ''), (2, 'given')):
        found = paired_differences(tmp_path / 'work', runs, 'free', test)
        # Seed 1 is common; the prior is compared with both seeds.
        assert found == {
            'full': v_coco_difference(
                make_run.annotations, [full[0][place]], [free[1][place]], 1000
            ),
            'prior': v_coco_difference(
                make_run.annotations,
                [prior[place]],
                [x[place] for x in free],
                1000,
            ),
        }


def test_rows_without_predictions_have_no_difference(make_run, tmp_path):
    run = make_run('free', 0, 0.9)[0]
    lost = StudyRun('lost', 0, Config(dict(row='lost')), True)
    runs = dict(free=[run], lost=[lost])
    assert paired_differences(tmp_path / 'work', runs, 'free') == {}
