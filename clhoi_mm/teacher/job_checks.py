"""Checks that the files of a pass have images in common."""

from itertools import islice
from pathlib import Path
from typing import Callable, Collection, List

from clhoi_mm.utils.key_matching import match_keys
from clhoi_mm.vocabulary import HOIVocabulary

from .backends import Backend
from .requests.detected_objects import DetectedObjects
from .requests.images import ImageSource
from .requests.shards import Shard

_NUM_CHECKED = 1000


def count_unmatched(
    images: ImageSource,
    shard: Shard,
    keys: Collection[str],
    source: str,
    remedy: str,
    read_all: Callable[[], Collection[str]],
) -> int:
    """Count a shard's images that a file lacks.

    Args:
        images (ImageSource): The images of all shards.
        shard (Shard): The part to count.
        keys (Collection[str]): Keys of the file, of this shard at least.
        source (str): The file.
        remedy (str): Remedy, for the message.
        read_all (Callable): Returns the keys of all shards; called only where
            none of this one matches, since a shard may be small.

    Returns:
        int: How many of the shard's images the file lacks.

    Raises:
        ValueError: No image at all is in the file.
    """
    matched = unmatched = 0
    for image in images:
        if image.image_id in shard:
            if image.image_id in keys:
                matched += 1
            else:
                unmatched += 1
    if unmatched and not matched:
        known = read_all()
        if not known:
            raise ValueError(f'{source}: there is no image in it')
        match_keys(
            (image.image_id for image in images),
            known,
            f'the images of {images.path}',
            source,
            remedy,
        )
    return unmatched


def note_unused(images: ImageSource, backend: Backend) -> List[str]:
    """Report the answers of a backend's file without an image.

    Args:
        images (ImageSource): The images of all shards.
        backend (Backend): The backend.

    Returns:
        List[str]: A sentence or none.
    """
    if not backend.keys:
        return []
    used = {x.image_id for x in images if x.image_id in backend.keys}
    count = len(backend.keys) - len(used)
    if not count:
        return []
    example = next(key for key in backend.keys if key not in used)
    return [
        f'{backend.source}: {count} of its {len(backend.keys)} images are '
        f'not among those of {images.path} and were skipped, for one '
        f'"{example}"'
    ]


def require_persons(
    images: ImageSource,
    shard: Shard,
    objects: DetectedObjects,
    vocabulary: HOIVocabulary,
    source: str,
    read_all: Callable[[], DetectedObjects],
) -> None:
    """Raise an error where no image has a person.

    Args:
        images (ImageSource): The images of all shards.
        shard (Shard): The part that is checked first.
        objects (DetectedObjects): The objects detected in this shard.
        vocabulary (HOIVocabulary): The vocabulary.
        source (str): The file of detected objects.
        read_all (Callable): Returns the objects of all shards; called only
            where this one has no person, since a shard may be small.

    Raises:
        ValueError: There are images, and none has a person.
    """
    label = vocabulary.person_label
    keys = [image.image_id for image in images]
    if any(label in objects.get(key, ()) for key in keys):
        return
    if shard.count > 1:
        objects = read_all()
        if any(label in objects.get(key, ()) for key in keys):
            return
    if not keys:
        return
    person = vocabulary.objects[label]
    names = objects.unknown_names()
    raise ValueError(
        f'{source}: none of the {len(keys)} images has a "{person}" among '
        f'its detected objects, which the stages list and score need; call '
        f'persons "{person}" in the file of --objects, or lower '
        f'--min-object-score'
        + (f' (names outside the vocabulary: {names})' if names else '')
    )


def require_files(images: ImageSource, shard: Shard) -> None:
    """Raise an error where none of the first images exists.

    Args:
        images (ImageSource): The images.
        shard (Shard): The part that is checked.

    Raises:
        FileNotFoundError: None of the first 1,000 exists; the message names
            the folder that they may be relative to.
    """
    found = (image for image in images if image.image_id in shard)
    first = list(islice(found, _NUM_CHECKED))
    if not first or any(image.path.exists() for image in first):
        return
    root = None
    if first[0].path.is_relative_to(images.root):
        name = first[0].path.relative_to(images.root)
        above = [Path(), *images.path.absolute().parents]
        root = next((x for x in above if (x / name).exists()), None)
    raise FileNotFoundError(
        f'{images.path}: none of its images is there, such as '
        f'{first[0].path}; give with --image-root the folder that the paths '
        f'are relative to' + (f': {root.absolute()}' if root else '')
    )
