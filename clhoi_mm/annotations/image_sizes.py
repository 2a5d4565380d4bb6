"""Sizes of images whose source does not state them."""

from pathlib import Path
from typing import Iterable, List, Tuple

import numpy as np
from tqdm import tqdm

from clhoi_mm.utils.image_reader import read_image_size

from .text_file import PathLike


def read_image_sizes(
    folder: PathLike, file_names: Iterable[str], progress: bool = False
) -> List[Tuple[int, int]]:
    """Read stored widths and heights from the images' headers.

    Boxes of annotated data sets refer to the stored pixels, without the EXIF
    orientation, and these data sets are loaded accordingly.

    Args:
        folder (str | PathLike): Folder that the names are relative to.
        file_names (Iterable[str]): Image names.
        progress (bool): Whether to show a progress bar.

    Raises:
        FileNotFoundError: If images are missing; the message counts them.
        ValueError: If images cannot be read; the message counts them.
    """
    sizes, missing, bad = [], [], []
    names = list(file_names)
    for name in tqdm(names, 'image sizes', disable=not progress):
        path = Path(folder, name)
        try:
            sizes.append(read_image_size(path, 'stored'))
        except FileNotFoundError:
            missing.append(path)
        except OSError as error:
            bad.append(str(error))
    if missing:
        raise FileNotFoundError(
            f'{missing[0]}: no such image ({len(missing)} of {len(names)} are '
            f'missing); name the folder that holds {Path(names[0]).parent}/.'
        )
    if bad:
        raise ValueError(
            f'{bad[0]} ({len(bad)} of {len(names)} images cannot be read); '
            'fetch them again.'
        )
    return sizes


def extent(bboxes: np.ndarray) -> Tuple[int, int]:
    """Compute the smallest width and height that contain the boxes.

    Substitute for the size of an image where no source states it, at least
    one pixel.

    Args:
        bboxes (np.ndarray): (N, 4), xyxy.
    """
    far = np.ceil(bboxes[:, 2:].max(0, initial=1))
    return int(far[0]), int(far[1])
