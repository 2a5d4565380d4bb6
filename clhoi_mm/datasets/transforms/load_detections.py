"""Precomputed detections."""

import os.path as osp
from typing import Optional, Tuple, Union

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torchvision.ops import batched_nms

from clhoi_mm.registry import TRANSFORMS
from clhoi_mm.structures import TrackedBoxes
from clhoi_mm.vocabulary import HOIVocabulary, normalize_name

from ..detection_file import DetectionFile
from ..key_check import KeySource
from .append_boxes import append_boxes
from .load_hoi_annotations import input_scale

SOURCES = ('ground_truth', 'results')


@TRANSFORMS.register_module()
class LoadDetections(BaseTransform):
    """Transforms precomputed detections along with the image.

    mmdet's transforms handle ``gt_bboxes`` only, so detections are appended
    to them with row ids above those of the annotations, and are resized,
    flipped, cropped and filtered with them; :class:`PackHOIInputs` separates
    them again. Put it right after :class:`LoadHOIAnnotations`.

    Required Keys:

    - detections (with source='results'): dict of ``bboxes`` (N, 4) in
      original-image coordinates, ``labels`` and ``scores`` (N, ), and
      optionally ``query_inds`` (N, )
    - gt_bboxes, gt_bboxes_labels, gt_ignore_flags (with
      source='ground_truth')
    - key (with a file as source)

    Modified Keys:

    - gt_bboxes, gt_bboxes_labels, gt_ignore_flags

    Added Keys:

    - tracked_detections (replaces ``detections``)
    - detections_from (with a file as source; the DetectionFile)

    Args:
        source (str): 'ground_truth' makes a detection with score 1 of each
            annotated box that is no crowd (PredCls, which separates
            interaction errors from detection errors); 'results' uses those
            of the data set or caller; anything else is a file of
            ``tools/analysis_tools/cache_detections.py``. Defaults to
            'ground_truth'.
        merge_iou (float, optional): IoU above which annotated boxes of one
            class become one detection, the first in the file. HICO-DET is
            annotated class by class, so that one person has several nearly
            equal boxes; unmerged, pairs of an unlabeled copy would count as
            negatives. Annotated pairs are not changed, nor are other sources'
            detections. None keeps all. Defaults to 0.7.
        vocabulary (str | dict | HOIVocabulary, optional): The vocabulary in
            use, required for a file to match classes by name.
        any_detector (bool): Whether to accept a file of another detector than
            the model's. Defaults to False.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If an option is invalid, or the file is damaged or lacks an
            object of the vocabulary.
    """

    def __init__(
        self,
        source: str = 'ground_truth',
        merge_iou: Optional[float] = 0.7,
        vocabulary: Optional[Union[str, dict, HOIVocabulary]] = None,
        any_detector: bool = False,
    ) -> None:
        if merge_iou is not None and not 0 < merge_iou <= 1:
            raise ValueError(f'merge_iou={merge_iou!r} must lie in (0, 1].')
        self.source = source
        self.merge_iou = merge_iou
        self.any_detector = any_detector
        self.file: Optional[DetectionFile] = None
        if source not in SOURCES:
            self._open(vocabulary)

    @property
    def key_source(self) -> Optional[KeySource]:
        """Keys of the file; None without a file."""
        return None if self.file is None else self.file.key_source

    def transform(self, results: dict) -> dict:
        """Append the detections' boxes to those of the annotations.

        Args:
            results (dict): Result dict of the pipeline.

        Returns:
            dict: With the keys above.
        """
        if self.file is not None:
            self._read(results)
        load = (
            self._from_ground_truth
            if self.source == 'ground_truth'
            else self._from_results
        )
        detections, boxes = load(results)
        results['tracked_detections'] = detections
        if self.file is not None and not self.any_detector:
            results['detections_from'] = self.file
        count = len(detections['scores'])
        boxes.row_ids = num_annotation_rows(results) + torch.arange(count)
        append_boxes(results, boxes, detections['labels'], False)
        return results

    def _open(
        self, vocabulary: Optional[Union[str, dict, HOIVocabulary]]
    ) -> None:
        """Open the file and match its classes with the vocabulary's."""
        if not osp.splitext(self.source)[1]:
            raise ValueError(
                f'source={self.source!r}; there are {SOURCES}, '
                'or give a file of detections.'
            )
        file = DetectionFile.open(self.source)
        if vocabulary is None:
            raise ValueError(
                f'{self.source}: give LoadDetections the '
                'vocabulary in use, to match the classes by name.'
            )
        vocabulary = HOIVocabulary.load(vocabulary)
        labels = {
            normalize_name(name): label
            for label, name in enumerate(vocabulary.objects)
        }
        names = [normalize_name(name) for name in file.classes]
        missing = [
            vocabulary.objects[label]
            for name, label in labels.items()
            if name not in names
        ]
        if missing:
            raise ValueError(
                f'{self.source}: its classes lack {", ".join(missing)} of the '
                f'vocabulary "{vocabulary.name}"; create it with a '
                'config of this vocabulary.'
            )
        self.labels = np.array([labels.get(name, -1) for name in names])
        self.file = file

    def _read(self, results: dict) -> None:
        row = self.file.find(results['key'])
        detections = self.file.detections(row)
        labels = self.labels[detections['labels']]
        scale = np.tile(self.file.scale_factors[row], 2)
        detections.update(bboxes=detections['bboxes'] / scale, labels=labels)
        results['detections'] = {
            name: values[labels >= 0] for name, values in detections.items()
        }

    def _from_ground_truth(self, results: dict) -> Tuple[dict, TrackedBoxes]:
        if 'gt_bboxes' not in results:
            raise KeyError(
                "LoadDetections(source='ground_truth') needs "
                'LoadHOIAnnotations before it in the pipeline.'
            )
        kept = np.flatnonzero(~results['gt_ignore_flags'])
        if self.merge_iou is not None:
            kept = kept[
                deduplicate_boxes(
                    results['gt_bboxes'].tensor[kept],
                    torch.as_tensor(results['gt_bboxes_labels'][kept]),
                    self.merge_iou,
                ).numpy()
            ]
        boxes = results['gt_bboxes'][kept]
        return dict(
            labels=results['gt_bboxes_labels'][kept],
            scores=np.ones(len(kept), np.float32),
        ), boxes

    def _from_results(self, results: dict) -> Tuple[dict, TrackedBoxes]:
        if 'detections' not in results:
            raise KeyError(
                "LoadDetections(source='results'): the results "
                "hold no 'detections'; use a data set that gives "
                "them, or source='ground_truth'."
            )
        detections = dict(results.pop('detections'))
        boxes = TrackedBoxes(np.asarray(detections.pop('bboxes'), np.float32))
        boxes.rescale_(input_scale(results, type(self).__name__))
        return detections, boxes

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(source={self.source!r}, '
            f'merge_iou={self.merge_iou})'
        )


def deduplicate_boxes(
    bboxes: torch.Tensor, labels: torch.Tensor, iou: float
) -> torch.Tensor:
    """Select boxes that are no duplicates of earlier ones.

    Args:
        bboxes (Tensor): (N, 4), xyxy.
        labels (Tensor): (N, ) classes.
        iou (float): IoU above which boxes are duplicates.

    Returns:
        Tensor: Ascending indices.
    """
    # Earlier boxes win: NMS with scores that decrease along the file.
    order = torch.arange(
        len(bboxes), 0, -1, dtype=bboxes.dtype, device=bboxes.device
    )
    return batched_nms(bboxes, order, labels, iou).sort().values


def num_annotation_rows(results: dict) -> int:
    """Count the annotations of an image.

    Row ids from this number on belong to detections.

    Args:
        results (dict): The pipeline's dict.
    """
    return len(results['rows']['labels']) if 'rows' in results else 0
