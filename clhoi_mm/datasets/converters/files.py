"""Reading of what users have on disk."""

import json
import os
from pathlib import Path
from typing import Any, Callable, Iterable, List, Optional, Tuple, Union

import numpy as np
from PIL import Image
from tqdm import tqdm

PathLike = Union[str, os.PathLike]


def read_json(path: PathLike, hook: Optional[Callable] = None) -> Any:
    """Reads JSON, with an error that names the file.

    Args:
        path (str | PathLike): The file.
        hook (Callable, optional): Called with each object as it is parsed,
            returns what takes its place.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no JSON.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file.')
    try:
        with path.open(encoding='utf-8') as file:
            return json.load(file, object_hook=hook)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f'{path}: not valid JSON ({error}); the file may be '
            'truncated. Fetch it again.'
        ) from error


def read_image_sizes(
    folder: PathLike, file_names: Iterable[str], progress: bool = False
) -> List[Tuple[int, int]]:
    """Widths and heights from the images' headers.

    Args:
        folder (str | PathLike): What the names are relative to.
        file_names (Iterable[str]): The images.
        progress (bool): Whether to show a progress bar.

    Raises:
        FileNotFoundError: An image is missing.
        ValueError: A file is no image.
    """
    sizes = []
    for name in tqdm(file_names, 'image sizes', disable=not progress):
        path = Path(folder, name)
        try:
            with Image.open(path) as image:
                sizes.append(image.size)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f'{path}: no such image; name the folder that holds '
                f'{Path(name).parent}/.'
            ) from error
        except OSError as error:
            raise ValueError(
                f'{path}: no image ({error}); fetch it again.'
            ) from error
    return sizes


def extent(bboxes: np.ndarray) -> Tuple[int, int]:
    """The least width and height that hold the boxes, at least a pixel.

    Stands in for an image's size where no source tells it.

    Args:
        bboxes (np.ndarray): (N, 4), xyxy.
    """
    far = np.ceil(bboxes[:, 2:].max(0, initial=1))
    return int(far[0]), int(far[1])
