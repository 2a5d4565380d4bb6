"""Checks of boxes against the sizes of their images."""

from typing import List

import numpy as np

from clhoi_mm.utils.errors import InputError

from .coco_file import COCOFile
from .text_file import PathLike

# Pixels that a box may exceed its image by, for rounding.
_ROUNDING = 1
_CORNERS = (
    '; most do, so perhaps they are written as [x1, y1, x2, y2], where '
    '[x, y, w, h] is expected, or belong to images of another size'
)


def check_boxes(boxes: COCOFile, name: PathLike) -> List[str]:
    """Refuse normalized boxes and report suspicious ones.

    Args:
        boxes (COCOFile): Boxes in images of known size.
        name (str | PathLike): Name of the file, for error messages.

    Returns:
        list[str]: One sentence with an example per kind of suspicious box.

    Raises:
        InputError: If all coordinates are between 0 and 1.
    """
    pairs = [
        (boxes.images[image_id], ann)
        for image_id, anns in boxes.annotations.items()
        for ann in anns
    ]
    xywh = np.array([ann['bbox'] for _, ann in pairs], float).reshape(-1, 4)
    sizes = np.array(
        [(image['width'], image['height']) for image, _ in pairs], float
    ).reshape(-1, 2)
    empty = (xywh[:, 2:] <= 0).any(1)
    inside_one = (xywh >= 0).all() and (xywh <= 1).all()
    if inside_one and not empty.all() and (sizes > 2).all():
        raise InputError(
            f'{name}: all {len(pairs)} boxes lie between 0 and 1, for one '
            f'{_place(*pairs[int(empty.argmin())])}: they seem to be '
            'normalized; write pixels, x and w times the width of the image, '
            'y and h times its height.'
        )
    beyond = (xywh[:, :2] + xywh[:, 2:] > sizes + _ROUNDING).any(1)
    outside = beyond | (xywh[:, :2] < -_ROUNDING).any(1)
    cause = _CORNERS if beyond.sum() * 2 > len(pairs) else ''
    return [
        f'{mask.sum()} of {len(pairs)} boxes {what}, for one '
        f'{_place(*pairs[int(mask.argmax())])}{hint}'
        for mask, what, hint in (
            (outside, 'reach beyond their image', cause),
            (empty, 'have no width or no height', ''),
        )
        if mask.any()
    ]


def _place(image: dict, ann: dict) -> str:
    return (
        f'annotation {ann["id"]}, {ann["bbox"]}, in image {image["id"]!r} of '
        f'{image["width"]} x {image["height"]} pixels'
    )
