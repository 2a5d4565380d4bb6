"""Data sample shared by data sets, models, evaluators and visualizers."""

from typing import Iterator

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor


class HOIDataSample(DetDataSample):
    """A detection sample with human-object interactions.

    Beside ``gt_instances`` (bboxes in input coordinates as a plain (N, 4)
    tensor, labels in the vocabulary's object order) and the other fields of
    :class:`mmdet.structures.DetDataSample` it may hold:

    - ``gt_hois`` (InstanceData): ``human_inds``, ``object_inds`` (into
      ``gt_instances``; -1 where the role is absent or, in test mode, where
      the box is not among them), ``verb_labels``, ``hoi_labels`` (-1 outside
      the classes), and ``human_bboxes``, ``object_bboxes`` (P, 4) in
      original-image coordinates (NaN where the role is absent),
      ``object_labels`` (-1 there). Pairs flagged invisible are never among
      them.
    - ``gt_persons`` (InstanceData): ``bboxes`` of all annotated persons in
      file order, original-image coordinates; ``hoi_labelled`` (bool).
    - ``image_hoi_labels`` (Tensor): sorted image-level HOI labels (n, ),
      invisible interactions included.
    - ``detections`` (InstanceData): ``bboxes`` in input coordinates,
      ``labels`` in the vocabulary's object order, ``scores``, and
      ``query_inds`` where the detector has queries.
    - ``teacher`` (BaseDataElement): ``caption_embed`` (d, ),
      ``sentence_embeds`` (K, d), ``verb_labels``, ``object_labels``,
      ``hoi_labels``, ``phrase_ids``, ``scores`` (M, ), ``valid`` (bool: the
      image was in the cache); where the cache has pointed pairs also
      ``pointed_labels`` (Q, ), positions in the labels, and
      ``pointed_human_bboxes``, ``pointed_object_bboxes`` (Q, 4) in input
      coordinates.
    - ``pred_hois`` (InstanceData): ``human_bboxes``, ``object_bboxes`` (N, 4)
      in original-image coordinates, ``object_labels``, ``verb_labels``,
      ``hoi_labels``, ``scores``, ``human_scores``, ``object_scores``; sorted
      by score, descending.

    Metainfo: img_id, img_path, key, ori_shape, img_shape, scale_factor, flip,
    flip_direction, orientation (as the image was read), and unreadable (str):
    why there is no image, where there is none.
    """

    def to(self, *args, **kwargs) -> 'HOIDataSample':
        """Move or convert tensors, as ``torch.Tensor.to``.

        Returns the sample itself where no tensor would be moved.

        Args:
            *args: Arguments of ``torch.Tensor.to``.
            **kwargs: Keyword arguments of ``torch.Tensor.to``.
        """
        if (
            len(args) == 1
            and isinstance(args[0], (str, torch.device))
            and not kwargs.keys() - {'non_blocking'}
        ):
            device = torch.device(args[0])
            if all(x.device == device for x in _tensors(self)):
                return self
        return super().to(*args, **kwargs)

    @property
    def gt_hois(self) -> InstanceData:
        return self._gt_hois

    @gt_hois.setter
    def gt_hois(self, value: InstanceData) -> None:
        self.set_field(value, '_gt_hois', dtype=InstanceData)

    @gt_hois.deleter
    def gt_hois(self) -> None:
        del self._gt_hois

    @property
    def pred_hois(self) -> InstanceData:
        return self._pred_hois

    @pred_hois.setter
    def pred_hois(self, value: InstanceData) -> None:
        self.set_field(value, '_pred_hois', dtype=InstanceData)

    @pred_hois.deleter
    def pred_hois(self) -> None:
        del self._pred_hois

    @property
    def detections(self) -> InstanceData:
        return self._detections

    @detections.setter
    def detections(self, value: InstanceData) -> None:
        self.set_field(value, '_detections', dtype=InstanceData)

    @detections.deleter
    def detections(self) -> None:
        del self._detections

    @property
    def gt_persons(self) -> InstanceData:
        return self._gt_persons

    @gt_persons.setter
    def gt_persons(self, value: InstanceData) -> None:
        self.set_field(value, '_gt_persons', dtype=InstanceData)

    @gt_persons.deleter
    def gt_persons(self) -> None:
        del self._gt_persons

    @property
    def teacher(self) -> BaseDataElement:
        return self._teacher

    @teacher.setter
    def teacher(self, value: BaseDataElement) -> None:
        self.set_field(value, '_teacher', dtype=BaseDataElement)

    @teacher.deleter
    def teacher(self) -> None:
        del self._teacher

    @property
    def image_hoi_labels(self) -> Tensor:
        return self._image_hoi_labels

    @image_hoi_labels.setter
    def image_hoi_labels(self, value: Tensor) -> None:
        self.set_field(value, '_image_hoi_labels', dtype=Tensor)

    @image_hoi_labels.deleter
    def image_hoi_labels(self) -> None:
        del self._image_hoi_labels


def no_predictions() -> InstanceData:
    """Make ``pred_hois`` without a row, on the CPU."""
    return InstanceData(
        **{
            name: torch.zeros(0, 4)
            for name in ('human_bboxes', 'object_bboxes')
        },
        **{
            name: torch.zeros(0, dtype=torch.int64)
            for name in ('object_labels', 'verb_labels', 'hoi_labels')
        },
        **{
            name: torch.zeros(0)
            for name in ('scores', 'human_scores', 'object_scores')
        },
    )


def _tensors(element: BaseDataElement) -> Iterator[Tensor]:
    """Iterate over the tensors of nested elements."""
    for name in element._data_fields:
        value = getattr(element, name)
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, BaseDataElement):
            yield from _tensors(value)
