"""Tracking of boxes over the frames of a video."""

from typing import List, Optional, Tuple

import numpy as np
import torch
from mmdet.models.task_modules.tracking import KalmanFilter
from mmdet.models.trackers import BaseTracker, ByteTracker
from mmdet.structures.bbox import bbox_cxcyah_to_xyxy, bbox_overlaps
from scipy.optimize import linear_sum_assignment
from torch import Tensor


class BoxTracker(ByteTracker):
    """ByteTrack (arXiv 2110.06864) as in mmdet, without the package ``lap``.

    Boxes of one label are matched by IoU with the Kalman filter's prediction:
    first high-scoring boxes, then the others with the remaining tracks.

    Args:
        high_thr (float): Minimum score of high-scoring boxes, which alone
            start a track. Defaults to 0.5.
        low_thr (float): Minimum score of a box that can continue a track.
            Defaults to 0.1.
        num_tentatives (int): Consecutive frames in which a box must be
            detected to confirm its track. Defaults to 2.
        num_frames_retain (int): Frames after which a track without detections
            is dropped. Defaults to 30.
    """

    def __init__(
        self,
        high_thr: float = 0.5,
        low_thr: float = 0.1,
        num_tentatives: int = 2,
        num_frames_retain: int = 30,
    ) -> None:
        # ByteTracker's own constructor requires lap.
        BaseTracker.__init__(self, num_frames_retain=num_frames_retain)
        self.motion = KalmanFilter()
        self.obj_score_thrs = dict(high=high_thr, low=low_thr)
        self.init_track_thr = high_thr
        self.weight_iou_with_det_scores = True
        self.match_iou_thrs = dict(high=0.2, low=0.5, tentative=0.3)
        self.num_tentatives = num_tentatives

    def update_track(self, id: int, obj: Tuple[Tensor]) -> None:
        """Update a track and drop its unused history."""
        super().update_track(id, obj)
        for name in self.memo_items:
            del self.tracks[id][name][: -self.num_tentatives]

    def expected_box(self, id: int) -> Tensor:
        """Predict a track's box in the current frame, (4,)."""
        mean = torch.from_numpy(self.tracks[id].mean[None, :4]).float()
        return bbox_cxcyah_to_xyxy(mean)[0]

    def assign_ids(
        self,
        ids: List[int],
        det_bboxes: Tensor,
        det_labels: Tensor,
        det_scores: Tensor,
        weight_iou_with_det_scores: Optional[bool] = False,
        match_iou_thr: Optional[float] = 0.5,
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Match tracks and boxes of maximum total IoU.

        Args:
            ids (list[int]): Tracks, T.
            det_bboxes (Tensor): Boxes, (N, 4).
            det_labels (Tensor): Labels of the boxes, (N,).
            det_scores (Tensor): Scores of the boxes, (N,).
            weight_iou_with_det_scores (bool): Whether IoUs are multiplied by
                scores.
            match_iou_thr (float): Minimum IoU.

        Returns:
            tuple[np.ndarray, np.ndarray]: The box of each track, (T,), and
            the track of each box, (N,), as indices; -1 for none.
        """
        boxes = np.full(len(ids), -1)
        tracks = np.full(len(det_bboxes), -1)
        if len(ids) and len(det_bboxes):
            expected = torch.stack([self.expected_box(i) for i in ids])
            labels = torch.stack([self.tracks[i].labels[-1] for i in ids])
            ious = bbox_overlaps(expected.to(det_bboxes), det_bboxes)
            if weight_iou_with_det_scores:
                ious = ious * det_scores
            same = labels.view(-1, 1) == det_labels
            gain = (ious * same - match_iou_thr).clamp(min=0).cpu().numpy()
            row, col = linear_sum_assignment(gain, maximize=True)
            matched = gain[row, col] > 0
            boxes[row[matched]] = col[matched]
            tracks[col[matched]] = row[matched]
        return boxes, tracks
