"""Data set wrappers."""

from typing import Any, Iterator

import numpy as np
from mmengine.dataset import ClassBalancedDataset as _ClassBalancedDataset
from mmengine.dataset import RepeatDataset as _RepeatDataset

from clhoi_mm.registry import DATASETS


def inner_datasets(dataset: Any) -> Iterator[Any]:
    """Iterate over the data sets in wrappers.

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
    """Return a sample augmented differently than its other repetitions."""
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
    """RepeatDataset that augments each repetition differently.

    :class:`HOIDataset` seeds augmentation from epoch and index, so that the
    repetitions of an image would be equal.
    """

    def __getitem__(self, idx: int) -> Any:
        self.full_init()
        return _get_repeated(
            self.dataset, self._get_ori_dataset_idx(idx), idx // self._ori_len
        )


@DATASETS.register_module()
class ClassBalancedDataset(_ClassBalancedDataset):
    """ClassBalancedDataset that augments each repetition differently.

    Classes are object classes, see ``get_cat_ids``.
    """

    def __getitem__(self, idx: int) -> Any:
        self.full_init()
        row = self._get_ori_dataset_idx(idx)
        first = int(np.searchsorted(self.repeat_indices, row))
        return _get_repeated(self.dataset, row, idx - first)
