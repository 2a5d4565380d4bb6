"""Precomputed detector features in place of the image."""

from typing import NamedTuple, Tuple

import numpy as np
from mmcv.transforms import BaseTransform

from clhoi_mm.registry import TRANSFORMS

from ..detection_file import REMEDY, DetectionFile, DetectorView
from ..key_check import KeySource


class ImageViews(NamedTuple):
    """Views of an image, one of which the flips select."""

    file: DetectionFile
    key: str

    def pick(self, results: dict) -> DetectorView:
        """Select the view of the pipeline's flip; set its shape.

        Args:
            results (dict): The pipeline's dict.

        Raises:
            RuntimeError: If the file cannot contain such a view.
            KeyError: If the file does not contain it.
        """
        flipped = bool(results.get('flip', False))
        view = DetectorView(self.file, self.file.find(self.key, flipped))
        shape = tuple(self.file.shapes[view.row, 1].tolist())
        if tuple(results['img_shape'][:2]) != content_shape(
            self.file, view.row
        ) or results.get('flip_direction') not in (None, 'horizontal'):
            raise RuntimeError(
                f'{self.file.path} contains images as resized for the '
                'network, original and mirrored; leave all other '
                'augmentation, Resize and Pad too, out of a pipeline with '
                'LoadDetectorFeatures.'
            )
        # Padding at the right and below is part of the view.
        results['img_shape'] = shape
        return view


def content_shape(file: DetectionFile, row: int) -> Tuple[int, int]:
    """Compute height and width of a view's image without padding.

    Args:
        file (DetectionFile): The file.
        row (int): The view's row.
    """
    original, shape, _ = file.shapes[row]
    resized = np.rint(original * file.scale_factors[row][::-1])
    return tuple(np.minimum(resized, shape).astype(int).tolist())


@TRANSFORMS.register_module()
class LoadDetectorFeatures(BaseTransform):
    """Loads a frozen detector's feature maps and detections.

    Use it in place of LoadImage, Resize and Pad. The image is not read;
    RandomFlip (horizontal) is the only augmentation that may follow. Boxes
    are loaded and mirrored on the image without padding, as when the file was
    written. :class:`PackHOIInputs` gives the sample a ``detector_view``, from
    which :class:`CLHOI` reads maps, detections and RoI features; the detector
    does not run.

    Required Keys:

    - key

    Added Keys:

    - img (placeholder without content), img_shape, ori_shape, scale_factor
    - detector_views (ImageViews)
    - placeholder_source (str)

    Args:
        file (str): File of ``tools/analysis_tools/cache_detections.py
            --features``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or contains detections only.
    """

    def __init__(self, file: str) -> None:
        self.file = DetectionFile.open(file)
        if self.file.features is None:
            raise ValueError(
                f'{file} holds detections only; {REMEDY} --features.'
            )

    @property
    def key_source(self) -> KeySource:
        """Keys of the file."""
        return self.file.key_source

    def transform(self, results: dict) -> dict:
        """Add the keys above.

        Args:
            results (dict): Result dict of the data set.

        Raises:
            KeyError: If the image is not in the file.
        """
        row = self.file.find(results['key'])
        shape = content_shape(self.file, row)
        # A broadcast view of a single zero, which costs no memory or time.
        results['img'] = np.broadcast_to(np.uint8(0), (*shape, 3))
        results['img_shape'] = shape
        results['ori_shape'] = tuple(self.file.shapes[row, 0].tolist())
        results['scale_factor'] = tuple(self.file.scale_factors[row].tolist())
        results['detector_views'] = ImageViews(self.file, results['key'])
        results['placeholder_source'] = type(self).__name__
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(file={self.file.path!r})'
