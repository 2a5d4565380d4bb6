import json
import os
from pathlib import Path
from typing import Iterator, NamedTuple, Optional, Union

_ENDINGS = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.gif', '.tif', '.tiff')


class ImageEntry(NamedTuple):
    """An image to be asked about.

    Attributes:
        image_id (str): Its key, unique over all splits.
        path (Path): Its file.
    """
    image_id: str
    path: Path


class ImageSource:
    """The images of a folder, a list, a Parquet or an annotation file.

    Iterating yields them one at a time, as often as need be; nothing but an
    annotation file is held in memory.

    Args:
        path (str | PathLike): A folder (searched through; a key is the path
            inside it), a .txt with one path a line, a .parquet with a column
            ``path`` (or ``file_name``) and perhaps ``key``, or a .json in
            COCO's form (a key is ``key``, else ``file_name``).
        root (str | PathLike, optional): What the paths of a file are
            relative to. Defaults to None: the file's folder.

    Raises:
        FileNotFoundError: There is no such folder or file.
        ValueError: The ending is unknown.
    """

    def __init__(self,
                 path: Union[str, os.PathLike],
                 root: Optional[Union[str, os.PathLike]] = None) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise FileNotFoundError(f'{path}: no such folder or list of '
                                    f'images')
        self.root = Path(root) if root else (
            self.path if self.path.is_dir() else self.path.parent)
        readers = {
            '.txt': self._read_list,
            '.parquet': self._read_parquet,
            '.json': self._read_annotations
        }
        if self.path.is_dir():
            self._read = self._read_folder
        elif self.path.suffix in readers:
            self._read = readers[self.path.suffix]
        else:
            raise ValueError(
                f'{path}: images come from a folder, or from a file that '
                f'ends in {", ".join(readers)}')

    def __iter__(self) -> Iterator[ImageEntry]:
        return self._read()

    def _read_folder(self) -> Iterator[ImageEntry]:
        for folder, folders, files in os.walk(self.path):
            folders.sort()
            for name in sorted(files):
                if name.lower().endswith(_ENDINGS):
                    path = Path(folder, name)
                    key = path.relative_to(self.path).as_posix()
                    yield ImageEntry(key, path)

    def _read_list(self) -> Iterator[ImageEntry]:
        with open(self.path, encoding='utf-8') as file:
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
                f"with pip install 'clhoi_mm[teacher]'") from error
        file = parquet.ParquetFile(self.path)
        names = file.schema_arrow.names
        path = 'path' if 'path' in names else 'file_name'
        if path not in names:
            raise ValueError(f'{self.path}: a column "path" or "file_name" '
                             f'is missing')
        key = 'key' if 'key' in names else path
        for batch in file.iter_batches(columns=list({key, path})):
            for image_id, name in zip(
                    batch.column(key).to_pylist(),
                    batch.column(path).to_pylist()):
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


def load_image(path: Union[str, os.PathLike],
               max_side: Optional[int] = None) -> 'PIL.Image.Image':
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
