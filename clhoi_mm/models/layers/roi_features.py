from typing import Optional, Sequence

from torch import Tensor, nn


class RoIFeatureStore:
    """Interface of feature maps that come with RoI features pooled before."""

    def get_roi_feats(
        self,
        roi_extractor: nn.Module,
        rois: Tensor,
        extractor_hash: Optional[str],
        part: str,
    ) -> Tensor:
        """Look up RoI features, or pool them where they are missing.

        Args:
            roi_extractor (nn.Module): An mmdet RoI extractor.
            rois (Tensor): Boxes after the index of their image, by which they
                are sorted, (R, 5).
            extractor_hash (str, optional): Hash of the extractor's config.
            part (str): Name of the boxes, which tells calls apart.

        Returns:
            Tensor: (R, C, h, w).
        """
        raise NotImplementedError


def pool_roi_feats(
    roi_extractor: nn.Module, feats: Sequence[Tensor], rois: Tensor
) -> Tensor:
    """Pool RoI features from feature maps, in float32.

    The extractor casts boxes to the maps' type, and half precision does not
    resolve single pixels at large coordinates.

    Args:
        roi_extractor (nn.Module): An mmdet RoI extractor.
        feats (Sequence[Tensor]): Maps, each (B, C, h, w).
        rois (Tensor): Boxes after the index of their image, (R, 5).

    Returns:
        Tensor: (R, C, h, w).
    """
    return roi_extractor(
        [f.float() for f in feats[: roi_extractor.num_inputs]], rois
    )


def extract_roi_feats(
    roi_extractor: nn.Module,
    feats: Sequence[Tensor],
    rois: Tensor,
    extractor_hash: Optional[str],
    part: str,
) -> Tensor:
    """Get RoI features from maps, or from the store that maps come with.

    Args:
        roi_extractor (nn.Module): An mmdet RoI extractor.
        feats (Sequence[Tensor]): Maps, each (B, C, h, w), perhaps a
            :class:`RoIFeatureStore`.
        rois (Tensor): Boxes after the index of their image, by which they
            are sorted, (R, 5).
        extractor_hash (str, optional): Hash of the extractor's config.
        part (str): Name of the boxes, which tells calls apart.

    Returns:
        Tensor: (R, C, h, w).
    """
    if isinstance(feats, RoIFeatureStore):
        return feats.get_roi_feats(roi_extractor, rois, extractor_hash, part)
    return pool_roi_feats(roi_extractor, feats, rois)
