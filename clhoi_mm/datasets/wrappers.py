"""Data sets around data sets."""

from typing import Any, Iterator

import numpy as np
from mmengine.dataset import ClassBalancedDataset as _ClassBalancedDataset
from mmengine.dataset import RepeatDataset as _RepeatDataset

from clhoi_mm.registry import DATASETS


def inner_datasets(dataset: Any) -> Iterator[Any]:
    """Yield the data sets that wrappers, at any depth, hold.

    Args:
        dataset (Dataset): A wrapper (``dataset`` or ``datasets``), or a data
            set, which is yielded itself.
    """
    if hasattr(dataset, 'datasets'):
        for each in dataset.datasets:
            yield from inner_datasets(each)
    elif hasattr(dataset, 'dataset'):
        yield from inner_datasets(dataset.dataset)
    else:
        yield dataset


def _get_repeated(dataset: Any, idx: int, repeat: int) -> Any:
    """A sample with augmentation that differs from its other repetitions."""
    inner = [x for x in inner_datasets(dataset) if hasattr(x, 'repeat')]
    for each in inner:
        each.repeat = repeat
    try:
        return dataset[idx]
    finally:
        for each in inner:
            each.repeat = 0


@DATASETS.register_module()
class RepeatDataset(_RepeatDataset):
    """mmengine's, each repetition of an epoch augmented anew.

    :class:`HOIDataset` seeds augmentation from epoch and index, so that the
    repetitions of an image would look alike.
    """

    def __getitem__(self, idx: int) -> Any:
        self.full_init()
        return _get_repeated(
            self.dataset, self._get_ori_dataset_idx(idx), idx // self._ori_len
        )


@DATASETS.register_module()
class ClassBalancedDataset(_ClassBalancedDataset):
    """mmengine's, each repetition of an epoch augmented anew.

    Classes are those of objects, as ``get_cat_ids`` gives them.
    """

    def __getitem__(self, idx: int) -> Any:
        self.full_init()
        row = self._get_ori_dataset_idx(idx)
        first = int(np.searchsorted(self.repeat_indices, row))
        return _get_repeated(self.dataset, row, idx - first)
