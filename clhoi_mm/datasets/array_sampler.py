"""Sampler that stores indices in an array."""

from typing import Iterator

import torch
from mmengine.dataset import DefaultSampler

from clhoi_mm.registry import DATA_SAMPLERS

_AT_ONCE = 1 << 15


@DATA_SAMPLERS.register_module()
class ArraySampler(DefaultSampler):
    """Sampler with the order of DefaultSampler and less memory.

    mmengine's DefaultSampler makes a Python list of all indices, about 50
    bytes each; here they take 8 bytes each, in each training process.

    Args:
        dataset (Sized): The data set.
        shuffle (bool): Whether to shuffle. Defaults to True.
        seed (int, optional): Seed of shuffling, the same in all processes.
        round_up (bool): Whether each process gets as many samples. Defaults
            to True.
    """

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        order = None
        if self.shuffle:
            generator = torch.Generator()
            generator.manual_seed(self.seed + self.epoch)
            order = torch.randperm(size, generator=generator)
        step = self.world_size * _AT_ONCE
        for start in range(self.rank, self.total_size, step):
            end = min(start + step, self.total_size)
            positions = torch.arange(start, end, self.world_size) % size
            yield from (
                positions if order is None else order[positions]
            ).tolist()
