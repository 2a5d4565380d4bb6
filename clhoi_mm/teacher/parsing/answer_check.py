from dataclasses import dataclass
from functools import cached_property
from typing import List, Optional

from ..requests.messages import CAPTION, SCORE
from .caption_text import read_caption
from .final_answer import read_final_answer
from .reasoning import reasoning_marks


@dataclass(frozen=True)
class AnswerCheck:
    """Classification of a model's output as an answer or none.

    Each property is computed when it is first read. A score is one token
    and always an answer.

    Attributes:
        kind (str): 'caption', 'list' or 'score'.
        text (str): The model's output.
        finish (str): 'stop', or 'length' where the token limit cut it off.
            Defaults to 'stop'.
    """

    kind: str
    text: str
    finish: str = 'stop'

    @cached_property
    def problem(self) -> Optional[str]:
        """str, optional: 'empty', 'refused' or 'unfinished_reasoning'."""
        if self.kind == SCORE:
            return None
        read = read_caption if self.kind == CAPTION else read_final_answer
        return read(self.text).problem

    @cached_property
    def only_closes(self) -> bool:
        """bool: Whether the answer closes reasoning that it does not open.

        The model's prompt opens it, so that an answer of this model without
        any mark is reasoning that was cut off.
        """
        return self._marks[:1] == ['close']

    @cached_property
    def is_cut_unmarked(self) -> bool:
        """bool: Whether it is cut off, without marks of reasoning."""
        is_cut = self.kind != SCORE and self.finish == 'length'
        return is_cut and not self._marks

    @cached_property
    def _marks(self) -> List[str]:
        return [] if self.kind == SCORE else reasoning_marks(self.text)
