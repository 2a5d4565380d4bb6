"""Check that a data set's keys occur in other files."""

import logging
from typing import Any, Collection, Iterable, Iterator, NamedTuple, Optional

from mmengine.logging import print_log

from clhoi_mm.utils.errors import InputError
from clhoi_mm.utils.key_matching import match_keys


class KeySource(NamedTuple):
    """File in which a transform looks up an image's key.

    Attributes:
        keys (Collection[str]): Keys of the file.
        name (str): Name of the file, for error messages.
        remedy (str): Advice for the case that no key matches.
    """

    keys: Collection[str]
    name: str
    remedy: str


def check_keys(
    pipeline: Any, keys: Collection[str], source: str, total: int
) -> None:
    """Check that files of a pipeline contain the images' keys.

    Args:
        pipeline (Compose): Transforms; those that look up keys have a
            ``key_source`` property.
        keys (Collection[str]): Keys of the data set's images, or a sample.
        source (str): File that lists the images, for error messages.
        total (int): Number of images.

    Raises:
        InputError: If a file contains none of the keys; the message shows one
            of each side and the likely remedy.
    """
    sampled = f' ({len(keys)} of {total} looked up)'
    for step in _steps(pipeline.transforms):
        key_source: Optional[KeySource] = getattr(step, 'key_source', None)
        if key_source is None or not keys:
            continue
        if not len(key_source.keys):
            raise InputError(
                f'{key_source.name} holds no image; {key_source.remedy}'
            )
        try:
            match = match_keys(
                keys,
                key_source.keys,
                f'the images of {source}',
                key_source.name,
                key_source.remedy,
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
    """Iterate over transforms, including nested ones."""
    for step in transforms:
        yield step
        inner = getattr(step, 'steps', None) or getattr(
            step, 'transforms', None
        )
        if inner is not None:
            yield from _steps(getattr(inner, 'transforms', inner))
