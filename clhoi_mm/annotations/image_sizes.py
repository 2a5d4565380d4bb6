"""Sizes of images that a source does not tell."""

from pathlib import Path
from typing import Iterable, List, Tuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from .text_file import PathLike


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
