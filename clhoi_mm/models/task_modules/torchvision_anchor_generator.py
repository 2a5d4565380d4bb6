from typing import Optional, Union

from mmdet.models.task_modules import AnchorGenerator
from torch import Tensor

from clhoi_mm.registry import TASK_UTILS


@TASK_UTILS.register_module()
class TorchvisionAnchorGenerator(AnchorGenerator):
    """Anchor generator that rounds corners as torchvision does.

    With mmdet's anchors, boxes of detectors trained by torchvision are up to
    half a pixel off, by an amount that depends on the level, so that weights
    cannot compensate for it.
    """

    def gen_single_level_base_anchors(
        self,
        base_size: Union[int, float],
        scales: Tensor,
        ratios: Tensor,
        center: Optional[tuple[float]] = None,
    ) -> Tensor:
        """Generate the anchors of a level's first pixel, (A, 4)."""
        return (
            super()
            .gen_single_level_base_anchors(base_size, scales, ratios, center)
            .round()
        )
