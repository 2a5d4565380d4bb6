from contextlib import contextmanager
from typing import Any, Iterator, Optional

from mmdet.models.dense_heads import DETRHead
from torch import Tensor, nn

from .given_feats import add_mixin


class _Picked:
    """Boxes that keep the indices by which they were picked."""

    def __init__(self, boxes: Tensor) -> None:
        self.boxes = boxes
        self.inds: Optional[Tensor] = None

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, inds: Tensor) -> Tensor:
        self.inds = inds
        return self.boxes[inds]


class QueryRecorder:
    """Mixin of mmdet's DETR heads that keeps the queries of detections.

    The heads rank (query, class) scores and give boxes without their queries,
    whose embeddings describe an instance beyond box and class. Nothing more
    is computed: the indices by which the head picks boxes are kept, and the
    embeddings that it is given.
    """

    records: Optional[list[dict[str, Tensor]]] = None

    def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Run the head and keep the last layer's embeddings."""
        if self.records is not None:
            # Of all layers, or of the last alone: (L, B, Q, C).
            self._query_embeds = hidden_states[-1].detach().float()
        return super().forward(hidden_states, *args, **kwargs)

    def _predict_by_feat_single(
        self, cls_score: Tensor, bbox_pred: Tensor, *args: Any, **kwargs: Any
    ) -> Any:
        if self.records is None:
            return super()._predict_by_feat_single(
                cls_score, bbox_pred, *args, **kwargs
            )
        picked = _Picked(bbox_pred)
        results = super()._predict_by_feat_single(
            cls_score, picked, *args, **kwargs
        )
        embeds = self._query_embeds[len(self.records)][picked.inds]
        self.records.append(dict(query_inds=picked.inds, query_embeds=embeds))
        return results


def add_query_recorder(model: nn.Module) -> None:
    """Let a detector's head record queries, if it is one of mmdet's DETRs.

    Args:
        model (nn.Module): Any mmdet detector.
    """
    head = getattr(model, 'bbox_head', None)
    single = getattr(type(head), '_predict_by_feat_single', None)
    if single is DETRHead._predict_by_feat_single:
        add_mixin(head, QueryRecorder)


@contextmanager
def recording_queries(model: nn.Module) -> Iterator[list[dict[str, Tensor]]]:
    """Record the queries of detections while ``model`` predicts.

    Args:
        model (nn.Module): A detector that :func:`add_query_recorder` has
            seen.

    Yields:
        list[dict[str, Tensor]]: For each image, in the order in which the
        head sees them, ``query_inds`` (n,) of its results and
        ``query_embeds`` (n, C), float32, of the decoder's last layer. Empty
        for detectors without queries.
    """
    head = getattr(model, 'bbox_head', None)
    records: list[dict[str, Tensor]] = []
    if not isinstance(head, QueryRecorder):
        yield records
        return
    head.records = records
    try:
        yield records
    finally:
        head.records = head._query_embeds = None
