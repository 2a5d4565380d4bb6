import json
import os
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, Iterator, Union

from clhoi_mm.utils.files import atomic_path, work_folder

from ..parsing.caption_text import answer_problem
from ..parsing.reasoning import has_reasoning_marks, only_closes
from ..requests.messages import KINDS, SCORE
from ..teacher_job import read_settings
from .external_sort import ExternalSort
from .raw_store import shard_files

ANSWERS = 'answers.jsonl'
# Without what differs between two runs that got the same answers.
_FIELDS = ('image_id', 'kind', 'text', 'verb', 'object', 'score', 'part')


def collect_answers(folder: Union[str, os.PathLike]) -> Path:
    """Put a pass's shards together: one line an answer, sorted by image.

    Of answers to earlier versions of a prompt, or about other detections,
    the latest counts, and only those of the model and prompt last used for
    their kind; refusals and reasoning without an end are left out. The same
    answers give the same bytes, however the pass was sharded or interrupted.
    Memory does not grow with their number.

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
            for row in _answers_that_count(folder, kind):
                answer = {name: row[name] for name in _FIELDS if name in row}
                text = row['text'] if kind != SCORE else ''
                closing[kind] = closing[kind] or only_closes(text)
                cut_off = row['finish'] == 'length'
                # Of two at one time the one that stands later.
                answers.add(
                    row['image_id'],
                    rank,
                    row.get('verb', ''),
                    row.get('object', ''),
                    row.get('part', 0),
                    row['time'],
                    number,
                    cut_off and not has_reasoning_marks(text),
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


def _answers_that_count(folder: Path, kind: str) -> Iterator[Dict[str, Any]]:
    """Those to the model and prompt last used, in the files' order."""
    settings = read_settings(folder, kind)
    model = settings.get('model')
    prompt = settings.get('prompt', {}).get('hash')
    for path in shard_files(folder, kind):
        with open(path, 'rb') as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b'\n'):
                    break  # torn, or being written
                row = _load(line, f'{path}, line {number}')
                if (
                    row['model'] == model
                    and row['prompt_hash'] == prompt
                    and answer_problem(kind, row['text']) is None
                ):
                    yield row


def _load(line: bytes, where: str) -> Dict[str, Any]:
    try:
        row = json.loads(line)
        row['image_id'].encode, row['text'].strip
        row['model'], row['prompt_hash'], row['finish']
        return dict(row, time=float(row['time']))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f'{where}: damaged ({error!r}); delete the line, '
            f'and the next run asks for its answer '
            f'again'
        ) from error
