"""List the images of a folder, less what is no image of the user's."""

import logging
import os
from functools import lru_cache
from typing import Iterator, List, NamedTuple, Optional, Set, Tuple, Union

# Endings of images that Pillow reads; AVIF and JPEG 2000 where it can.
READABLE = tuple(
    '.jpg .jpeg .jpe .jfif .png .webp .bmp .gif .tif .tiff .ppm .pgm .pbm '
    '.pnm .tga .psd .avif .jp2 .j2k .jpx'.split()
)
# What phones and cameras write as well: listed, and refused when read.
FOREIGN = tuple(
    '.heic .heif .hif .jxl .dng .cr2 .cr3 .nef .arw .orf .raf .rw2 .exr '
    '.hdr'.split()
)
IMAGES = READABLE + FOREIGN
# What archives, network drives and recycle bins put beside one's files.
_SYSTEM = (
    '__macosx',
    '@eadir',
    '#recycle',
    '$recycle.bin',
    'system volume information',
)
_NUM_NAMED = 3


class ImageFolder(NamedTuple):
    """The images that lie in a folder itself.

    Attributes:
        path (str): The folder.
        prefix (str): Begins the keys of its images.
        names (List[str]): Their names, sorted.
        changed (int): When an entry was last added to, removed from or
            renamed in the folder, in nanoseconds.
    """

    path: str
    prefix: str
    names: List[str]
    changed: int


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is hidden or of the system.

    Args:
        name (str): Its name, without the folder: ``._photo.jpg``,
            ``.thumbnails``, ``__MACOSX``, ``@eaDir``.
    """
    return name.startswith('.') or name.lower() in _SYSTEM


def walk_images(
    path: Union[str, os.PathLike],
    root: Optional[Union[str, os.PathLike]] = None,
) -> Iterator[ImageFolder]:
    """Go through a folder and those below it, in the order of their names.

    Linked folders are followed; one that is reached twice is listed once.
    Hidden images and folders are left out, and counted in one line of the
    log.

    Args:
        path (str | PathLike): The folder.
        root (str | PathLike, optional): A folder above it that keys are
            relative to. Defaults to None: the folder itself.

    Yields:
        ImageFolder: One a folder, those without images too.

    Raises:
        ValueError: The folder lies outside its root.
    """
    path = os.path.abspath(path)
    root = os.path.abspath(root or path)
    prefix = os.path.relpath(path, root)
    if prefix == os.pardir or prefix.startswith(os.pardir + os.sep):
        raise ValueError(
            f'{path}: the folder is not inside {root}, which '
            'keys are said to be relative to; give a folder '
            'above it, or none'
        )
    below = [path]
    seen: Set[Tuple[int, int]] = set()
    hidden = _Hidden(path)
    while below:
        folder = below.pop()
        # Before its entries are read: a later change shows.
        found = os.stat(folder)
        if (found.st_dev, found.st_ino) in seen:
            continue
        seen.add((found.st_dev, found.st_ino))
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
            found.st_mtime_ns,
        )
    hidden.report()


class _Hidden:
    """Counts what is left out.

    Args:
        path (str): The folder that is gone through.
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
        """Say what was left out, if anything was."""
        if self.files or self.folders:
            more = self.files + self.folders > len(self.names)
            _log_once(
                f'{self.path}: left out {self.files} hidden images and '
                f'{self.folders} hidden folders '
                f'({", ".join(sorted(self.names))}{", ..." if more else ""})'
            )


@lru_cache(maxsize=64)
def _log_once(message: str) -> None:
    # Without any set-up of logging, warnings go to stderr as they are.
    logging.getLogger('clhoi_mm').warning(message)


def _list(folder: str, hidden: _Hidden) -> Tuple[List[str], List[str]]:
    """Names of a folder's images and folders."""
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
