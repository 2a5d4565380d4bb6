"""Paired bootstrap over images between a study's rows."""

import os.path as osp
from pathlib import Path
from typing import Optional, Union

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.config_file import inner_configs
from clhoi_mm.evaluation.core import Predictions, v_coco_difference

from .baselines import annotation_file
from .study_run import StudyRun, predictions_file

RESAMPLES = 1000


def read_predictions(
    work_dir: Union[str, Path], runs: list[StudyRun], test: str = ''
) -> dict[int, Predictions]:
    """Read the predictions of a row's runs by seed.

    Args:
        work_dir (str | Path): The study's work dir.
        runs (list[StudyRun]): Runs of the row; those without predictions are
            left out. Rows with the same config share a file.
        test (str): Name of a further test. Defaults to '', the first.
    """
    found = {}
    for run in runs:
        pattern = f'*-{run.key}/{predictions_file(test)}'
        path = next(Path(work_dir).glob(pattern), None)
        if path is not None:
            found[run.seed] = Predictions.read(path)
    return found


def paired_differences(
    work_dir: Union[str, Path],
    runs: dict[str, list[StudyRun]],
    against: str,
    test: str = '',
) -> dict[str, dict[str, float]]:
    """Compare rows with another row of a V-COCO study.

    Args:
        work_dir (str | Path): The study's work dir.
        runs (dict[str, list[StudyRun]]): Runs by row.
        against (str): Row to compare with, over common seeds; a row that is
            not trained and has one run is compared with all of its seeds.
        test (str): Name of a further test. Defaults to '', the first.

    Returns:
        dict[str, dict[str, float]]: Result of :func:`v_coco_difference` by
        row; rows without predictions are left out.
    """
    predictions = {
        row: read_predictions(work_dir, each, test)
        for row, each in runs.items()
    }
    other = predictions.pop(against)
    annotations = _annotations(runs[against], test)
    differences = {}
    for row, own in predictions.items():
        is_fixed = len(runs[row]) == 1 and not runs[row][0].trained
        seeds = other.keys() if is_fixed else own.keys() & other.keys()
        if annotations is not None and own and seeds:
            differences[row] = v_coco_difference(
                annotations,
                [*own.values()] if is_fixed else [own[x] for x in seeds],
                [other[seed] for seed in seeds],
                RESAMPLES,
            )
    return differences


def _annotations(runs: list[StudyRun], test: str) -> Optional[AnnotationFile]:
    """Read the annotations of a test, or None."""
    cfg = runs[0].cfg
    loader = (
        cfg.further_tests[test]['dataloader'] if test else cfg.test_dataloader
    )
    dataset = next(inner_configs(loader['dataset']))
    path = osp.join(dataset.get('data_root', ''), annotation_file(dataset))
    return AnnotationFile.read(path) if osp.isfile(path) else None
