import re
from typing import NamedTuple, Optional

from .answer_json import closing_bracket
from .reasoning import split_reasoning
from .refusals import without_refusal
from .structured import StructuredAnswer

# Reasons why a text holds no answer; the request is sent again.
EMPTY = 'empty'
REFUSED = 'refused'
UNFINISHED = 'unfinished_reasoning'
_BOX = '\\boxed{'
_LATEX_TEXT = re.compile(r'\\(?:text\w*|math\w+)\{([^{}]*)\}')
_LATEX_ESCAPE = re.compile(r'\\([{}_%&#$])')


class FinalAnswer(NamedTuple):
    """Part of a model's output that answers the request.

    Attributes:
        text (str): The answer, without reasoning, marks and refusals.
        problem (str, optional): Reason why there is no answer: 'empty',
            'refused' or 'unfinished_reasoning'.
        structured (StructuredAnswer, optional): Interactions of a caption
            that holds them as JSON in place of prose; its text is empty.
    """

    text: str
    problem: Optional[str] = None
    structured: Optional[StructuredAnswer] = None


def read_final_answer(text: str) -> FinalAnswer:
    """Strip reasoning, marks and refusals from a model's output.

    Args:
        text (str): The model's output.

    Returns:
        FinalAnswer: The answer; reading it again changes nothing.
    """
    answer, finished = split_reasoning(text)
    if not finished:
        return FinalAnswer('', UNFINISHED)
    answer = _unbox(answer)
    if not answer.strip():
        return FinalAnswer('', EMPTY)
    if '{' not in answer:
        answer = without_refusal(answer)
        if not answer:
            return FinalAnswer('', REFUSED)
    return FinalAnswer(answer)


def _unbox(text: str) -> str:
    """Return the last LaTeX box's content, else the text."""
    while (start := text.rfind(_BOX)) >= 0:
        start += len(_BOX)
        end = closing_bracket(text, start - 1, len(text))
        text = text[start : end and end - 1]
        text = _LATEX_TEXT.sub(r'\1', text)
        text = _LATEX_ESCAPE.sub(r'\1', text).strip()
    return text
