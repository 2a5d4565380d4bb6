from dataclasses import dataclass
from typing import Optional

import torch
from torch import Tensor


@dataclass
class PairBatch:
    """Human-object pairs of a batch as flat tensors.

    N instances and P pairs over B images, sorted by image. Boxes are xyxy in
    the coordinates of the network's input.

    Attributes:
        boxes (Tensor): Instance boxes, (N, 4).
        labels (Tensor): Object labels of the vocabulary, (N,).
        scores (Tensor): Detection scores, (N,).
        image_inds (Tensor): Image of each instance, (N,).
        human_inds (Tensor): Instance of each pair's human, (P,).
        object_inds (Tensor): Instance of each pair's object, (P,).
        pair_inds (Tensor): Image of each pair, ascending, (P,).
        image_sizes (Tensor): Width and height of each image, (B, 2).
        num_pairs (list[int]): Pairs of each image.
        query_embeds (Tensor, optional): Decoder query embedding of each
            instance, (N, C); None for detectors without queries.
    """

    boxes: Tensor
    labels: Tensor
    scores: Tensor
    image_inds: Tensor
    human_inds: Tensor
    object_inds: Tensor
    pair_inds: Tensor
    image_sizes: Tensor
    num_pairs: list[int]
    query_embeds: Optional[Tensor] = None

    def __len__(self) -> int:
        return self.pair_inds.numel()

    @property
    def num_images(self) -> int:
        return len(self.num_pairs)

    @property
    def human_bboxes(self) -> Tensor:
        return self.boxes[self.human_inds]

    @property
    def object_bboxes(self) -> Tensor:
        return self.boxes[self.object_inds]

    @property
    def object_labels(self) -> Tensor:
        return self.labels[self.object_inds]

    @property
    def human_scores(self) -> Tensor:
        return self.scores[self.human_inds]

    @property
    def object_scores(self) -> Tensor:
        return self.scores[self.object_inds]

    @property
    def union_bboxes(self) -> Tensor:
        """Smallest boxes around human and object, (P, 4)."""
        human, obj = self.human_bboxes, self.object_bboxes
        return torch.cat(
            [
                torch.minimum(human[:, :2], obj[:, :2]),
                torch.maximum(human[:, 2:], obj[:, 2:]),
            ],
            1,
        )

    def distinct_unions(self) -> tuple[Tensor, Tensor]:
        """Deduplicate union boxes: two persons form pairs in both roles.

        Returns:
            tuple[Tensor, Tensor]: Index of one pair for each of U unions,
            (U,), and the union of each pair, (P,).
        """
        first = torch.minimum(self.human_inds, self.object_inds)
        second = torch.maximum(self.human_inds, self.object_inds)
        # Shapes rather than len(), which is a constant to torch.export.
        key, union = (first * self.boxes.shape[0] + second).unique(
            return_inverse=True
        )
        pair = torch.arange(union.shape[0], device=union.device)
        return torch.empty_like(key).scatter_(0, union, pair), union

    def slots(self) -> tuple[Tensor, int]:
        """Compute each pair's position in a padded (B, Q) grid.

        Returns:
            tuple[Tensor, int]: Flat positions in the grid, (P,), and Q, which
            is at least 1 so that attention always has a key.
        """
        width = max(1, *self.num_pairs) if self.num_pairs else 1
        device = self.pair_inds.device
        image = torch.arange(self.num_images, device=device)
        # ONNX has no operator for searchsorted.
        starts = (self.pair_inds < image[:, None]).sum(1)
        count = self.pair_inds.shape[0]
        rank = torch.arange(count, device=device) - starts[self.pair_inds]
        return self.pair_inds * width + rank, width
