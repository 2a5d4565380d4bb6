import os
from pathlib import Path
from typing import Dict, Iterable, Iterator, Tuple, Union

from ..exchange import KINDS, Failure, Question, Reply
from ..raw_record import read_line
from ..raw_store import read_records
from .base import Backend, Outcome
from .registry import register_backend

_Key = Tuple[str, str, object, object]


@register_backend('replay')
class ReplayBackend(Backend):
    """Raw answers on disk, given again.

    Args:
        raw (str | PathLike): A pass's folder, or a JSONL file of records
            ``{image_id, kind, text}`` or of whole answers as
            ``tools/teacher/simulate.py`` writes it (raw.jsonl).
        model (str): Whose answers they are. Defaults to 'replay'.

    Raises:
        FileNotFoundError: There are no raw answers.
    """

    def __init__(
        self, raw: Union[str, os.PathLike], model: str = 'replay'
    ) -> None:
        self.model = model
        self._replies: Dict[_Key, Reply] = {}
        if Path(raw).is_dir():
            self._read_folder(raw)
        else:
            self._read_file(Path(raw))
        if not self._replies:
            raise FileNotFoundError(f'{raw}: no raw answers to replay')

    def run(
        self, questions: Iterable[Question]
    ) -> Iterator[Tuple[Question, Outcome]]:
        """See :meth:`Backend.run`."""
        for question in questions:
            prompt = question.prompt
            key = (question.image_id, prompt.kind, prompt.verb, prompt.object)
            yield (
                question,
                self._replies.get(key)
                or Failure(
                    'not_recorded',
                    f'no answer of kind "{prompt.kind}" for '
                    f'"{question.image_id}"',
                    about_image=True,
                ),
            )

    def _read_file(self, path: Path) -> None:
        with open(path, 'rb') as file:
            for number, line in enumerate(file, 1):
                try:
                    records = read_line(line) if line.strip() else []
                except ValueError as error:
                    raise ValueError(
                        f'{path}, line {number}: {error}'
                    ) from error
                for row in records:
                    key = (
                        str(row.image_id),
                        row.kind,
                        row.verb or None,
                        row.object or None,
                    )
                    self._replies[key] = Reply(row.text, score=row.score)

    def _read_folder(self, folder: Union[str, os.PathLike]) -> None:
        for kind in KINDS:
            for row in read_records(folder, kind):
                key = (
                    row['image_id'],
                    kind,
                    row.get('verb'),
                    row.get('object'),
                )
                self._replies[key] = Reply(
                    row['text'],
                    row['finish'],
                    row['tokens_in'],
                    row['tokens_out'],
                    row.get('score'),
                )
