"""Inputs of an inferencer: files, folders, globs, arrays, videos."""

import glob
import os
from pathlib import Path
from typing import Any, Iterator, List, Optional, Set, Union

import numpy as np

from clhoi_mm.utils.image_folder import (
    IMAGES,
    READABLE,
    is_hidden,
    walk_images,
)
from clhoi_mm.utils.image_reader import UnreadableImage

from .image_input import ImageInput
from .video_input import VideoInput

VIDEOS = tuple(
    '.mp4 .avi .mov .mkv .webm .m4v .mpg .mpeg .wmv .flv .mts .m2ts .3gp '
    '.ogv'.split()
)


class Inputs:
    """Images of the given inputs, in their order.

    Args:
        inputs: A path of an image, a video or a folder (searched recursively
            for images), a glob pattern, BGR pixels (H, W, 3) as of
            cv2.imread, or a list of any of these.
        frame_step (int): Use every n-th frame of videos. Defaults to 1.
        without (str, optional): Folder of outputs, to be left out.
        first_array (int): Number of the first array, for its name.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError, ValueError: If an input is no image, or contains none.
    """

    def __init__(
        self,
        inputs: Any,
        frame_step: int = 1,
        without: Optional[str] = None,
        first_array: int = 0,
    ) -> None:
        if frame_step < 1:
            raise ValueError(
                f'frame_step={frame_step}: give 1 for every '
                'frame, 2 for every second one'
            )
        self._frame_step = frame_step
        self._without = os.path.abspath(without) if without else None
        self._names: Set[str] = set()
        self.num_arrays = first_array
        self._items: List[Union[ImageInput, VideoInput]] = []
        many = isinstance(inputs, (list, tuple))
        for item in inputs if many else [inputs]:
            self._add(item)
        if not self._items:
            raise ValueError('the list of inputs is empty; give an image')

    def __len__(self) -> int:
        return sum(
            len(item) if isinstance(item, VideoInput) else 1
            for item in self._items
        )

    @property
    def has_videos(self) -> bool:
        return any(isinstance(item, VideoInput) for item in self._items)

    def __iter__(self) -> Iterator[ImageInput]:
        for item in self._items:
            if isinstance(item, VideoInput):
                yield from item
            else:
                yield item

    def _add(self, item: Any) -> None:
        if isinstance(item, np.ndarray):
            self._add_array(item)
        elif not isinstance(item, (str, os.PathLike)):
            raise TypeError(
                f'an image is a path or an array, not {type(item).__name__}'
            )
        elif os.path.isdir(item):
            self._add_folder(os.fspath(item))
        elif os.path.exists(item):
            self._add_file(os.fspath(item))
        elif '://' in str(item):
            raise ValueError(
                f'{item}: URLs are not supported; download '
                'the file and give its path'
            )
        elif glob.has_magic(os.fspath(item)):
            self._add_glob(os.fspath(item))
        else:
            raise FileNotFoundError(f'{item}: no such image, video or folder')

    def _add_array(self, image: np.ndarray) -> None:
        name = f'{self.num_arrays:08d}'
        if (
            image.ndim != 3
            or image.shape[2] != 3
            or not image.size
            or image.dtype != np.uint8
        ):
            raise ValueError(
                f'array {self.num_arrays}: an image is (height, width, 3) '
                'uint8 in BGR order, as cv2.imread gives it, not '
                f'{image.shape} {image.dtype}; give several as a list'
            )
        self.num_arrays += 1
        self._items.append(ImageInput(self._claim(name), name, image))

    def _add_file(self, path: str) -> None:
        ending = os.path.splitext(path)[1].lower()
        name = os.path.basename(path)
        if ending in VIDEOS:
            self._add_video(self._claim(name), path)
        else:
            # Files that are no images are reported when they are read.
            self._items.append(ImageInput(self._claim(name), path, path))

    def _add_video(self, name: str, path: str) -> None:
        try:
            item = VideoInput(name, path, self._frame_step)
        except UnreadableImage as error:
            # The other inputs are processed all the same.
            item = ImageInput(name, path, error=str(error))
        self._items.append(item)

    def _add_folder(self, path: str) -> None:
        before = len(self._items)
        for folder in walk_images(path):
            if self._is_output(folder.path):
                continue
            for name in folder.names:
                image = os.path.join(path, folder.prefix, name)
                key = folder.prefix + name
                self._items.append(ImageInput(self._claim(key), image, image))
        if len(self._items) == before:
            raise ValueError(
                f'{path}: there is no image in this folder; '
                f'images end in {", ".join(READABLE)}'
            )

    def _is_output(self, folder: str) -> bool:
        return (
            self._without is not None
            and os.path.commonpath([self._without, folder]) == self._without
        )

    def _add_glob(self, pattern: str) -> None:
        paths = [
            path
            for path in sorted(glob.glob(pattern, recursive=True))
            if path.lower().endswith(IMAGES + VIDEOS)
            and os.path.isfile(path)
            and not _is_hidden_in(path, pattern)
            and not self._is_output(os.path.dirname(os.path.abspath(path)))
        ]
        if not paths:
            raise FileNotFoundError(
                f'{pattern}: no image or video matches this pattern'
            )
        for path in paths:
            self._add_file(path)

    def _claim(self, name: str) -> str:
        """Make a name for outputs that no other input has."""
        stem = str(Path(name).with_suffix(''))
        number, claimed = 1, stem
        while claimed in self._names:
            claimed = name if number == 1 else f'{name}_{number}'
            number += 1
        self._names.add(claimed)
        return claimed


def _is_hidden_in(path: str, pattern: str) -> bool:
    """Test whether a glob pattern matched a hidden path unintentionally."""
    parts = Path(pattern).parts
    pattern_parts = next(
        i for i, part in enumerate(parts) if glob.has_magic(part)
    )
    return any(
        is_hidden(part) and part not in parts
        for part in Path(path).parts[pattern_parts:]
    )
