from typing import NamedTuple

from torch import Tensor

from .pair_batch import PairBatch


class PairGrid(NamedTuple):
    """Layout of a batch's pairs as a padded grid.

    Attributes:
        slots (Tensor): Flat position of each pair in the grid, (P,).
        humans (Tensor): Instance id of each slot's human, -1 where the slot
            is padding, (B, Q).
        objects (Tensor): Instance id of each slot's object, -1 where the slot
            is padding, (B, Q).
    """

    slots: Tensor
    humans: Tensor
    objects: Tensor

    @classmethod
    def of(cls, pairs: PairBatch) -> 'PairGrid':
        """Lay out pairs; Q is at least 1."""
        slots, width = pairs.slots()
        ids = (
            slots.new_full((pairs.num_images * width,), -1)
            .index_copy(0, slots, inds)
            .view(pairs.num_images, width)
            for inds in (pairs.human_inds, pairs.object_inds)
        )
        return cls(slots, *ids)

    def pad(self, x: Tensor) -> Tensor:
        """Scatter pairs, (P, D), to the grid, (B, Q, D)."""
        grid = x.new_zeros(self.humans.numel(), x.size(1))
        return grid.index_copy(0, self.slots, x).view(*self.humans.shape, -1)

    def unpad(self, grid: Tensor) -> Tensor:
        """Gather pairs, (P, D), from the grid, (B, Q, D)."""
        return grid.flatten(0, 1)[self.slots]
