from typing import Callable, List

from ..store.pseudo_labels import split_sentences


def split_to_fit(text: str, fits: Callable[[str], bool]) -> List[str]:
    """Split a text that is too long into sentences.

    A sentence that is too long by itself is cut in half between words, and
    the halves again, until every piece fits. A single word stays whole.

    Args:
        text (str): A text of any length.
        fits (Callable[[str], bool]): Whether a piece is short enough.

    Returns:
        List[str]: The pieces in order; the text itself where it fits.
    """
    if fits(text):
        return [text]
    parts = split_sentences(text)
    if len(parts) < 2:
        words = text.split()
        middle = len(words) // 2
        if not middle:
            return [text]
        parts = [' '.join(words[:middle]), ' '.join(words[middle:])]
    return [piece for part in parts for piece in split_to_fit(part, fits)]
