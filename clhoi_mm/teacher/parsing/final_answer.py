import re
from typing import NamedTuple, Optional

from .answer_json import closing_bracket
from .reasoning import split_reasoning
from .refusals import without_refusal

# Reasons why a text holds no answer; the question is asked again.
EMPTY = 'empty'
REFUSED = 'refused'
UNFINISHED = 'unfinished_reasoning'
_BOX = '\\boxed{'
_LATEX_TEXT = re.compile(r'\\(?:text\w*|math\w+)\{([^{}]*)\}')
_LATEX_ESCAPE = re.compile(r'\\([{}_%&#$])')


class FinalAnswer(NamedTuple):
    """The part of a model's output that answers the question.

    Attributes:
        text (str): The answer, without reasoning, marks and refusals.
        problem (str, optional): Why there is none: 'empty', 'refused' or
            'unfinished_reasoning'.
    """

    text: str
    problem: Optional[str] = None


def read_final_answer(text: str) -> FinalAnswer:
    """Take reasoning, marks and refusals off a model's output.

    Args:
        text (str): What the model wrote.

    Returns:
        FinalAnswer: What counts; reading it again changes nothing.
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
    """The content of the last LaTeX box, where there is one."""
    while (start := text.rfind(_BOX)) >= 0:
        start += len(_BOX)
        end = closing_bracket(text, start - 1, len(text))
        text = text[start : end and end - 1]
        text = _LATEX_TEXT.sub(r'\1', text)
        text = _LATEX_ESCAPE.sub(r'\1', text).strip()
    return text
