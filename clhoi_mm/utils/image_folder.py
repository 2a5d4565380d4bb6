"""Listing of the images of a folder without hidden files."""

import logging
import os
from functools import lru_cache
from typing import Iterator, List, NamedTuple, Optional, Set, Tuple, Union

# Suffixes of images that Pillow reads; AVIF and JPEG 2000 where supported.
READABLE = tuple(
    '.jpg .jpeg .jpe .jfif .png .webp .bmp .gif .tif .tiff .ppm .pgm .pbm '
    '.pnm .tga .psd .avif .jp2 .j2k .jpx'.split()
)
# Other formats of phones and cameras: listed, and refused when read.
FOREIGN = tuple(
    '.heic .heif .hif .jxl .dng .cr2 .cr3 .nef .arw .orf .raf .rw2 .exr '
    '.hdr'.split()
)
IMAGES = READABLE + FOREIGN
# Files of archives, network drives and recycle bins.
_SYSTEM = (
    '__macosx',
    '@eadir',
    '#recycle',
    '$recycle.bin',
    'system volume information',
)
_NUM_NAMED = 3


class ImageFolder(NamedTuple):
    """Images directly in a folder.

    Attributes:
        path (str): The folder.
        prefix (str): Prefix of the keys of its images.
        names (List[str]): Names of the images, sorted.
        changed (int): Modification time of the folder in nanoseconds.
    """

    path: str
    prefix: str
    names: List[str]
    changed: int


def is_hidden(name: str) -> bool:
    """Test for hidden and system files and folders.

    Args:
        name (str): Name without the folder, such as ``._photo.jpg``,
            ``.thumbnails``, ``__MACOSX``, ``@eaDir``.
    """
    return name.startswith('.') or name.lower() in _SYSTEM


def walk_images(
    path: Union[str, os.PathLike],
    root: Optional[Union[str, os.PathLike]] = None,
) -> Iterator[ImageFolder]:
    """Iterate over a folder and its subfolders by name.

    Linked folders are followed; one that is reached twice is listed once.
    Hidden images and folders are left out, and counted in one log message.

    Args:
        path (str | PathLike): The folder.
        root (str | PathLike, optional): A parent folder that keys are
            relative to. Defaults to None: the folder itself.

    Yields:
        ImageFolder: One per folder, including those without images.

    Raises:
        ValueError: If the folder is outside of its root.
    """
    path = os.path.abspath(path)
    root = os.path.abspath(root or path)
    prefix = os.path.relpath(path, root)
    if prefix == os.pardir or prefix.startswith(os.pardir + os.sep):
        raise ValueError(
            f'{path}: the folder is not inside {root}, which '
            'keys should be relative to; give a folder '
            'above it, or none'
        )
    below = [path]
    visited: Set[Tuple[int, int]] = set()
    hidden = _Hidden(path)
    while below:
        folder = below.pop()
        # Before its entries are read, so that later changes are noticed.
        stat = os.stat(folder)
        if (stat.st_dev, stat.st_ino) in visited:
            continue
        visited.add((stat.st_dev, stat.st_ino))
        names, folders = _list(folder, hidden)
        below += [
            os.path.join(folder, name)
            for name in sorted(folders, reverse=True)
        ]
        prefix = os.path.relpath(folder, root).replace(os.sep, '/')
        yield ImageFolder(
            folder,
            '' if prefix == '.' else f'{prefix}/',
            sorted(names),
            stat.st_mtime_ns,
        )
    hidden.report()


class _Hidden:
    """Counter of hidden files.

    Args:
        path (str): The listed folder.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.files = self.folders = 0
        self.names: List[str] = []

    def add(self, name: str, is_folder: bool) -> None:
        self.files += not is_folder
        self.folders += is_folder
        if len(self.names) < _NUM_NAMED and name not in self.names:
            self.names.append(name)

    def report(self) -> None:
        """Log what was left out, if anything."""
        if self.files or self.folders:
            more = self.files + self.folders > len(self.names)
            _log_once(
                f'{self.path}: left out {self.files} hidden images and '
                f'{self.folders} hidden folders '
                f'({", ".join(sorted(self.names))}{", ..." if more else ""})'
            )


@lru_cache(maxsize=64)
def _log_once(message: str) -> None:
    # Without a configured logger, warnings go to stderr.
    logging.getLogger('clhoi_mm').warning(message)


def _list(folder: str, hidden: _Hidden) -> Tuple[List[str], List[str]]:
    """List a folder's images and subfolders."""
    names, folders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir()
            if not is_folder and not entry.name.lower().endswith(IMAGES):
                continue
            if is_hidden(entry.name):
                hidden.add(entry.name, is_folder)
            else:
                (folders if is_folder else names).append(entry.name)
    return names, folders
