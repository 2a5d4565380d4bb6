import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Iterable, Union

from clhoi_mm.utils.files import atomic_path


@dataclass
class RawAnswer:
    """Raw answers of a VLLM about one image.

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
    """Write raw answers as JSONL, in the given order.

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
