"""Human-object pairs of many images as flat arrays."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PairTable:
    """Human-object pairs of many images as arrays.

    Args:
        image_inds (np.ndarray): Index of the image in the data set, (N,)
            int64.
        human_bboxes (np.ndarray): Human boxes, (N, 4) xyxy.
        object_bboxes (np.ndarray): Object boxes, (N, 4) xyxy.
        hoi_labels (np.ndarray): Interaction classes in [0, C), (N,) int64.
        scores (np.ndarray): Scores, (N,); ones for ground truth.
    """

    image_inds: np.ndarray
    human_bboxes: np.ndarray
    object_bboxes: np.ndarray
    hoi_labels: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.hoi_labels)

    def __getitem__(self, rows: np.ndarray) -> 'PairTable':
        return PairTable(
            self.image_inds[rows],
            self.human_bboxes[rows],
            self.object_bboxes[rows],
            self.hoi_labels[rows],
            self.scores[rows],
        )


@dataclass(frozen=True)
class ImageLabelTable:
    """Image-level annotations of interaction classes.

    Args:
        image_inds (np.ndarray): Index of the image in the data set, (L,)
            int64.
        hoi_labels (np.ndarray): Classes, including those of the image's
            pairs, (L,) int64.
    """

    image_inds: np.ndarray
    hoi_labels: np.ndarray
