from contextlib import contextmanager
from typing import Iterator, Optional

from mmdet.models.dense_heads import DETRHead
from torch import Tensor, nn


class _Picked:
    """Boxes that remember which of them were asked for."""

    def __init__(self, boxes: Tensor) -> None:
        self.boxes = boxes
        self.inds: Optional[Tensor] = None

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, inds: Tensor) -> Tensor:
        self.inds = inds
        return self.boxes[inds]


@contextmanager
def recording_queries(model: nn.Module) -> Iterator[list[dict[str, Tensor]]]:
    """Keep what mmdet's DETR heads throw away while ``model`` predicts.

    They rank (query, class) scores and give boxes without their queries. What
    the decoder says of a query describes its instance beyond box and class.
    Nothing is computed for it: the indices by which the head itself picks
    boxes are kept, and the states that it is given.

    Args:
        model (nn.Module): Any mmdet detector.

    Yields:
        list[dict[str, Tensor]]: For each image that the head comes by, in
        their order: ``query_inds`` (n,) of its results and ``query_embeds``
        (n, C), float32, which the decoder's last layer gave for these queries.
        It stays empty for detectors without queries.
    """
    records: list[dict[str, Tensor]] = []
    head = getattr(model, 'bbox_head', None)
    single = getattr(type(head), '_predict_by_feat_single', None)
    if single is not DETRHead._predict_by_feat_single:
        yield records
        return
    query_embeds: list[Tensor] = []

    def keep_states(module: nn.Module, args: tuple) -> None:
        # Of all layers, or of the last alone: (L, B, Q, C).
        query_embeds[:] = args[0][-1].detach().float()

    def keep_inds(cls_score: Tensor, bbox_pred: Tensor, *args, **kwargs):
        picked = _Picked(bbox_pred)
        results = single(head, cls_score, picked, *args, **kwargs)
        records.append(
            dict(
                query_inds=picked.inds,
                query_embeds=query_embeds[len(records)][picked.inds],
            )
        )
        return results

    hook = head.register_forward_pre_hook(keep_states)
    head._predict_by_feat_single = keep_inds
    try:
        yield records
    finally:
        hook.remove()
        del head._predict_by_feat_single
