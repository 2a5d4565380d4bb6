import os
from typing import Iterable, Iterator, List, Optional, Tuple, Union

from ..caption_file import read_caption_file
from ..caption_text import answer_problem
from ..exchange import CAPTION, Failure, Question, Reply
from .base import Backend, Outcome
from .registry import register_backend


@register_backend('captions')
class CaptionsBackend(Backend):
    """Captions that exist already, in place of a VLLM's.

    An image's captions are answers of their own, none of them joined to
    another. Records that hold none are passed over and noted.

    Args:
        captions (str | PathLike): See :func:`read_caption_file`.
        model (str): Whose captions they are. Defaults to 'captions'.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No file is given, or there is no caption in it.
    """

    kinds = (CAPTION,)

    def __init__(
        self,
        captions: Optional[Union[str, os.PathLike]] = None,
        model: str = 'captions',
    ) -> None:
        if captions is None:
            raise ValueError(
                'backend "captions": name the file that holds them with '
                '--captions'
            )
        file = read_caption_file(captions)
        self.model = model
        self.source = str(captions)
        self.notes: List[str] = file.notes
        self._captions = file.captions
        self.keys = self._captions.keys()

    def run(
        self, questions: Iterable[Question]
    ) -> Iterator[Tuple[Question, Outcome]]:
        """See :meth:`Backend.run`."""
        for question in questions:
            yield question, self._answer(question.image_id)

    def _answer(self, image_id: str) -> Outcome:
        texts = self._captions.get(image_id)
        if not texts:
            return Failure(
                'no_caption',
                f'{self.source}: no caption of "{image_id}"',
                about_image=True,
            )
        told = [x for x in texts if answer_problem(CAPTION, x) is None]
        first, *more = told or texts
        return Reply(first, more=tuple(more))
