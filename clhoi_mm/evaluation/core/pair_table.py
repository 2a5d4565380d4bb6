"""Human-object pairs of many images as flat arrays."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PairTable:
    """Pairs of many images, one row a pair and class.

    Args:
        image_inds (np.ndarray): Position of the image in the data set, (N,)
            int64.
        sub_bboxes (np.ndarray): Persons' boxes, (N, 4) xyxy.
        obj_bboxes (np.ndarray): Objects' boxes, (N, 4) xyxy.
        hoi_labels (np.ndarray): Interaction classes in [0, C), (N,) int64.
        scores (np.ndarray): Scores, (N,); ones for ground truth.
    """
    image_inds: np.ndarray
    sub_bboxes: np.ndarray
    obj_bboxes: np.ndarray
    hoi_labels: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.hoi_labels)
