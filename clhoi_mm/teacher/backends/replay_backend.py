import os
from pathlib import Path
from typing import Dict, Iterable, Iterator, Tuple, Union

from ..exchange import CAPTION, KINDS, LIST, Failure, Question, Reply
from ..raw_answers import read_raw_answers
from ..raw_store import read_records
from .base import Backend, Outcome
from .registry import register_backend

_Key = Tuple[str, str, object, object]


@register_backend('replay')
class ReplayBackend(Backend):
    """Raw answers on disk, given again.

    Args:
        raw (str | PathLike): A pass's folder, or a file of whole answers as
            ``tools/teacher/simulate.py`` writes it (raw.jsonl).
        model (str): Whose answers they are. Defaults to 'replay'.

    Raises:
        FileNotFoundError: There are no raw answers.
    """

    def __init__(self,
                 raw: Union[str, os.PathLike],
                 model: str = 'replay') -> None:
        self.model = model
        self._replies: Dict[_Key, Reply] = {}
        if Path(raw).is_dir():
            self._read_folder(raw)
        else:
            for answer in read_raw_answers(raw):
                for kind, text in ((CAPTION, answer.caption), (LIST,
                                                               answer.answer)):
                    self._replies[answer.key, kind, None, None] = Reply(text)
        if not self._replies:
            raise FileNotFoundError(f'{raw}: no raw answers to replay')

    def run(self, questions: Iterable[Question]
            ) -> Iterator[Tuple[Question, Outcome]]:
        """See :meth:`Backend.run`."""
        for question in questions:
            prompt = question.prompt
            key = (question.image_id, prompt.kind, prompt.verb, prompt.object)
            yield question, self._replies.get(key) or Failure(
                'not_recorded',
                f'no answer of kind "{prompt.kind}" for '
                f'"{question.image_id}"',
                about_image=True)

    def _read_folder(self, folder: Union[str, os.PathLike]) -> None:
        for kind in KINDS:
            for row in read_records(folder, kind):
                key = (row['image_id'], kind, row.get('verb'),
                       row.get('object'))
                self._replies[key] = Reply(row['text'], row['finish'],
                                           row['tokens_in'],
                                           row['tokens_out'],
                                           row.get('score'))
