from contextlib import contextmanager
from itertools import count
from typing import Any, Callable, Hashable, Iterator, Sequence

import torch
from torch import Tensor, nn

from .feature_cache import FeatureCache


class RememberedFeats(tuple):
    """Feature maps of a batch, and the memory that holds what follows.

    Attributes:
        memory (FeatureCache): Outputs of the detector.
        views (list[Hashable]): Keys of the batch's images in it.
    """

    memory: FeatureCache
    views: list[Hashable]

    @classmethod
    def get_or_compute(
        cls,
        memory: FeatureCache,
        views: list[Hashable],
        compute: Callable[[list[int]], Sequence[Tensor]],
    ) -> 'RememberedFeats':
        """Maps of a batch, computed only where they are not known.

        Args:
            memory (FeatureCache): Where they may be.
            views (list[Hashable]): Keys of the batch's images.
            compute (Callable): From indices into the batch to maps, each
                (b, C, h, w).

        Returns:
            RememberedFeats: Maps, each (B, C, h, w).
        """
        rows = memory.get_or_compute(
            'feats', views, lambda i: list(zip(*compute(i)))
        )
        feats = cls(torch.stack(level) for level in zip(*rows))
        feats.memory, feats.views = memory, views
        return feats

    @contextmanager
    def pooled(
        self, roi_extractor: nn.Module, roi_hash: str
    ) -> Iterator[None]:
        """Let an RoI extractor pool each view's boxes once.

        Detections of a view come again with it, and so do the boxes of its
        pairs, which are compared. Every student of a step asks for the same
        ones, in the same order of calls.

        Args:
            roi_extractor (nn.Module): Its ``forward`` answers from the
                memory inside; RoIs must be sorted by image.
            roi_hash (str): Hash of its config.
        """
        pool, calls = roi_extractor.forward, count()

        def answer(feats: Sequence[Tensor], rois: Tensor) -> Tensor:
            kind = ('rois', roi_hash, next(calls))
            return self._look_up(kind, rois, lambda new: pool(feats, new))

        roi_extractor.forward = answer
        try:
            yield
        finally:
            del roi_extractor.forward

    def _look_up(
        self, kind: Hashable, rois: Tensor, pool: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """RoI features (R, C, h, w) of boxes with their image before, (R, 5).

        One value a view is kept of each kind, so that boxes that never come
        again do not fill the memory.
        """
        image = rois[:, 0].long()
        counts = image.bincount(minlength=len(self.views)).tolist()
        boxes = rois[:, 1:].split(counts)
        known: list[Any] = [self.memory.get(view, kind) for view in self.views]
        new = [
            i
            for i, value in enumerate(known)
            if value is None or not torch.equal(value[0], boxes[i])
        ]
        if new:
            rows = torch.isin(image, torch.tensor(new, device=image.device))
            feats = pool(rois[rows]).split([counts[i] for i in new])
            for i, value in zip(new, feats):
                known[i] = boxes[i], value
                self.memory.keep(self.views[i], kind, known[i])
        return torch.cat([feats for _, feats in known])
