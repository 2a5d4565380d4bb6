"""Check at the start that a data set and the files it looks up fit."""

import logging
from typing import Any, Collection, Iterable, Iterator, NamedTuple, Optional

from mmengine.logging import print_log

from clhoi_mm.utils.errors import InputError
from clhoi_mm.utils.key_matching import match_keys


class KeySource(NamedTuple):
    """A file in which a transform looks up an image's key.

    Attributes:
        keys (Collection[str]): Its keys.
        name (str): The file, for messages.
        remedy (str): Advice where none of them is an image's.
    """

    keys: Collection[str]
    name: str
    remedy: str


def check_keys(
    pipeline: Any, keys: Collection[str], source: str, total: int
) -> None:
    """Look up an image's key in each file that a pipeline reads by key.

    Args:
        pipeline (Compose): Transforms; ``key_source`` of those that look up
            keys gives a :class:`KeySource`.
        keys (Collection[str]): Keys of the data set's images, or of some.
        source (str): Where the data set lists them, for messages.
        total (int): How many images it has.

    Raises:
        InputError: A file holds none of the keys; the message shows one of
            each side and the likely remedy.
    """
    sampled = f' ({len(keys)} of {total} looked up)'
    for step in _steps(pipeline.transforms):
        found: Optional[KeySource] = getattr(step, 'key_source', None)
        if found is None or not keys:
            continue
        if not len(found.keys):
            raise InputError(f'{found.name} holds no image; {found.remedy}')
        try:
            match = match_keys(
                keys,
                found.keys,
                f'the images of {source}',
                found.name,
                found.remedy,
            )
        except ValueError as error:
            raise InputError(str(error)) from error
        if match.unmatched:
            print_log(
                match.lines()[0] + sampled * (len(keys) < total),
                'current',
                logging.WARNING,
            )


def _steps(transforms: Iterable[Any]) -> Iterator[Any]:
    """Transforms, those inside others too."""
    for step in transforms:
        yield step
        inner = getattr(step, 'steps', None) or getattr(
            step, 'transforms', None
        )
        if inner is not None:
            yield from _steps(getattr(inner, 'transforms', inner))
