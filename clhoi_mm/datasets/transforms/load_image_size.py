"""Image size in place of the image."""

import numpy as np
from mmcv.transforms import BaseTransform

from clhoi_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadImageSize(BaseTransform):
    """Takes the image size from annotations.

    For models that use boxes alone (``CLHOI(detector=None)``). Use it in
    place of LoadImage; RandomFlip is the only augmentation that may follow.
    :class:`PackHOIInputs` gives an input of one pixel.

    Required Keys:

    - height, width

    Added Keys:

    - img (placeholder without content), img_shape, ori_shape
    - placeholder_source (str)
    """

    def transform(self, results: dict) -> dict:
        """Add the keys above.

        Args:
            results (dict): Result dict of the data set.

        Raises:
            KeyError: If the data set does not have the image's size.
        """
        if 'height' not in results or 'width' not in results:
            raise KeyError(
                f'{results.get("img_path", "an image")}: LoadImageSize takes '
                'height and width from the annotations, and there are none; '
                'use a HOIDataset, or LoadImage'
            )
        shape = results['height'], results['width']
        # A broadcast view of a single zero, which costs no memory or time;
        # np.broadcast_to makes it more slowly.
        results['img'] = np.ndarray(
            (*shape, 3), np.uint8, b'\0', strides=(0, 0, 0)
        )
        results['img_shape'] = results['ori_shape'] = shape
        results['placeholder_source'] = type(self).__name__
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
