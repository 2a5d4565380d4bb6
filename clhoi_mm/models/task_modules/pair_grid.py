from typing import Iterator, NamedTuple

import torch
from torch import Tensor

from .pair_batch import PairBatch

# Images of up to so many pairs share a part of a grid.
MIN_WIDTH = 8
# A grid of fewer pairs of pairs is not divided: it costs little.
MIN_PAIRS_OF_PAIRS = 1 << 18
# Limit of a part's pairs of pairs, for memory.
MAX_PAIRS_OF_PAIRS = 1 << 24


class PairGrid(NamedTuple):
    """Layout of a batch's pairs as a padded grid.

    Attributes:
        slots (Tensor): Flat position of each pair in the grid, (P,).
        humans (Tensor): Instance id of each slot's human, -1 where the slot
            is padding, (B, Q).
        objects (Tensor): Instance id of each slot's object, -1 where the slot
            is padding, (B, Q).
        parts (tuple[tuple[Tensor, PairGrid]]): Indices of the pairs, and
            grid, of images with similar numbers of pairs, for operations
            quadratic in Q; empty where the grid is not divided: a small one,
            and any in torch.compile, which parts would break.
    """

    slots: Tensor
    humans: Tensor
    objects: Tensor
    parts: tuple[tuple[Tensor, 'PairGrid'], ...] = ()

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
        grid = cls(slots, *ids)
        if (
            torch.compiler.is_compiling()
            or pairs.num_images == 1
            or pairs.num_images * width**2 < MIN_PAIRS_OF_PAIRS
        ):
            return grid
        return grid._replace(parts=tuple(grid._divide(pairs.num_pairs)))

    def _divide(
        self, num_pairs: list[int]
    ) -> Iterator[tuple[Tensor, 'PairGrid']]:
        """Divide the grid; see :func:`similar_images`."""
        counts, device = torch.tensor(num_pairs), self.slots.device
        starts = counts.cumsum(0) - counts
        for images in map(torch.tensor, similar_images(num_pairs)):
            count = counts[images]
            width, total = int(count.max()), int(count.sum())
            row = torch.repeat_interleave(count)
            rank = torch.arange(total) - (count.cumsum(0) - count)[row]
            inds, slots, images = (
                x.to(device)
                for x in (
                    starts[images][row] + rank,
                    row * width + rank,
                    images,
                )
            )
            yield (
                inds,
                PairGrid(
                    slots,
                    self.humans[images, :width],
                    self.objects[images, :width],
                ),
            )

    def pad(self, x: Tensor) -> Tensor:
        """Scatter pairs, (P, D), to the grid, (B, Q, D)."""
        grid = x.new_zeros(self.humans.numel(), x.size(1))
        return grid.index_copy(0, self.slots, x).view(*self.humans.shape, -1)

    def unpad(self, grid: Tensor) -> Tensor:
        """Gather pairs, (P, D), from the grid, (B, Q, D)."""
        return grid.flatten(0, 1)[self.slots]


def similar_images(num_pairs: list[int]) -> Iterator[list[int]]:
    """Group images whose numbers of pairs differ by less than a factor of 2.

    Args:
        num_pairs (list[int]): Pairs of each image.

    Yields:
        list[int]: Images with pairs, most pairs first.
    """
    group: list[int] = []
    width = 0
    for image in sorted(range(len(num_pairs)), key=lambda i: -num_pairs[i]):
        count = num_pairs[image]
        if not count:
            break
        if group and (
            2 * count <= width > MIN_WIDTH
            or (len(group) + 1) * width**2 > MAX_PAIRS_OF_PAIRS
        ):
            yield group
            group = []
        if not group:
            width = count
        group.append(image)
    if group:
        yield group
