from typing import Sequence

import torchvision
from mmcv.ops import RoIAlign
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor, nn


class TraceableRoIExtractor(nn.Module):
    """RoI extractor that torch.export and torch.compile trace.

    Equals mmdet's ``SingleRoIExtractor``, with torchvision's operator
    and without branches that depend on the number of boxes of a level.

    Args:
        extractor (SingleRoIExtractor): The extractor to replace.

    Raises:
            ValueError: If it is another extractor, or its pooling is not
            RoIAlign's average.
    """

    def __init__(self, extractor: nn.Module) -> None:
        super().__init__()
        layers = getattr(extractor, 'roi_layers', ())
        if type(extractor) is not SingleRoIExtractor or not all(
            type(layer) is RoIAlign and layer.pool_mode == 'avg'
            for layer in layers
        ):
            raise ValueError(
                'only an icn.roi_extractor of type SingleRoIExtractor with '
                "RoIAlign layers and pool_mode='avg' can be traced, not "
                f'{type(extractor).__name__} with '
                f'{sorted({type(layer).__name__ for layer in layers})}'
            )
        self.extractor = extractor
        self.roi_layers = extractor.roi_layers
        self.out_channels = extractor.out_channels
        self.num_inputs = extractor.num_inputs

    def forward(self, feats: Sequence[Tensor], rois: Tensor) -> Tensor:
        """Pool each box from the level that fits its size.

        Args:
            feats (Sequence[Tensor]): Feature maps, each (B, C, h, w).
            rois (Tensor): (R, 5), batch index and box in input pixels.

        Returns:
            Tensor: (R, C, height, width).
        """
        if len(feats) == 1:
            return self._pool(0, feats[0], rois)
        levels = self.extractor.map_roi_levels(rois, len(feats))
        pooled = feats[0].new_zeros(
            rois.shape[0], self.out_channels, *self.roi_layers[0].output_size
        )
        for level, feat in enumerate(feats):
            inds = (levels == level).nonzero().squeeze(1)
            pooled = pooled.index_put(
                (inds,), self._pool(level, feat, rois[inds])
            )
        return pooled

    def _pool(self, level: int, feat: Tensor, rois: Tensor) -> Tensor:
        layer = self.roi_layers[level]
        return torchvision.ops.roi_align(
            feat,
            rois,
            layer.output_size,
            layer.spatial_scale,
            layer.sampling_ratio,
            layer.aligned,
        )
