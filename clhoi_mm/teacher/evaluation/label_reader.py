"""Reader of a teacher's image-level labels: a pass, a cache or a file."""

from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Tuple

from clhoi_mm.vocabulary import HOIVocabulary

from ..offline_stages import PARSED
from ..store.cache import TeacherCache
from ..store.cache_format import MANIFEST
from ..store.interaction_table import InteractionTable
from ..store.parsed_file import read_parsed


class TeacherLabels(NamedTuple):
    """Labels of one image.

    Attributes:
        key (str): The image's key.
        hois (List[int]): HOI classes.
        scores (List[float]): Their scores.
        num_outside (int): Interactions outside the vocabulary.
    """

    key: str
    hois: List[int]
    scores: List[float]
    num_outside: int


def parsed_layer(source: Path) -> Optional[Path]:
    """Find the parsed layer; None for a cache.

    Args:
        source (Path): A pass's folder, a cache or a parsed layer.
    """
    if source.is_file():
        return source
    if (source / MANIFEST).is_file():
        return None
    return (
        source / PARSED
        if (source / PARSED).is_file()
        else (source / 'parsed.jsonl')
    )


def read_keys(source: Path) -> Iterator[str]:
    """Iterate over the keys of all images.

    Args:
        source (Path): As for :func:`parsed_layer`.
    """
    parsed = parsed_layer(source)
    if parsed is None:
        return TeacherCache(source).keys()
    return (key for key, _ in read_parsed(parsed))


def read_labels(
    source: Path, vocabulary: HOIVocabulary
) -> Iterator[TeacherLabels]:
    """Read a teacher's labels image by image.

    Args:
        source (Path): As for :func:`parsed_layer`.
        vocabulary (HOIVocabulary): The vocabulary; a cache's own.

    Yields:
        TeacherLabels: Labels of one image.
    """
    parsed = parsed_layer(source)
    if parsed is not None:
        table = InteractionTable(vocabulary)
        for key, interactions in read_parsed(parsed):
            yield _split(
                key,
                [
                    (table.add(x.verb, x.object)[2], x.score)
                    for x in interactions
                ],
            )
        return
    cache = TeacherCache(source)
    for key in cache.keys():
        labels = cache.get(key)
        yield _split(key, list(zip(labels['hoi_labels'], labels['scores'])))


def _split(key: str, items: List[Tuple[int, float]]) -> TeacherLabels:
    known = [(int(hoi), float(score)) for hoi, score in items if hoi >= 0]
    return TeacherLabels(
        key,
        [hoi for hoi, _ in known],
        [score for _, score in known],
        len(items) - len(known),
    )
