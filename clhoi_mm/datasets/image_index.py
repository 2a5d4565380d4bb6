"""Image lists, the long ones with an index file."""

import fcntl
import io
import os
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO, Iterator, List, Optional, Tuple

from mmengine.logging import print_log

from clhoi_mm.utils.files import atomic_path

from .image_blocks import read_folder, read_list, read_parquet
from .image_table import ImageTable
from .image_table_writer import ImageTableWriter

# Shorter lists are read each time, which takes less than a second.
INDEX_FROM = 1_000_000


def open_images(
    images: str, root: Optional[str] = None, index: Optional[str] = None
) -> ImageTable:
    """Open images of a folder, list or Parquet file.

    For a million images and more, an index file is created and
    memory-mapped. It is created again when the list, or a folder, has
    changed. Concurrent processes create it once.

    Args:
        images (str): A folder, a .txt with a path a line, or a .parquet.
        root (str, optional): Folder that a folder's paths are relative to.
            Defaults to None: the folder itself.
        index (str, optional): Path of the index, which short lists then have,
            too. Defaults to None: ``images`` with the suffix '.index'.

    Returns:
        ImageTable: At least one image.

    Raises:
        FileNotFoundError: If there is no such folder or file.
        OSError: If the index cannot be written.
        ValueError: If the list is damaged or empty, or an image occurs twice.
    """
    images = os.path.abspath(images)
    if not os.path.exists(images):
        raise FileNotFoundError(f'{images}: no such folder or list of images')
    path = os.path.abspath(index or f'{images}.index')
    table = _fresh(path, images, root)
    if table is not None:
        return table
    if index is None:
        memory = io.BytesIO()
        if _write(memory, images, root, INDEX_FROM):
            return ImageTable(memory.getvalue())
        del memory
    with _locked(os.path.dirname(path)):
        # Another process may have created it meanwhile.
        table = _fresh(path, images, root)
        if table is None:
            _write_index(path, images, root)
            table = ImageTable(path)
    return table


def _fresh(
    path: str, images: str, root: Optional[str]
) -> Optional[ImageTable]:
    """Open the index if it is up to date."""
    if not os.path.isfile(path):
        return None
    table = ImageTable(path)
    stamp = table.stamp
    if stamp['images'] != images or stamp['root'] != root:
        return None
    for name, changed, size in stamp['read']:
        with suppress(OSError):
            stored = os.stat(name)
            if stored.st_mtime_ns == changed and size in (
                None,
                stored.st_size,
            ):
                continue
        return None
    return table


def _write_index(path: str, images: str, root: Optional[str]) -> None:
    print_log(f'Indexing the images of {images} in {path}', 'current')
    with ExitStack() as stack:
        try:
            temp = stack.enter_context(atomic_path(path))
        except OSError as error:
            raise type(error)(
                f'{path}: the index of {images} cannot be written ({error}); '
                "give a place for it with the data set's index=PATH"
            ) from error
        with open(temp, 'w+b') as file:
            _write(file, images, root)


def _write(
    file: BinaryIO,
    images: str,
    root: Optional[str],
    limit: Optional[int] = None,
) -> bool:
    """Write a table of the images.

    Returns:
        bool: Whether there are fewer images than the limit, and all were
        written.
    """
    changed: List[Tuple[str, int]] = []
    stat = os.stat(images)
    read = [(images, stat.st_mtime_ns, stat.st_size)]
    if os.path.isdir(images):
        blocks = read_folder(images, root, changed)
    elif images.endswith('.txt'):
        blocks = read_list(images)
    elif images.endswith('.parquet'):
        blocks = read_parquet(images)
    else:
        raise ValueError(
            f'{images}: images come from a folder, or from a '
            'file that ends in .txt or .parquet'
        )
    writer = ImageTableWriter(file, images)
    for block in blocks:
        writer.add(block)
        if limit is not None and len(writer) >= limit:
            return False
    if not len(writer):
        raise ValueError(
            f'{images}: there is no image in it; '
            + (
                'check the folder (image files end in .jpg, .png, .webp and '
                'the like)'
                if changed
                else 'list at least one'
            )
        )
    if changed:
        read = [(*entry, None) for entry in changed]
    writer.finish(dict(images=images, root=root, read=read))
    return True


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Lock out other processes, if the file system supports it."""
    handle = None
    try:
        with suppress(OSError):
            os.makedirs(folder, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        if handle is not None:
            os.close(handle)
