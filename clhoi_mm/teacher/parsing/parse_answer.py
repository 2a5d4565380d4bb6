from typing import Dict, List, NamedTuple, Tuple

from ..interaction import Interaction
from ..store.pseudo_labels import PseudoLabels, split_sentences
from ..store.raw_answers import RawAnswer
from .caption_text import read_caption
from .final_answer import read_final_answer
from .structured import read_structured


class ListAnswer(NamedTuple):
    """Interactions of an answer, named as the model wrote them.

    Attributes:
        interactions (List[Interaction]): Each pair once, with its highest
            score.
        malformed (bool): Whether the answer could not be read in full.
    """

    interactions: List[Interaction]
    malformed: bool


def read_list(text: str) -> ListAnswer:
    """Read the interactions of a structured answer; no text raises.

    Args:
        text (str): The answer as it came.

    Returns:
        ListAnswer: What is well-formed.
    """
    answer = read_structured(read_final_answer(text).text, repair=False)
    best: Dict[Tuple[str, str], Interaction] = {}
    for item in answer.items:
        if isinstance(item, Interaction):
            known = best.setdefault(item[:2], item)
            if item.score > known.score:
                best[item[:2]] = item
    has_phrases = any(isinstance(item, str) for item in answer.items)
    return ListAnswer(list(best.values()), answer.malformed or has_phrases)


def parse_answer(raw: RawAnswer) -> PseudoLabels:
    """Parse a VLLM's caption and structured answer; no text raises.

    Reasoning, code fences and prose around the JSON are skipped. From an
    answer that is not well-formed the items that are whole are kept, and
    ``malformed`` is set. The caption counts in any case.

    Args:
        raw (RawAnswer): The answer as it came.

    Returns:
        PseudoLabels: Names in lower case with single spaces as the model
        wrote them; of a repeated interaction the highest score.
    """
    answer = read_list(raw.answer)
    return label_image(
        raw.key, [raw.caption], answer.interactions, answer.malformed
    )


def label_image(
    key: str,
    captions: List[str],
    interactions: List[Interaction],
    malformed: bool,
) -> PseudoLabels:
    """Join an image's captions and interactions.

    Args:
        key (str): The image's key.
        captions (List[str]): Captions as they came, perhaps none.
        interactions (List[Interaction]): Interactions.
        malformed (bool): Whether the structured answer could not be read in
            full.

    Returns:
        PseudoLabels: The image's pseudo-labels.
    """
    texts = [read_caption(caption).text for caption in captions]
    return PseudoLabels(
        key=key,
        caption='\n'.join(map(_one_line, texts)),
        sentences=[x for text in texts for x in split_sentences(text)],
        interactions=interactions,
        malformed=malformed,
    )


def _one_line(text: str) -> str:
    """Join lines by spaces, without halves of surrogate pairs."""
    text = text.encode('utf-8', 'replace').decode('utf-8')
    return ' '.join(' '.join(x.split()) for x in text.splitlines()).strip()
