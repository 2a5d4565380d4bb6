from typing import Any, Callable, Hashable, Optional, Sequence

import torch
from torch import Tensor, nn

from ..layers import RoIFeatureStore, pool_roi_feats
from .feature_cache import FeatureCache


class RememberedFeats(tuple, RoIFeatureStore):
    """Feature maps of a batch, and the memory of outputs that follow.

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
        """Get the maps of a batch, computed only where they are not known.

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

    def get_roi_feats(
        self,
        roi_extractor: nn.Module,
        rois: Tensor,
        extractor_hash: Optional[str],
        part: str,
    ) -> Tensor:
        """Pool each view's boxes once.

        Detections of a view come again with it, and so do the boxes of its
        pairs, which are compared. One value a view is kept of each part, so
        that boxes that never come again do not fill the memory. See
        :meth:`RoIFeatureStore.get_roi_feats`.
        """
        kind = ('rois', extractor_hash, part)
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
            pooled = pool_roi_feats(roi_extractor, self, rois[rows])
            feats = pooled.split([counts[i] for i in new])
            for i, value in zip(new, feats):
                known[i] = boxes[i], value
                self.memory.keep(self.views[i], kind, known[i])
        return torch.cat([feats for _, feats in known])
