"""Columns of image paths and keys that stay on disk."""

import json
import mmap
import os
from typing import Any, Dict, Optional, Tuple, Union

from clhoi_mm.utils.tensor_file import view_tensors

from .string_array import StringArray

FORMAT = 'clhoi_mm images'
VERSION = '1'


class ImageTable:
    """Table of images, in memory or memory-mapped.

    The content, of :class:`ImageTableWriter`, is a safetensors file. Opening
    a mapped file reads a few kilobytes, and processes share its pages.
    Instances can be pickled and copied to worker processes.

    Args:
        content (bytes | str | PathLike): The content, or the path of a file.

    Attributes:
        stamp (dict): Source of the images and its state.
        paths (StringArray): Image paths.
        keys (StringArray): Image keys.
        sizes (np.ndarray, optional): Widths and heights, (N, 2), 0 where
            unknown.

    Raises:
        ValueError: If the content is damaged or of another format.
    """

    def __init__(self, content: Union[bytes, str, os.PathLike]) -> None:
        self._source = content
        name = 'images'
        if not isinstance(content, bytes):
            name = os.fspath(content)
            with open(content, 'rb') as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self._read(content)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'{name}: no readable table of images '
                f'({error!r}); delete it, and it is created '
                'again'
            ) from error

    def __len__(self) -> int:
        return len(self.paths.starts)

    def __reduce__(self) -> tuple:
        return ImageTable, (self._source,)

    def path(self, row: int) -> str:
        """Return the path of an image, as in the source."""
        return self.paths.row(row).decode()

    def key(self, row: int) -> str:
        """Return the key of an image."""
        return self.keys.row(row).decode()

    def size(self, row: int) -> Optional[Tuple[int, int]]:
        """Return width and height of an image, None if unknown."""
        if self.sizes is None or not self.sizes[row].all():
            return None
        return tuple(self.sizes[row].tolist())

    def _read(self, content: Union[bytes, mmap.mmap]) -> None:
        columns, metadata = view_tensors(content)
        if (metadata['format'], metadata['version']) != (FORMAT, VERSION):
            raise ValueError(
                f'format {metadata["format"]!r}, version '
                f'{metadata["version"]!r}; this release reads '
                f'{FORMAT!r}, {VERSION!r}'
            )
        text = columns['text']
        self.stamp: Dict[str, Any] = json.loads(columns['stamp'].tobytes())
        self.paths = StringArray(
            text, columns['path_starts'], columns['path_lengths']
        )
        self.keys = self.paths
        if 'key_starts' in columns:
            self.keys = StringArray(
                text, columns['key_starts'], columns['key_lengths']
            )
        self.sizes = columns.get('sizes')
