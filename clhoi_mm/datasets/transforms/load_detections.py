"""Detections that were made before."""
from typing import Tuple

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from clhoi_mm.registry import TRANSFORMS
from clhoi_mm.structures import TrackedBoxes
from .load_hoi_annotations import input_scale

SOURCES = ('ground_truth', 'results')


@TRANSFORMS.register_module()
class LoadDetections(BaseTransform):
    """Takes detections along through the pipeline.

    mmdet's transforms know ``gt_bboxes`` only, so detections ride among them,
    with row ids above those of the annotations, and are resized, flipped,
    cropped and filtered with them; :class:`PackHOIInputs` takes them out
    again. Put it right after :class:`LoadHOIAnnotations`.

    Required Keys:

    - detections (with source='results'): dict of ``bboxes`` (N, 4) in
      original-image coordinates, ``labels`` and ``scores`` (N, ), and
      optionally ``query_inds`` (N, )
    - gt_bboxes, gt_bboxes_labels, gt_ignore_flags (with
      source='ground_truth')

    Modified Keys:

    - gt_bboxes, gt_bboxes_labels, gt_ignore_flags

    Added Keys:

    - tracked_detections (takes the place of ``detections``)

    Args:
        source (str): 'ground_truth' makes a detection with score 1 of each
            annotated box that is no crowd (the PredCls protocol, which tells
            interaction errors from detection errors); 'results' takes what a
            data set or a caller put there. Defaults to 'ground_truth'.
    """

    def __init__(self, source: str = 'ground_truth') -> None:
        if source not in SOURCES:
            raise ValueError(f'source={source!r}; there are {SOURCES}.')
        self.source = source

    def transform(self, results: dict) -> dict:
        """Adds the detections' boxes to those of the annotations.

        Args:
            results (dict): Result dict of the pipeline.

        Returns:
            dict: With the keys above.
        """
        take = (
            self._from_ground_truth
            if self.source == 'ground_truth' else self._from_results)
        detections, boxes = take(results)
        results['tracked_detections'] = detections
        count = len(detections['scores'])
        boxes.row_ids = num_annotation_rows(results) + torch.arange(count)
        if 'gt_bboxes' in results:
            boxes = TrackedBoxes.cat([results['gt_bboxes'], boxes])
        results['gt_bboxes'] = boxes
        for key, values in (('gt_bboxes_labels', detections['labels']),
                            ('gt_ignore_flags', np.zeros(count, bool))):
            results[key] = np.concatenate([results[key], values]) \
                if key in results else np.asarray(values)
        return results

    def _from_ground_truth(self, results: dict) -> Tuple[dict, TrackedBoxes]:
        if 'gt_bboxes' not in results:
            raise KeyError("LoadDetections(source='ground_truth') needs "
                           'LoadHOIAnnotations before it in the pipeline.')
        kept = np.flatnonzero(~results['gt_ignore_flags'])
        boxes = results['gt_bboxes'][kept]
        return dict(
            labels=results['gt_bboxes_labels'][kept],
            scores=np.ones(len(kept), np.float32)), boxes

    def _from_results(self, results: dict) -> Tuple[dict, TrackedBoxes]:
        if 'detections' not in results:
            raise KeyError("LoadDetections(source='results'): the results "
                           "hold no 'detections'; use a data set that gives "
                           "them, or source='ground_truth'.")
        detections = dict(results.pop('detections'))
        boxes = TrackedBoxes(np.asarray(detections.pop('bboxes'), np.float32))
        boxes.rescale_(input_scale(results, type(self).__name__))
        return detections, boxes

    def __repr__(self) -> str:
        return f'{type(self).__name__}(source={self.source!r})'


def num_annotation_rows(results: dict) -> int:
    """Number of annotations of the image; row ids from there on up belong to
    detections.

    Args:
        results (dict): The pipeline's dict.
    """
    return len(results['rows']['labels']) if 'rows' in results else 0
