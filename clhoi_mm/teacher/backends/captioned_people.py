"""Selection of photos whose captions name people."""

import re
from typing import Dict, Iterable, List, Set

from clhoi_mm.utils.morphology import singular

from ..parsing.lexicon import load_words

_WORD = re.compile(r'[a-z]+')
_NUMBER = re.compile(r'(\d+)\.[^.]*$')


def people_photos(
    captions: Dict[str, List[str]], at_least: int, without: Iterable[int]
) -> List[str]:
    """List the keys of photos with people, sorted.

    Args:
        captions (Dict[str, List[str]]): Captions by key.
        at_least (int): Captions of a photo that must name a person.
        without (Iterable[int]): COCO's ids of photos to leave out, which
            files name at the end, as in COCO_val2014_000000000139.jpg.
    """
    left_out = set(without)
    return sorted(
        key
        for key, texts in captions.items()
        if sum(map(names_person, texts)) >= at_least
        and not _ids(key) & left_out
    )


def names_person(text: str) -> bool:
    """Check whether a caption names a person.

    Args:
        text (str): The caption.
    """
    persons = load_words()['persons']
    return any(
        word in persons or singular(word) in persons
        for word in _WORD.findall(text.lower())
    )


def _ids(key: str) -> Set[int]:
    return {int(number) for number in _NUMBER.findall(key)}
