"""Annotated boxes with row ids."""

from typing import Tuple

import numpy as np
import torch
from mmdet.datasets.transforms import LoadAnnotations

from clhoi_mm.registry import TRANSFORMS

from .append_boxes import append_boxes


def input_scale(results: dict, name: str) -> Tuple[float, float]:
    """Compute the scale of the image before boxes are loaded.

    Args:
        results (dict): The pipeline's dict.
        name (str): The transform that loads boxes, for error messages.

    Returns:
        Tuple[float, float]: Factors for x and y.

    Raises:
        RuntimeError: If the image was flipped, cropped or padded before.
    """
    scale_w, scale_h = results.get('scale_factor', (1.0, 1.0))
    (height, width), shape = results['ori_shape'], results['img_shape']
    if (
        results.get('flip', False)
        or abs(height * scale_h - shape[0]) > 1
        or abs(width * scale_w - shape[1]) > 1
    ):
        raise RuntimeError(
            f'{name} loads boxes in original-image coordinates, but the '
            'image was flipped, cropped or padded before. Put it right after '
            'LoadImage in the pipeline.'
        )
    return scale_w, scale_h


@TRANSFORMS.register_module()
class LoadHOIAnnotations(LoadAnnotations):
    """Loads boxes with row ids, which identify pairs.

    Put it right after the image is loaded, or after a resize. Masks are not
    loaded.

    Required Keys:

    - ori_shape, img_shape, scale_factor (optional)
    - height, width
    - instances (each with bbox, bbox_label, ignore_flag, row)

    Added Keys:

    - gt_bboxes (TrackedBoxes[torch.float32])
    - gt_bboxes_labels (np.int64)
    - gt_ignore_flags (bool)
    """

    def __init__(self) -> None:
        super().__init__(box_type='tracked_hbox')

    def transform(self, results: dict) -> dict:
        """Load boxes, labels and ignore flags.

        Args:
            results (dict): Result dict from :class:`HOIDataset`.

        Returns:
            dict: With the keys above.

        Raises:
            ValueError: If the image's size is not the annotated one.
            RuntimeError: If the image was flipped, cropped or padded before.
        """
        annotated = (results['height'], results['width'])
        if tuple(results['ori_shape']) != annotated:
            raise ValueError(
                f'{results["img_path"]}: the image is '
                '{1} x {0} pixels'.format(*results['ori_shape'])
                + ', but its annotations say {1} x {0}'.format(*annotated)
                + '; boxes would not fit. Correct width and height in the '
                'annotation file (converters take --images where the source '
                'lacks them), or fetch the image it was made for.'
            )
        pointed = results.pop('gt_bboxes', None)
        results = super().transform(results)
        if pointed is not None:  # of LoadTeacherKnowledge
            labels = np.zeros(len(pointed), np.int64)
            append_boxes(results, pointed, labels, True)
        return results

    def _load_bboxes(self, results: dict) -> None:
        scale = input_scale(results, type(self).__name__)
        super()._load_bboxes(results)
        results['gt_bboxes'].rescale_(scale)
        results['gt_bboxes'].row_ids = torch.tensor(
            [instance['row'] for instance in results['instances']],
            dtype=torch.int64,
        )

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
