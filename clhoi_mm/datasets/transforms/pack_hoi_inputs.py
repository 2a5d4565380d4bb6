"""Packing of a pipeline's results as an HOIDataSample."""

from typing import Optional, Sequence

import numpy as np
import torch
from mmdet.datasets.transforms import PackDetInputs
from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor

from clhoi_mm.registry import TRANSFORMS
from clhoi_mm.structures import HOIDataSample, TrackedBoxes

from .append_boxes import FIRST_POINTED
from .load_detections import num_annotation_rows

BOX_KEYS = ('gt_bboxes', 'gt_bboxes_labels', 'gt_ignore_flags')


@TRANSFORMS.register_module()
class PackHOIInputs(PackDetInputs):
    """Packs the image and an :class:`HOIDataSample`.

    Pairs are rebuilt from the row ids of the transformed boxes. In training
    a pair that lost a box is dropped; in test mode all visible pairs of the
    file are kept, with an index of -1 where the box was dropped. Without boxes
    (no LoadHOIAnnotations) training samples have no ``gt_hois``. Detections
    that were cropped away are dropped.

    Pointed pairs of the teacher that lost a box are dropped.

    Packed where present: ``gt_instances`` and
    ``ignored_instances`` (plain tensors), ``gt_hois``, ``gt_persons``,
    ``image_hoi_labels``, ``detections``, ``teacher``; and as metainfo
    ``detector_view`` (of :class:`LoadDetectorFeatures`) and
    ``detections_from`` (of :class:`LoadDetections`).

    Args:
        meta_keys (Sequence[str]): Keys of the results that become metainfo.
    """

    def __init__(
        self,
        meta_keys: Sequence[str] = (
            'img_id',
            'img_path',
            'key',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'flip',
            'flip_direction',
            'orientation',
        ),
    ) -> None:
        super().__init__(meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack the results.

        Args:
            results (dict): Result dict of the pipeline.

        Returns:
            dict: ``inputs`` (C, H, W) and ``data_samples``.

        Raises:
            RuntimeError: If a transform dropped or reordered boxes without
                their row ids or labels, or detections were not loaded.
        """
        results = dict(results)
        origin = {
            key: results[key] for key in ('detections_from',) if key in results
        }
        if 'detector_views' in results:
            origin['detector_view'] = results['detector_views'].pick(results)
        pointed = self._take_pointed(results)
        detections = self._take_detections(results)
        if 'placeholder_source' in results:
            self._check_stand_in(results)
            # A placeholder is not used: avoid copying and normalizing it.
            results['img'] = np.zeros((1, 1, 3), np.uint8)
        packed = super().transform(results)
        base = packed['data_samples']
        sample = HOIDataSample(metainfo=base.metainfo, **dict(base.items()))
        sample.set_metainfo(origin)
        if detections is not None:
            sample.detections = detections
        if 'rows' in results:
            self._pack_annotations(results, sample)
        if 'gt_bboxes' in results:
            for instances in (sample.gt_instances, sample.ignored_instances):
                instances.bboxes = instances.bboxes.tensor
        if 'teacher' in results:
            sample.teacher = BaseDataElement(
                **{
                    key: torch.from_numpy(np.array(value))
                    if isinstance(value, np.ndarray)
                    else value
                    for key, value in {**results['teacher'], **pointed}.items()
                }
            )
        packed['data_samples'] = sample
        return packed

    @staticmethod
    def _check_stand_in(results: dict) -> None:
        """Check that a placeholder was at most flipped."""
        img, name = results['img'], results['placeholder_source']
        # It stays a view of one number unless its pixels are modified.
        if any(img.strides) or (
            'detector_views' not in results
            and img.shape[:2] != results['ori_shape']
        ):
            raise RuntimeError(
                f'{name} reads no image, and a transform after it modified or '
                'cropped the pixels; leave all augmentation but '
                f'RandomFlip, Resize too, out of a pipeline with {name}.'
            )

    @staticmethod
    def _take_pointed(results: dict) -> dict:
        """Separate pointed pairs from ``gt_bboxes``; drop cropped ones."""
        boxes, teacher = results.get('gt_bboxes'), results.get('teacher', {})
        if boxes is None or not len(teacher.get('pointed_labels', ())):
            return {}
        row_ids = boxes.require_row_ids()
        is_pointed = row_ids >= FIRST_POINTED
        index = row_ids[is_pointed] - FIRST_POINTED
        bboxes = boxes.tensor.new_full(
            (2 * len(teacher['pointed_labels']), 4), torch.nan
        )
        bboxes[index] = boxes.tensor[is_pointed]
        humans, objects = bboxes.view(-1, 2, 4).numpy().transpose(1, 0, 2)
        is_kept = ~np.isnan(humans + objects).any(1)
        for key in BOX_KEYS:
            results[key] = results[key][(~is_pointed).numpy()]
        if 'rows' not in results and 'tracked_detections' not in results:
            for key in BOX_KEYS:  # there were no others
                del results[key]
        return dict(
            pointed_labels=teacher['pointed_labels'][is_kept],
            pointed_human_bboxes=humans[is_kept],
            pointed_object_bboxes=objects[is_kept],
        )

    def _take_detections(self, results: dict) -> Optional[InstanceData]:
        """Separate detections from ``gt_bboxes`` and check all row ids."""
        if 'detections' in results:
            raise RuntimeError(
                'the results contain detections, but no transform loaded '
                "them. Add LoadDetections(source='results') right after the "
                'image and its annotations are loaded.'
            )
        detections = results.get('tracked_detections')
        boxes = results.get('gt_bboxes')
        if boxes is None:
            return None
        row_ids = self._checked_row_ids(results)
        first = num_annotation_rows(results)
        is_gt = row_ids < first
        for key in BOX_KEYS:
            results[key] = results[key][is_gt.numpy()]
        if detections is None:
            return None
        index = row_ids[~is_gt] - first
        bboxes = boxes.tensor[~is_gt]
        h, w = results['img_shape'][:2]
        limits = bboxes.new_tensor([w, h, w, h])
        is_kept = bboxes.clamp(min=0).minimum(limits)
        is_kept = (is_kept[:, 2:] > is_kept[:, :2]).all(1)
        index, bboxes = index[is_kept], bboxes[is_kept]
        fields = {
            key: _tensor(value)[index] for key, value in detections.items()
        }
        return InstanceData(bboxes=bboxes, **fields)

    def _checked_row_ids(self, results: dict) -> Tensor:
        boxes = results['gt_bboxes']
        if not isinstance(boxes, TrackedBoxes):
            raise RuntimeError(
                f'gt_bboxes are {type(boxes).__name__} without row ids. Load '
                'them with LoadHOIAnnotations instead of LoadAnnotations, '
                'and leave out transforms that create new boxes '
                '(RandomErasing, Albu).'
            )
        row_ids = boxes.require_row_ids()
        expected = [
            np.asarray(table['labels'], np.int64)
            for table in (
                results.get('rows'),
                results.get('tracked_detections'),
            )
            if table is not None
        ]
        expected = np.concatenate(expected)[row_ids.numpy()]
        if not np.array_equal(expected, results['gt_bboxes_labels']):
            raise RuntimeError(
                'labels do not fit the boxes they were loaded with: a '
                'transform of the pipeline dropped or reordered boxes '
                'without their labels. Leave that transform out.'
            )
        return row_ids

    def _pack_annotations(self, results: dict, sample: HOIDataSample) -> None:
        rows = results['rows']
        persons = rows['labels'] == results['person_label']
        sample.gt_persons = InstanceData(
            bboxes=_tensor(rows['bboxes'][persons]),
            hoi_labelled=_tensor(rows['hoi_labelled'][persons]),
        )
        sample.image_hoi_labels = _tensor(results['image_hoi_labels'])
        if 'gt_bboxes' in results:
            row_ids = sample.gt_instances.bboxes.row_ids
        elif results.get('test_mode', False):
            row_ids = torch.zeros(0, dtype=torch.int64)
        else:
            return  # without boxes pairs are unknown rather than empty
        sample.gt_hois = self._rebuild_pairs(results, row_ids)

    def _rebuild_pairs(self, results: dict, row_ids: Tensor) -> InstanceData:
        rows, hois = results['rows'], results['hois']
        bboxes, labels = _tensor(rows['bboxes']), _tensor(rows['labels'])
        # One more row, for the index -1 of a missing role.
        position = torch.full((len(labels) + 1,), -1)
        position[row_ids] = torch.arange(len(row_ids))
        bboxes = torch.cat([bboxes, bboxes.new_full((1, 4), torch.nan)])
        labels = torch.cat([labels, labels.new_full((1,), -1)])

        humans, objects = (
            _tensor(hois[key]) for key in ('human_rows', 'object_rows')
        )
        keep = ~_tensor(hois['invisible']) & (humans >= 0)
        if not results.get('test_mode', False):
            keep &= position[humans] >= 0
            keep &= (objects < 0) | (position[objects] >= 0)
        humans, objects = humans[keep], objects[keep]
        return InstanceData(
            human_inds=position[humans],
            object_inds=position[objects],
            verb_labels=_tensor(hois['verb_labels'])[keep],
            hoi_labels=_tensor(hois['hoi_labels'])[keep],
            human_bboxes=bboxes[humans],
            object_bboxes=bboxes[objects],
            object_labels=labels[objects],
        )


def _tensor(array: np.ndarray) -> Tensor:
    """Copy a record's array to a tensor."""
    return torch.from_numpy(np.array(array))
