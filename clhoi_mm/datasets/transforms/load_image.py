"""Image loading by the package's image reader."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from clhoi_mm.registry import TRANSFORMS
from clhoi_mm.utils.image_reader import (
    ORIENTATIONS,
    UnreadableImage,
    read_image,
)


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Loads an image as BGR pixels, as mmcv's LoadImageFromFile does.

    It uses :func:`clhoi_mm.utils.image_reader.read_image`, as do the teacher,
    image sizes, pictures and the web page, so that all use the same pixels.
    Given pixels are used as they are.

    Required Keys:

    - img_path, or img (BGR, (H, W, 3) uint8)

    Added Keys:

    - img, img_shape, ori_shape
    - orientation (str)

    Args:
        orientation (str): 'stored' for data sets that were annotated on the
            stored pixels (HICO-DET, V-COCO, COCO), 'upright' to apply the
            EXIF orientation of photos.
        max_aspect_ratio (float): Maximum ratio of the longer to the shorter
            side; more elongated images are refused, since resizing would
            leave nothing of them. Defaults to 100.

    Raises:
        ValueError: If there is no such orientation.
    """

    def __init__(
        self, orientation: str, max_aspect_ratio: float = 100.0
    ) -> None:
        if orientation not in ORIENTATIONS:
            raise ValueError(
                "LoadImage: orientation must be 'stored' or 'upright', got "
                f'{orientation!r}'
            )
        self.orientation = orientation
        self.max_aspect_ratio = max_aspect_ratio

    def transform(self, results: dict) -> dict:
        """Add the keys above.

        Args:
            results (dict): Result dict of the data set.

        Returns:
            dict: The same dict.

        Raises:
            FileNotFoundError: If there is no such image.
            UnreadableImage: If it is damaged, or too elongated or large.
        """
        image = results.get('img')
        if image is None:
            image = read_image(results['img_path'], self.orientation)
            image = cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2BGR)
        height, width = image.shape[:2]
        if max(height, width) > self.max_aspect_ratio * min(height, width):
            raise UnreadableImage(
                f'{results.get("img_path", "an image")}: the image is '
                f'{width} x {height} pixels, a strip in which there is '
                'nothing to find'
            )
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = height, width
        results['orientation'] = self.orientation
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(orientation={self.orientation!r}, '
            f'max_aspect_ratio={self.max_aspect_ratio})'
        )
