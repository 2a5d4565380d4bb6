"""Images that are missing, damaged or of a useless size."""

import os.path as osp
from contextlib import contextmanager
from typing import Iterator

import cv2
import numpy as np
from mmengine.dataset import Compose

from clhoi_mm.utils.image_reader import UnreadableImage

from .transforms import PackHOIInputs


class MissingImage(FileNotFoundError):
    """Error for a listed image that does not exist."""


@contextmanager
def describe_image_errors(
    info: dict, list_file: str, source: str
) -> Iterator[None]:
    """Let errors of a pipeline name the image and a remedy.

    Args:
        info (dict): The pipeline's input, changed in place by it.
        list_file (str): The file that lists the image.
        source (str): Where the images come from, a sentence without its end.

    Raises:
        MissingImage: If there is no such image.
        UnreadableImage: If it is damaged or too thin to be resized.
    """
    path = info['img_path']
    remedy = f'Fetch it again, or leave it out of {list_file}'
    try:
        yield
    except FileNotFoundError as error:
        if osp.exists(path):
            raise
        raise MissingImage(
            f'No image {path}, which {list_file} lists. Check data_root and '
            f'data_prefix, or fetch the images. {source}.'
        ) from error
    except UnreadableImage as error:
        raise UnreadableImage(f'{error}. {remedy}.') from error
    except (AssertionError, cv2.error) as error:
        if 'ori_shape' not in info:
            # mmcv's LoadImageFromFile.
            reason = 'no image can be decoded from it'
        elif isinstance(error, cv2.error):
            # Such as resizing to nothing.
            height, width = info['ori_shape'][:2]
            reason = (
                'a transform of the pipeline fails for this image of '
                f'{width} x {height} pixels ({error})'
            )
        else:
            raise
        raise UnreadableImage(f'{path}: {reason}. {remedy}.') from error


def pack_unreadable(pipeline: Compose, info: dict, error: Exception) -> dict:
    """Pack the annotations of an image that cannot be read.

    Args:
        pipeline (Compose): The pipeline; its last step packs.
        info (dict): The image's record.
        error (Exception): The reason, raised if the pipeline does not pack.

    Returns:
        dict: ``inputs`` of one pixel, and ``data_samples`` with the
        annotations and, as metainfo, ``unreadable``.
    """
    pack = [
        step for step in pipeline.transforms if isinstance(step, PackHOIInputs)
    ]
    if not pack:
        raise error
    packed = pack[0](
        dict(
            info,
            img=np.zeros((1, 1, 3), np.uint8),
            img_shape=(1, 1),
            ori_shape=(info.get('height', 1), info.get('width', 1)),
        )
    )
    packed['data_samples'].set_metainfo(dict(unreadable=str(error)))
    return packed
