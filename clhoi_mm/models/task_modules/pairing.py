from typing import Optional

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from clhoi_mm.registry import TASK_UTILS

from .pair_batch import PairBatch


def rank_in_group(group: Tensor, priority: Tensor) -> Tensor:
    """Compute each row's rank within its group, from 0.

    Args:
        group (Tensor): Group of each row, (N,), int64.
        priority (Tensor): Higher goes first; ties keep their order, (N,).

    Returns:
        Tensor: (N,), int64.
    """
    order, rank = _sort(group, priority)
    return torch.empty_like(rank).index_copy_(0, order, rank)


def top_in_group(group: Tensor, priority: Tensor, limit: int) -> Tensor:
    """Select the rows of highest priority of each group.

    Args:
        group (Tensor): Group of each row, (N,), int64.
        priority (Tensor): Higher goes first; ties keep their order, (N,).
        limit (int): Rows selected in a group.

    Returns:
        Tensor: Rows, sorted by group and priority, (K,), int64.
    """
    order, rank = _sort(group, priority)
    return order[(rank < limit).nonzero(as_tuple=True)[0]]


def _sort(group: Tensor, priority: Tensor) -> tuple[Tensor, Tensor]:
    """Sort rows by group and priority, and rank the sorted rows."""
    order = priority.argsort(descending=True, stable=True)
    order = order[group[order].argsort(stable=True)]
    ordered = group[order]
    # Groups are contiguous now: a group's start is its first occurrence.
    start = torch.searchsorted(ordered, ordered)
    return order, torch.arange(len(group), device=group.device) - start


@TASK_UTILS.register_module()
class HumanObjectPairing:
    """Pairs every person with every other instance of its image.

    Args:
        score_thr (float): Minimum detection score. Defaults to 0.2, as in
            UPT and PViC.
        max_humans (int): Best-scoring persons kept in an image.
        max_objects (int): Best-scoring other instances kept in an image.
        max_pairs (int): Pairs kept in an image, by the product of scores.
        person_label (int): Label of the class person. Defaults to 0.
    """

    def __init__(
        self,
        score_thr: float = 0.2,
        max_humans: int = 15,
        max_objects: int = 15,
        max_pairs: int = 400,
        person_label: int = 0,
    ) -> None:
        self.score_thr = score_thr
        self.max_humans = max_humans
        self.max_objects = max_objects
        self.max_pairs = max_pairs
        self.person_label = person_label

    def __call__(
        self,
        detections: list[InstanceData],
        image_sizes: Tensor,
        is_candidate: Optional[Tensor] = None,
    ) -> PairBatch:
        """Pair the instances of a batch.

        Args:
            detections (list[InstanceData]): bboxes (n, 4), labels (n,) and
                scores (n,) of each image; ``query_embeds`` (n, C) are used
                where all have them.
            image_sizes (Tensor): Width and height of each image, (B, 2).
            is_candidate (Tensor, optional): Object labels that occur in an
                interaction, (O,), bool; pairs with others are left out.

        Returns:
            PairBatch: The pairs, sorted by image, best score first.
        """
        device = image_sizes.device
        boxes = torch.cat([d.bboxes for d in detections]).to(device)
        labels = torch.cat([d.labels for d in detections]).to(device)
        scores = torch.cat([d.scores for d in detections]).to(device)
        image = torch.repeat_interleave(
            torch.arange(len(detections), device=device),
            torch.tensor([len(d.labels) for d in detections], device=device),
            output_size=len(labels),
        )

        is_person = labels == self.person_label
        keep = (scores >= self.score_thr) & (labels >= 0)
        # Rows that are left out rank last.
        rank = rank_in_group(
            image * 2 + is_person, scores.masked_fill(~keep, -torch.inf)
        )
        keep &= rank < torch.where(
            is_person, self.max_humans, self.max_objects
        )
        # Indices rather than masks, each of which would sync with the device.
        rows = keep.nonzero(as_tuple=True)[0]
        boxes, labels, scores, image, is_person = (
            x[rows] for x in (boxes, labels, scores, image, is_person)
        )
        query_embeds = None
        if all('query_embeds' in d for d in detections):
            query_embeds = torch.cat([d.query_embeds for d in detections]).to(
                device
            )[rows]

        paired = is_person[:, None] & (image[:, None] == image[None])
        paired.fill_diagonal_(False)
        if is_candidate is not None:
            paired &= is_candidate.to(device)[labels][None]
        human, obj = paired.nonzero(as_tuple=True)
        score = scores[human] * scores[obj]
        order = top_in_group(image[human], score, self.max_pairs)
        human, obj = human[order], obj[order]
        pair_image = image[human]
        return PairBatch(
            boxes=boxes,
            labels=labels,
            scores=scores,
            image_inds=image,
            human_inds=human,
            object_inds=obj,
            pair_inds=pair_image,
            image_sizes=image_sizes,
            num_pairs=torch.bincount(
                pair_image, minlength=len(detections)
            ).tolist(),
            query_embeds=query_embeds,
        )
