"""Boxes with ids of annotation rows."""

from typing import List, Optional, Sequence, Union

import numpy as np
import torch
from mmdet.structures.bbox import (
    HorizontalBoxes,
    register_box,
    register_box_converter,
)
from torch import Tensor


@register_box(name='tracked_hbox')
class TrackedBoxes(HorizontalBoxes):
    """Horizontal boxes that carry row ids through mmdet's transforms.

    mmdet's transforms drop and reorder boxes without reporting it. Selecting,
    copying and moving these boxes selects, copies and moves their ids. An
    operation that creates new boxes (recomputed, re-wrapped, reshaped) drops
    the ids, which ``require_row_ids`` reports, so that pairs are never
    misassigned silently.

    Args:
        data (Tensor | np.ndarray | Sequence): (N, 4) boxes, xyxy.
        dtype (torch.dtype, optional): Data type. Defaults to None.
        device (str | torch.device, optional): Device. Defaults to None.
        clone (bool): Whether to copy the data. Defaults to True.
        in_mode (str, optional): 'xyxy' or 'cxcywh'. Defaults to None.
        row_ids (Tensor | np.ndarray | Sequence, optional): (N, ) int64 ids.
            Defaults to None: unknown.
    """

    def __init__(
        self,
        data: Union[Tensor, np.ndarray, Sequence],
        dtype: Optional[torch.dtype] = None,
        device: Optional[Union[str, torch.device]] = None,
        clone: bool = True,
        in_mode: Optional[str] = None,
        row_ids: Optional[Union[Tensor, np.ndarray, Sequence]] = None,
    ) -> None:
        super().__init__(data, dtype, device, clone, in_mode)
        if row_ids is not None:
            row_ids = torch.as_tensor(row_ids, dtype=torch.int64)
            if row_ids.shape != self.tensor.shape[:1]:
                raise ValueError(
                    f'{tuple(row_ids.shape)} row ids for boxes '
                    f'of shape {tuple(self.tensor.shape)}'
                )
        self.row_ids = row_ids

    def require_row_ids(self) -> Tensor:
        """Return the row ids, (N, ) int64.

        Raises:
            RuntimeError: If a transform created new boxes.
        """
        if self.row_ids is None or len(self.row_ids) != len(self.tensor):
            raise RuntimeError(
                'the boxes lost their row ids: a transform of the pipeline '
                'creates new boxes (RandomErasing, Albu, RandomCrop with '
                'recompute_bbox, CopyPaste do), so that pairs cannot be '
                'restored. Leave that transform out.'
            )
        return self.row_ids

    def _with_ids(self, boxes: 'TrackedBoxes') -> 'TrackedBoxes':
        boxes.row_ids = self.row_ids
        return boxes

    def __getitem__(self, index) -> 'TrackedBoxes':
        boxes = super().__getitem__(index)
        if self.row_ids is not None and self.tensor.dim() == 2:
            if isinstance(index, tuple):
                index = index[0]
            if isinstance(index, np.ndarray):
                index = torch.as_tensor(index)
            ids = self.row_ids[index].reshape(-1)
            if len(ids) == len(boxes):
                boxes.row_ids = ids
        return boxes

    def __setitem__(self, index, values: 'TrackedBoxes') -> None:
        super().__setitem__(index, values)
        if self.row_ids is None or values.row_ids is None:
            self.row_ids = None
        else:
            self.row_ids = self.row_ids.clone()
            self.row_ids[index] = values.row_ids

    def __deepcopy__(self, memo: dict) -> 'TrackedBoxes':
        return self._with_ids(super().__deepcopy__(memo))

    def to(self, *args, **kwargs) -> 'TrackedBoxes':
        return self._with_ids(super().to(*args, **kwargs))

    def cpu(self) -> 'TrackedBoxes':
        return self._with_ids(super().cpu())

    def cuda(self, *args, **kwargs) -> 'TrackedBoxes':
        return self._with_ids(super().cuda(*args, **kwargs))

    def clone(self) -> 'TrackedBoxes':
        return self._with_ids(super().clone())

    def detach(self) -> 'TrackedBoxes':
        return self._with_ids(super().detach())

    def split(
        self, split_size_or_sections: Union[int, Sequence[int]], dim: int = 0
    ) -> List['TrackedBoxes']:
        parts = super().split(split_size_or_sections, dim)
        if self.row_ids is not None and dim == 0:
            for part, ids in zip(
                parts, self.row_ids.split(split_size_or_sections)
            ):
                part.row_ids = ids
        return parts

    @classmethod
    def cat(
        cls, box_list: Sequence['TrackedBoxes'], dim: int = 0
    ) -> 'TrackedBoxes':
        """Concatenate boxes of one image.

        Raises:
            RuntimeError: If row ids repeat, as when several images are mixed
                into one.
        """
        boxes = super().cat(box_list, dim)
        ids = [part.row_ids for part in box_list]
        if all(part is not None for part in ids):
            ids = torch.cat(ids)
            if len(ids.unique()) != len(ids):
                raise RuntimeError(
                    'boxes of several images are mixed into one (Mosaic, '
                    'MixUp and CopyPaste do so): row ids are not unique, and '
                    'pairs cannot be restored. Leave that transform out.'
                )
            boxes.row_ids = ids
        return boxes


@register_box_converter('tracked_hbox', 'hbox')
def _forget_row_ids(bboxes: Tensor) -> Tensor:
    """Drop row ids as `HorizontalBoxes.overlaps` converts its arguments."""
    return bboxes
