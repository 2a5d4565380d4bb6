import re
from dataclasses import dataclass, field
from typing import List

from ..interaction import Interaction

_SENTENCE_END = re.compile(r'(?<=[.!?])\s+|\n+')


@dataclass
class PseudoLabels:
    """Pseudo-labels of one image, without instances.

    Attributes:
        key (str): The image's key, unique over all splits.
        caption (str): The context in running text; may be empty.
        sentences (List[str]): The caption's sentences.
        interactions (List[Interaction]): Interactions in the image; the
            cache keeps their names and scores.
        malformed (bool): Whether the structured answer could not be read in
            full; ``interactions`` then hold what could be.
    """

    key: str
    caption: str = ''
    sentences: List[str] = field(default_factory=list)
    interactions: List[Interaction] = field(default_factory=list)
    malformed: bool = False


def split_sentences(caption: str) -> List[str]:
    """Split a caption at sentence ends and line breaks.

    Args:
        caption (str): Running text.

    Returns:
        List[str]: Its sentences, without empty ones.
    """
    parts = (part.strip() for part in _SENTENCE_END.split(caption))
    return [part for part in parts if part]
