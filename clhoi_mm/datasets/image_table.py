"""Images' paths and keys by the million, in columns that stay on disk."""

import json
import mmap
import os
from typing import Any, Dict, Optional, Tuple, Union

from clhoi_mm.utils.tensor_file import view_tensors

from .string_array import StringArray

FORMAT = 'clhoi_mm images'
VERSION = '1'


class ImageTable:
    """What :class:`ImageTableWriter` wrote, from memory or mapped from disk.

    The content is that of a safetensors file. Where it is mapped, opening
    reads a few kilobytes, and processes share what they read. Instances can
    be pickled and copied to worker processes.

    Args:
        content (bytes | str | PathLike): The content, or the file with it.

    Attributes:
        stamp (dict): What the images were read from, in which state.
        paths (StringArray): Their paths.
        keys (StringArray): Their keys.
        sizes (np.ndarray, optional): Their widths and heights (N, 2), 0
            where unknown.

    Raises:
        ValueError: It is damaged or something else.
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
                f'({error!r}); delete it, and it is made '
                'anew'
            ) from error

    def __len__(self) -> int:
        return len(self.paths.starts)

    def __reduce__(self) -> tuple:
        return ImageTable, (self._source,)

    def path(self, row: int) -> str:
        """Path of an image, as the source states it."""
        return self.paths.row(row).decode()

    def key(self, row: int) -> str:
        """Key of an image."""
        return self.keys.row(row).decode()

    def size(self, row: int) -> Optional[Tuple[int, int]]:
        """Width and height of an image, or None."""
        if self.sizes is None or not self.sizes[row].all():
            return None
        return tuple(self.sizes[row].tolist())

    def _read(self, content: Union[bytes, mmap.mmap]) -> None:
        columns, found = view_tensors(content)
        if (found['format'], found['version']) != (FORMAT, VERSION):
            raise ValueError(
                f'format {found["format"]!r}, version '
                f'{found["version"]!r}; this release reads '
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
