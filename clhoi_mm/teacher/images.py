import json
import os
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Set,
    Tuple,
    Union,
)

if TYPE_CHECKING:
    import PIL.Image

# Endings of files that are taken for images.
IMAGES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.gif', '.tif', '.tiff')


class ImageEntry(NamedTuple):
    """An image to be asked about.

    Attributes:
        image_id (str): Its key, unique over all splits.
        path (Path): Its file.
    """

    image_id: str
    path: Path


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


class ImageSource:
    """The images of a folder, a list, a Parquet or an annotation file.

    Iterating yields them one at a time, as often as need be; nothing but an
    annotation file is held in memory.

    Args:
        path (str | PathLike): A folder (searched through; a key is the path
            inside it), a .txt with one path a line, a .parquet with a column
            ``path`` (or ``file_name``) and perhaps ``key``, or a .json in
            COCO's form (a key is ``key``, else ``file_name``).
        root (str | PathLike, optional): What the paths of a file, and the
            keys of a folder's images, are relative to. Defaults to None: the
            file's folder, or the folder itself.

    Raises:
        FileNotFoundError: There is no such folder or file.
        ValueError: The ending is unknown, or a folder lies outside its root.
    """

    def __init__(
        self,
        path: Union[str, os.PathLike],
        root: Optional[Union[str, os.PathLike]] = None,
    ) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise FileNotFoundError(
                f'{path}: no such folder or list of images'
            )
        self.root = (
            Path(root)
            if root
            else (self.path if self.path.is_dir() else self.path.parent)
        )
        readers = {
            '.txt': self._read_list,
            '.parquet': self._read_parquet,
            '.json': self._read_annotations,
        }
        if self.path.is_dir():
            self._read = self._read_folder
        elif self.path.suffix in readers:
            self._read = readers[self.path.suffix]
        else:
            raise ValueError(
                f'{path}: images come from a folder, or from a file that '
                f'ends in {", ".join(readers)}'
            )

    def __iter__(self) -> Iterator[ImageEntry]:
        return self._read()

    def _read_folder(self) -> Iterator[ImageEntry]:
        for folder in walk_images(self.path, self.root):
            for name in folder.names:
                key = folder.prefix + name
                yield ImageEntry(key, self.root / key)

    def _read_list(self) -> Iterator[ImageEntry]:
        # Some editors begin a file with a mark.
        with open(self.path, encoding='utf-8-sig') as file:
            for line in file:
                name = line.strip()
                if name:
                    yield ImageEntry(name, self.root / name)

    def _read_parquet(self) -> Iterator[ImageEntry]:
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise ImportError(
                f'{self.path}: reading Parquet needs pyarrow; install it '
                f"with pip install 'clhoi_mm[teacher]'"
            ) from error
        file = parquet.ParquetFile(self.path)
        names = file.schema_arrow.names
        path = 'path' if 'path' in names else 'file_name'
        if path not in names:
            raise ValueError(
                f'{self.path}: a column "path" or "file_name" is missing'
            )
        key = 'key' if 'key' in names else path
        for batch in file.iter_batches(columns=list({key, path})):
            for image_id, name in zip(
                batch.column(key).to_pylist(), batch.column(path).to_pylist()
            ):
                yield ImageEntry(image_id, self.root / name)

    def _read_annotations(self) -> Iterator[ImageEntry]:
        try:
            content = json.loads(self.path.read_text(encoding='utf-8'))
            for image in content['images']:
                name = image['file_name']
                yield ImageEntry(image.get('key', name), self.root / name)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'{self.path}: no COCO file with images and their file_name '
                f'({error!r}); convert it with tools/dataset_converters'
            ) from error


def walk_images(
    path: Union[str, os.PathLike],
    root: Optional[Union[str, os.PathLike]] = None,
) -> Iterator[ImageFolder]:
    """Go through a folder and those below it, in the order of their names.

    Linked folders are followed; one that is reached twice is listed once.

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
    while below:
        folder = below.pop()
        # Before its entries are read: a later change shows.
        found = os.stat(folder)
        if (found.st_dev, found.st_ino) in seen:
            continue
        seen.add((found.st_dev, found.st_ino))
        names, folders = [], []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append(entry.name)
                elif entry.name.lower().endswith(IMAGES):
                    names.append(entry.name)
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


def load_image(
    path: Union[str, os.PathLike], max_side: Optional[int] = None
) -> 'PIL.Image.Image':
    """Read an image upright and in RGB.

    Args:
        path (str | PathLike): The file.
        max_side (int, optional): Longer images are scaled down to this many
            pixels. Defaults to None.

    Returns:
        PIL.Image.Image: The image.

    Raises:
        OSError: The file is missing or no image, or is cut off.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            image = ImageOps.exif_transpose(image).convert('RGB')
    except (ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise OSError(f'{path}: {error}') from error
    if max_side and max(image.size) > max_side:
        image.thumbnail((max_side, max_side))
    return image
