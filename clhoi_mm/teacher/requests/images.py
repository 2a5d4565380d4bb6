import base64
import io
import os
from pathlib import Path
from typing import Iterator, NamedTuple, Optional, Union

import numpy as np
from PIL import Image

from clhoi_mm.annotations.text_file import read_json
from clhoi_mm.utils.image_folder import walk_images
from clhoi_mm.utils.image_reader import read_image
from clhoi_mm.utils.keys import normalize_key
from clhoi_mm.utils.parquet import open_parquet

from .marks import draw_marks
from .messages import Request


class ImageEntry(NamedTuple):
    """Key and path of an image.

    Attributes:
        image_id (str): Its key, unique over all splits.
        path (Path): Its file.
    """

    image_id: str
    path: Path


class ImageSource:
    """Images of a folder, list, Parquet or annotation file.

    Iterating yields them one at a time, repeatedly; only an annotation file
    is held in memory.

    Args:
        path (str | PathLike): A folder (searched through; a key is the path
            inside it), a .txt with one path a line, a .parquet with a column
            ``path`` (or ``file_name``) and perhaps ``key``, or a .json in
            COCO's form (a key is ``key``, else ``file_name``).
        root (str | PathLike, optional): Root of the paths of a file, and of
            the keys of a folder's images. Defaults to None: the
            file's folder, or the folder itself.

    Attributes:
        orientation (str): 'stored' for the images of an annotation file,
            which were annotated so, 'upright' for all others.

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
        self.orientation = (
            'stored' if self.path.suffix == '.json' else 'upright'
        )
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
        try:
            with open(self.path, encoding='utf-8-sig') as file:
                for line in file:
                    name = normalize_key(line)
                    if name:
                        yield ImageEntry(name, self.root / name)
        except UnicodeDecodeError as error:
            raise ValueError(
                f'{self.path}: no UTF-8 ({error.reason}); write the list in '
                'UTF-8'
            ) from error

    def _read_parquet(self) -> Iterator[ImageEntry]:
        with open_parquet(
            self.path, ('path', 'file_name', 'key'), 'a .txt list'
        ) as file:
            names = file.schema_arrow.names
            path = 'path' if 'path' in names else 'file_name'
            if path not in names:
                raise ValueError(
                    f'{self.path}: a column "path" or "file_name" is missing'
                )
            key = 'key' if 'key' in names else path
            for batch in file.iter_batches(columns=list({key, path})):
                for image_id, name in zip(
                    batch.column(key).to_pylist(),
                    batch.column(path).to_pylist(),
                    strict=True,
                ):
                    yield ImageEntry(
                        normalize_key(image_id),
                        self.root / normalize_key(name),
                    )

    def _read_annotations(self) -> Iterator[ImageEntry]:
        try:
            content = read_json(self.path)
            for image in content['images']:
                name = normalize_key(image['file_name'])
                key = normalize_key(image.get('key') or name)
                yield ImageEntry(key, self.root / name)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f'{self.path}: no COCO file with images and their file_name '
                f'({error!r}); convert it with tools/dataset_converters'
            ) from error


def load_image(
    path: Union[str, os.PathLike],
    max_side: Optional[int] = None,
    orientation: str = 'upright',
) -> Image.Image:
    """Read an image in RGB.

    Args:
        path (str | PathLike): The file.
        max_side (int, optional): Longer images are scaled down to this many
            pixels. Defaults to None.
        orientation (str): 'upright' as a person sees it, or 'stored'.
            Defaults to 'upright'.

    Returns:
        PIL.Image.Image: The image.

    Raises:
        OSError: The file is missing or no image, or is cut off.
    """
    image = read_image(path, orientation)
    if max_side and max(image.size) > max_side:
        image.thumbnail((max_side, max_side))
    return image


def load_request_image(
    request: Request,
    max_side: Optional[int] = None,
    orientation: str = 'upright',
) -> Image.Image:
    """Read a request's image, with marks if the request is about these.

    Args:
        request (Request): The request.
        max_side (int, optional): See :func:`load_image`.
        orientation (str): See :func:`load_image`.

    Returns:
        PIL.Image.Image: The image.

    Raises:
        OSError: The file is missing or no image, or is cut off.
    """
    image = load_image(request.image_path, max_side, orientation)
    scene = request.prompt.scene
    if scene is None or scene.style != 'marks':
        return image
    whole = np.tile(scene.size, 2)
    return draw_marks(
        image, np.divide(scene.boxes, whole), scene.marks_of(scene.person)
    )


def encode_image(image: Image.Image) -> str:
    """Encode an image as a data URL with a JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, 'JPEG', quality=95)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'data:image/jpeg;base64,{data}'
