"""Report of a pass's folder over all shards and runs."""

import os
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np

from .job_report import JobReport, describe_failure
from .parsing.answer_check import AnswerCheck
from .requests.locate_scene import LocateScene
from .requests.messages import LIST, LOCATE, SCORE
from .requests.request_builder import STAGES
from .store.raw_store import FAILURES, read_records, request_id, shard_files
from .teacher_job import read_settings

# A longer pause between two answers is one between two runs.
_PAUSE = 60.0


def report_folder(folder: Union[str, os.PathLike]) -> List[JobReport]:
    """Make reports from the raw answers, however they were sharded.

    Answers to earlier versions of a prompt are skipped. A failure counts
    until its request is answered. Time is that in which answers came from
    any shard, without pauses of more than a minute.

    Args:
        folder (str | PathLike): The pass's folder.

    Returns:
        List[JobReport]: One for each stage with answers.

    Raises:
        FileNotFoundError: The folder has no raw answers.
        ValueError: A line is damaged; the message names it.
    """
    reports = [
        _report_stage(folder, stage, kind)
        for stage, kind in STAGES.items()
        if shard_files(folder, kind)
    ]
    if not reports:
        raise FileNotFoundError(
            f'{folder}: no raw answers; give the folder '
            f'that a pass was written to'
        )
    return reports


def _report_stage(
    folder: Union[str, os.PathLike], stage: str, kind: str
) -> JobReport:
    shards = len(shard_files(folder, kind))
    report = JobReport(stage, f'{shards} shards')
    settings = read_settings(folder, kind)
    current = settings.get('prompt', {}).get('hash')
    failed: Dict[int, Tuple[str, float, str]] = {
        _id(row): (
            row['reason'],
            row['time'],
            describe_failure(row['image_id'], row.get('message', '')),
        )
        for row in read_records(folder, kind, FAILURES)
    }
    times: List[np.ndarray] = []
    block: List[float] = []
    for row in read_records(folder, kind):
        problem = AnswerCheck(kind, row['text']).problem
        if problem:
            example = describe_failure(row['image_id'], row['text'])
            failed.setdefault(_id(row), (problem, row['time'], example))
            continue
        failed.pop(_id(row), None)
        if current not in (None, row['prompt_hash']):
            continue
        report.count_answer(
            kind,
            row['text'] if kind in (LIST, LOCATE) else '',
            row['tokens_in'],
            row['tokens_out'],
            row['finish'] == 'length' and kind != SCORE,
            _scene(row, settings),
        )
        block.append(row['time'])
        if len(block) == 65536:
            times.append(np.array(block))
            block = []
    for reason, time, example in failed.values():
        report.failed[reason] += 1
        report.examples.setdefault(reason, example)
        block.append(time)
    report.left = len(failed)
    gaps = np.diff(np.sort(np.concatenate([*times, np.array(block)])))
    seconds = float(gaps[gaps < _PAUSE].sum())
    # The answers of a single batch come at once and give no rate.
    report.seconds = seconds if seconds > 1 else 0.0
    return report


def _scene(
    row: Dict[str, Any], settings: Dict[str, Any]
) -> Optional[LocateScene]:
    """Read what was asked, with the convention as last stated."""
    if 'scene' not in row:
        return None
    stated = settings.get('coordinates', row['scene'].get('coordinates'))
    return LocateScene.from_dict(dict(row['scene'], coordinates=stated))


def _id(row: Dict[str, str]) -> int:
    return request_id(row['image_id'], row['question'])
