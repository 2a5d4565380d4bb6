"""What tells the lineages of HICO-DET's published figures apart."""

from dataclasses import dataclass
from typing import Dict, Optional

import numpy as np

from .average_precision import RECALL_LEVELS, RISING_RECALL_LEVELS
from .boxes import aligned_ious


@dataclass(frozen=True)
class HICODetProtocol:
    """How predictions are matched, and what the mean is taken over.

    All of them rank a class's predictions by score, equal scores in their
    order; let each prediction belong to the annotated pair of its image and
    class for which the smaller of the two IoUs is largest, the first one of
    equals; let a pair be found once, by the best-scored prediction; and take
    the 11-point AP.

    Args:
        pixel (float): Added to widths and heights of boxes.
        touching_apart (bool): Boxes that share an edge alone have an IoU of
            0 although ``pixel`` would give them a common part.
        strict (bool): An IoU of exactly 0.5 is no match.
        unannotated_images (bool): Predictions on images without annotated
            pairs are false positives, or else not there.
        empty_classes (bool): Classes without annotated pairs count with AP
            0, or else are left out of means.
        max_per_img (int, optional): Best-scored predictions that count in an
            image.
        rising_levels (bool): Recall levels as numpy counts up from 0, or else
            as MATLAB and torch space them from both ends.
    """

    pixel: float = 0.0
    touching_apart: bool = False
    strict: bool = False
    unannotated_images: bool = True
    empty_classes: bool = True
    max_per_img: Optional[int] = None
    rising_levels: bool = False

    @property
    def levels(self) -> np.ndarray:
        """Recall levels, (11,)."""
        return RISING_RECALL_LEVELS if self.rising_levels else RECALL_LEVELS

    def overlaps(self, bboxes1: np.ndarray, bboxes2: np.ndarray) -> np.ndarray:
        """IoU of each row's two boxes, (K, 4) xyxy; (K,)."""
        min_extent = 0.0 if self.touching_apart else None
        return aligned_ious(bboxes1, bboxes2, self.pixel, min_extent)

    def is_match(self, overlaps: np.ndarray) -> np.ndarray:
        """Which overlaps are large enough, (K,) bool."""
        return overlaps > 0.5 if self.strict else overlaps >= 0.5


# `official`: eval_one.m and VOCevaldet_bboxpair.m of github.com/ywchao/ho-rcnn
# (Chao et al., WACV 2018). Its "+1" on one-based inclusive boxes is no "+1" on
# the annotation file's zero-based continuous ones.
# `qpic`: datasets/hico_eval.py of github.com/hitachi-rd-cv/qpic (Tamura et
# al., CVPR 2021), also in GEN-VLKT, CDN and HOICLIP. It adds the "+1" to boxes
# as they are.
# `pocket`: BoxPairAssociation and DetectionAPMeter of
# github.com/fredzzhang/pocket, in UPT, PViC and ADA-CM.
HICO_DET_PROTOCOLS: Dict[str, HICODetProtocol] = dict(
    official=HICODetProtocol(),
    qpic=HICODetProtocol(
        pixel=1.0,
        touching_apart=True,
        unannotated_images=False,
        empty_classes=False,
        max_per_img=100,
        rising_levels=True,
    ),
    pocket=HICODetProtocol(strict=True, unannotated_images=False),
)
