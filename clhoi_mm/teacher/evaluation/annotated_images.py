"""Image-level annotations that teachers are compared with."""

import os
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Set, Union

import numpy as np

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.utils.keys import normalize_key
from clhoi_mm.vocabulary import HOIVocabulary

from ..simulation.image_labels import read_image_labels

PathLike = Union[str, os.PathLike]


class AnnotatedImages:
    """Image-level labels of an annotation file, by key.

    Interactions flagged invisible count, ``no_interaction`` classes do not.

    Args:
        ann_file (str | PathLike): The annotation file.
        vocabulary (HOIVocabulary): The vocabulary.
        ids (str | PathLike, optional): List of images to keep, see
            :func:`read_image_list`. Defaults to None: all.
        without (Sequence[str | PathLike]): Lists of images to leave out.

    Attributes:
        path (str | PathLike): The annotation file.
        hois (Dict[str, np.ndarray]): Labels of each image by its key.
        num_images (np.ndarray): Images of each class in the whole file,
            (C,) int.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file cannot be read, a list has no image of the
            annotation file, or no image is left.
    """

    def __init__(
        self,
        ann_file: PathLike,
        vocabulary: HOIVocabulary,
        ids: Optional[PathLike] = None,
        without: Sequence[PathLike] = (),
    ) -> None:
        self.path = ann_file
        images = read_image_labels(ann_file, vocabulary)
        kept = {x.key for x in images}
        if ids is not None or without:
            file = AnnotationFile.read(ann_file)
            keys = dict(zip(map(str, file.image_ids), file.keys))
            keys.update(zip(file.keys, file.keys))
            if ids is not None:
                kept = read_image_list(ids, keys)
            for path in without:
                kept -= read_image_list(path, keys)
        if not kept:
            raise ValueError(f'{ann_file}: no image is left to compare')
        self.hois: Dict[str, np.ndarray] = {
            x.key: np.array(x.hois, np.int64) for x in images if x.key in kept
        }
        labels: List[int] = [hoi for x in images for hoi in x.hois]
        self.num_images = np.bincount(
            np.array(labels, np.int64), minlength=vocabulary.num_hois
        )


def read_image_list(path: PathLike, keys: Dict[str, str]) -> Set[str]:
    """Read a list of images, one key or id of the annotation file a line.

    Args:
        path (str | PathLike): The list; other images in it are passed over.
        keys (Dict[str, str]): Keys of the annotated images, by key and id.

    Returns:
        Set[str]: Keys.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no text, or names no annotated image.
    """
    try:
        lines = Path(path).read_text(encoding='utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{path}: no text; a list of images is expected, one a line'
        ) from error
    names = [normalize_key(line) for line in lines if line.strip()]
    found = {keys[name] for name in names if name in keys}
    if not found:
        raise ValueError(
            f'{path}: no line is the key or id of an annotated image; the '
            f'first is {next(iter(names), "")!r}, the annotation file has '
            f'{next(iter(keys.values()), "")!r}'
        )
    return found
