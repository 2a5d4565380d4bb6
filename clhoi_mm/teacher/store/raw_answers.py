import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Iterable, Iterator, Union

from clhoi_mm.utils.files import atomic_path

_FIELDS = ('key', 'model', 'caption', 'answer')


@dataclass
class RawAnswer:
    """One image's answer as the VLLM gave it.

    Attributes:
        key (str): The image's key.
        model (str): Which model answered.
        caption (str): Its description of the image.
        answer (str): Its structured text, as a rule a JSON list of
            ``{"verb", "object", "score"}``.
    """

    key: str
    model: str
    caption: str
    answer: str


def write_raw_answers(
    path: Union[str, os.PathLike], answers: Iterable[RawAnswer]
) -> Path:
    """Write raw answers, one JSON object a line, in the order given.

    Args:
        path (str | PathLike): The JSONL file; replaced as a whole.
        answers (Iterable[RawAnswer]): The answers.

    Returns:
        Path: The file written.
    """
    with atomic_path(path) as temp, open(temp, 'w', encoding='utf-8') as file:
        for answer in answers:
            # ASCII, since a model may emit half of a surrogate pair.
            file.write(json.dumps(asdict(answer)) + '\n')
    return Path(path)


def read_raw_answers(path: Union[str, os.PathLike]) -> Iterator[RawAnswer]:
    """Read raw answers one after the other.

    Args:
        path (str | PathLike): A JSONL file.

    Yields:
        RawAnswer: One for each line that is not blank.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is no JSON object or lacks a field.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'{path}: no such file of raw answers; write one with '
            f'tools/teacher/simulate.py or with your own VLLM'
        )
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _parse_line(line, f'{path}, line {number}')


def _parse_line(line: str, where: str) -> RawAnswer:
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(
            f'{where}: no JSON ({error}); if writing was cut '
            f'off there, delete the line'
        ) from error
    if not isinstance(record, dict):
        raise ValueError(
            f'{where}: a JSON object is expected, with {", ".join(_FIELDS)}'
        )
    for name in _FIELDS:
        if not isinstance(record.get(name), str):
            raise ValueError(
                f'{where}: field "{name}" must be a string, '
                f'got {record.get(name)!r}'
            )
    return RawAnswer(**{name: record[name] for name in _FIELDS})
