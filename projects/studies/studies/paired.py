"""Paired bootstrap over images between a study's rows."""

import os.path as osp
from pathlib import Path
from typing import Optional, Union

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.config_file import inner_configs
from clhoi_mm.evaluation.core import Predictions, v_coco_difference

from .baselines import annotation_file
from .study_run import StudyRun

RESAMPLES = 1000


def read_predictions(
    work_dir: Union[str, Path], runs: list[StudyRun]
) -> dict[int, Predictions]:
    """Read the predictions of a row's runs by seed.

    Args:
        work_dir (str | Path): The study's work dir.
        runs (list[StudyRun]): Runs of the row; those without predictions are
            left out. Rows with the same config share a file.
    """
    found = {}
    for run in runs:
        pattern = f'*-{run.key}/predictions.npz'
        path = next(Path(work_dir).glob(pattern), None)
        if path is not None:
            found[run.seed] = Predictions.read(path)
    return found


def paired_differences(
    work_dir: Union[str, Path], runs: dict[str, list[StudyRun]], against: str
) -> dict[str, dict[str, float]]:
    """Compare rows with another row of a V-COCO study.

    Args:
        work_dir (str | Path): The study's work dir.
        runs (dict[str, list[StudyRun]]): Runs by row.
        against (str): Row to compare with, over common seeds.

    Returns:
        dict[str, dict[str, float]]: Result of :func:`v_coco_difference` by
        row; rows without predictions are left out.
    """
    predictions = {
        row: read_predictions(work_dir, each) for row, each in runs.items()
    }
    other = predictions.pop(against)
    annotations = _annotations(runs[against])
    differences = {}
    for row, own in predictions.items():
        seeds = own.keys() & other.keys()
        if annotations is not None and seeds:
            differences[row] = v_coco_difference(
                annotations,
                [own[seed] for seed in seeds],
                [other[seed] for seed in seeds],
                RESAMPLES,
            )
    return differences


def _annotations(runs: list[StudyRun]) -> Optional[AnnotationFile]:
    dataset = next(inner_configs(runs[0].cfg.test_dataloader.dataset))
    path = osp.join(dataset.get('data_root', ''), annotation_file(dataset))
    return AnnotationFile.read(path) if osp.isfile(path) else None
