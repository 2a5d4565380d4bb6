"""Differences between the HICO-DET protocols of published results."""

from dataclasses import dataclass
from typing import Dict, Optional

import numpy as np

from clhoi_mm.utils.boxes import aligned_ious

from .average_precision import RECALL_LEVELS, RISING_RECALL_LEVELS


@dataclass(frozen=True)
class HICODetProtocol:
    """Rules of matching predictions and averaging over classes.

    All protocols rank a class's predictions by score, with ties in their
    order; match each prediction to the annotated pair of its image and class
    for which the smaller of the two IoUs is largest, the first one of ties;
    count only the best-scored match of a pair as a true positive; and compute
    the 11-point AP.

    Args:
        pixel (float): Added to widths and heights of boxes.
        touching_apart (bool): Whether boxes that only share an edge have an
            IoU of 0 although ``pixel`` would make them intersect.
        strict (bool): Whether an IoU of exactly 0.5 is no match.
        unannotated_images (bool): Whether predictions on images without
            annotated pairs are false positives rather than ignored.
        empty_classes (bool): Whether classes without annotated pairs count
            with AP 0 rather than being left out of means.
        max_per_img (int, optional): Number of best-scored predictions of an
            image that are evaluated.
        rising_levels (bool): Whether recall levels are rounded as numpy's
            rather than as MATLAB's and torch's.
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
        """Return the recall levels, (11,)."""
        return RISING_RECALL_LEVELS if self.rising_levels else RECALL_LEVELS

    def overlaps(self, bboxes1: np.ndarray, bboxes2: np.ndarray) -> np.ndarray:
        """Compute the IoU of each row's two boxes, (K,)."""
        min_extent = 0.0 if self.touching_apart else None
        return aligned_ious(bboxes1, bboxes2, self.pixel, min_extent)

    def is_match(self, overlaps: np.ndarray) -> np.ndarray:
        """Test which overlaps are large enough, (K,) bool."""
        return overlaps > 0.5 if self.strict else overlaps >= 0.5


# `official`: eval_one.m and VOCevaldet_bboxpair.m of github.com/ywchao/ho-rcnn
# (Chao et al., WACV 2018). Its "+1" for one-based inclusive boxes cancels out
# for the annotation file's zero-based continuous ones.
# `qpic`: datasets/hico_eval.py of github.com/hitachi-rd-cv/qpic (Tamura et
# al., CVPR 2021), also in GEN-VLKT, CDN and HOICLIP. It adds 1 to widths and
# heights of continuous boxes.
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
