from typing import Optional, Union

from mmdet.models.task_modules import AnchorGenerator
from torch import Tensor

from clhoi_mm.registry import TASK_UTILS


@TASK_UTILS.register_module()
class TorchvisionAnchorGenerator(AnchorGenerator):
    """mmdet's anchors with corners rounded as torchvision rounds them.

    A detector that was trained with these finds boxes up to half a pixel off
    with others. They depend on the level, so that no weights make up for it.
    """

    def gen_single_level_base_anchors(
        self,
        base_size: Union[int, float],
        scales: Tensor,
        ratios: Tensor,
        center: Optional[tuple[float]] = None,
    ) -> Tensor:
        """Anchors of a level around its first pixel, (A, 4)."""
        return (
            super()
            .gen_single_level_base_anchors(base_size, scales, ratios, center)
            .round()
        )
