from typing import Callable, List

from ..words import split_sentences


def split_to_fit(text: str, fits: Callable[[str], bool]) -> List[str]:
    """Cut a text in half, and the halves, until every piece fits.

    The cut is at the middle one of its sentence ends, in a single sentence
    between words. A single word stays whole.

    Args:
        text (str): A text of any length.
        fits (Callable[[str], bool]): Whether a piece is short enough.

    Returns:
        List[str]: The pieces in order; the text itself where it fits.
    """
    if fits(text):
        return [text]
    units = split_sentences(text)
    if len(units) < 2:
        units = text.split()
    if len(units) < 2:
        return [text]
    middle = len(units) // 2
    return [
        piece for half in (units[:middle], units[middle:])
        for piece in split_to_fit(' '.join(half), fits)
    ]
