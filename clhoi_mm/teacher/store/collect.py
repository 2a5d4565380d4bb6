import json
import os
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple, Union

from clhoi_mm.utils.files import atomic_path, work_folder

from ..parsing.answer_check import AnswerCheck
from ..requests.messages import KINDS
from ..teacher_job import read_settings
from .external_sort import ExternalSort
from .raw_store import read_records

ANSWERS = 'answers.jsonl'
# Without fields that differ between runs with the same answers.
_FIELDS = (
    'image_id',
    'kind',
    'text',
    'verb',
    'object',
    'score',
    'part',
    'scene',
)
_NEEDED = ('image_id', 'text', 'model', 'prompt_hash', 'finish', 'time')


def collect_answers(folder: Union[str, os.PathLike]) -> Path:
    """Merge a pass's shards, sorted by image.

    Only answers of the model and prompt last used for their kind count, the
    latest of each request; refusals and unfinished reasoning are left out.
    The same answers give the same bytes, however the pass was sharded or
    interrupted. Memory does not grow with their number.

    Args:
        folder (str | PathLike): The pass's folder.

    Returns:
        Path: ``answers.jsonl`` in the folder.

    Raises:
        FileNotFoundError: The folder has no raw answers.
        ValueError: A line is damaged; the message names it.
        OSError: The disk is full.
    """
    folder = Path(folder)
    with work_folder(folder, 'collect') as temp_folder:
        answers = ExternalSort(temp_folder)
        number = 0
        # Kinds whose reasoning the prompt opens and answers close.
        closing = dict.fromkeys(KINDS, False)
        for rank, kind in enumerate(KINDS):
            for row, check in _current_answers(folder, kind):
                answer = {name: row[name] for name in _FIELDS if name in row}
                closing[kind] = closing[kind] or check.only_closes
                # Of two answers of one time the later line counts.
                answers.add(
                    row['image_id'],
                    rank,
                    row.get('verb', ''),
                    row.get('object', ''),
                    row.get('part', 0),
                    row['time'],
                    number,
                    check.is_cut_unmarked,
                    json.dumps(answer),
                )
                number += 1
        if not number:
            raise FileNotFoundError(
                f'{folder}: no raw answers; run the stages describe, list or '
                f'score first'
            )
        with (
            atomic_path(folder / ANSWERS) as temp,
            open(temp, 'w', encoding='ascii') as out,
        ):
            for _, group in groupby(answers, lambda item: item[:5]):
                *_, (_, rank, *_, unmarked, text) = group
                if not (unmarked and closing[KINDS[rank]]):
                    out.write(text + '\n')
    return folder / ANSWERS


def _current_answers(
    folder: Path, kind: str
) -> Iterator[Tuple[Dict[str, Any], AnswerCheck]]:
    """Yield the answers of the last model and prompt."""
    settings = read_settings(folder, kind)
    current = settings.get('model'), settings.get('prompt', {}).get('hash')
    for row in read_records(folder, kind, fields=_NEEDED):
        check = AnswerCheck(kind, row['text'], row['finish'])
        if (row['model'], row['prompt_hash']) == current and not check.problem:
            if 'coordinates' in settings and 'scene' in row:
                row['scene']['coordinates'] = settings['coordinates']
            yield row, check
