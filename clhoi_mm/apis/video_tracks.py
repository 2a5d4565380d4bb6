"""Tracking of people, objects and interactions in a video."""

from typing import Dict, List, Optional, Tuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from clhoi_mm.structures import HOIDataSample

from .box_tracker import BoxTracker
from .score_smoother import Scores, ScoreSmoother

# Seconds after which a track without detections loses its number.
MEMORY = 1.0
# Seconds during which interactions of a lost track are still reported.
PATIENCE = 0.3
# Default rate of a video that does not state its rate.
RATE = 25.0


class VideoTracks:
    """Tracks the boxes of a video and smooths interaction scores.

    Args:
        rate (float, optional): Used frames per second. Defaults to None: 25.
        half_life (float): Half-life of a frame's weight in smoothed scores,
            in seconds.
            Defaults to 0.3.
        max_per_img (int): Maximum number of interactions of a frame. Defaults
            to 100.
    """

    def __init__(
        self,
        rate: Optional[float] = None,
        half_life: float = 0.3,
        max_per_img: int = 100,
    ) -> None:
        self.rate = rate or RATE
        self.max_per_img = max_per_img
        self._tracker = BoxTracker(
            num_frames_retain=max(round(MEMORY * self.rate), 1) + 1
        )
        self._smoother = ScoreSmoother(half_life, PATIENCE)
        self._frame = -1
        # A track's number within its label, from 1 in order of appearance.
        self._numbers: Dict[int, int] = {}
        self._labels: Dict[int, int] = {}
        self._counts: Dict[int, int] = {}
        self._scores: Dict[int, float] = {}

    def update(
        self, sample: HOIDataSample, seconds: Optional[float] = None
    ) -> HOIDataSample:
        """Update the tracks with a frame.

        Args:
            sample (HOIDataSample): With ``pred_instances`` and ``pred_hois``.
            seconds (float, optional): Time since the previous frame. Defaults
                to None: by the rate.

        Returns:
            HOIDataSample: A sample with ``tracks``: ``ids`` (numbers within
            labels, from 1), ``labels``, ``bboxes``, ``scores`` of the detected
            boxes; and with ``pred_hois`` whose ``scores`` are smoothed, with
            ``sub_ids`` and ``obj_ids`` (0 without an object). Boxes that are
            lost for some frames are at their predicted positions.
        """
        self._frame += 1
        instances = sample.pred_instances.cpu()
        tracks = self._match_tracks(instances)
        boxes = {
            track: instances.bboxes[row].float()
            for track, row in tracks.items()
        }
        for track, row in tracks.items():
            self._number(track, int(instances.labels[row]))
            self._scores[track] = float(instances.scores[row])

        scores = self._read(sample.pred_hois, instances, tracks)
        pairs = [(a, b) for a in tracks for b in (*tracks, None) if a != b]
        self._smoother.update(
            scores,
            [
                pair
                for pair in pairs
                if pair in scores or pair in self._smoother.pairs
            ],
            1 / self.rate if seconds is None else seconds,
        )
        for pair in self._smoother.pairs:
            for track in pair:
                if track is not None and track not in boxes:
                    boxes[track] = self._tracker.expected_box(track)
        result = HOIDataSample(metainfo=sample.metainfo)
        result.pred_hois = self._write(boxes)
        order = sorted(
            tracks, key=lambda t: (self._labels[t], self._numbers[t])
        )
        rows = torch.tensor([tracks[t] for t in order], dtype=torch.long)
        result.tracks = InstanceData(
            ids=torch.tensor([self._numbers[t] for t in order]).long(),
            labels=instances.labels[rows],
            bboxes=instances.bboxes[rows],
            scores=instances.scores[rows],
        )
        return result

    def _match_tracks(self, instances: InstanceData) -> Dict[int, int]:
        """Map confirmed tracks to rows of detected boxes."""
        frame = HOIDataSample(metainfo=dict(frame_id=self._frame))
        frame.pred_instances = InstanceData(
            bboxes=instances.bboxes.float(),
            labels=instances.labels,
            scores=instances.scores.float(),
            # Masks are passed through by the tracker: they identify rows.
            masks=torch.arange(len(instances.labels)),
        )
        tracked = self._tracker.track(frame)
        confirmed = set(self._tracker.confirmed_ids)
        return {
            track: row
            for track, row in zip(
                tracked.instances_id.tolist(), tracked.masks.tolist()
            )
            if track in confirmed
        }

    def _number(self, track: int, label: int) -> None:
        if track not in self._numbers:
            self._counts[label] = self._counts.get(label, 0) + 1
            self._numbers[track] = self._counts[label]
            self._labels[track] = label

    def _read(
        self,
        hois: InstanceData,
        instances: InstanceData,
        tracks: Dict[int, int],
    ) -> Dict[tuple, Scores]:
        """Collect scores by track pair, verb, object and class."""
        hois = hois.cpu()
        row_tracks = {row: track for track, row in tracks.items()}
        persons = _find_rows(hois.human_bboxes, instances.bboxes)
        objects = _find_rows(
            hois.object_bboxes,
            instances.bboxes,
            hois.object_labels[:, None] == instances.labels,
        )
        scores: Dict[tuple, Scores] = {}
        for person, obj, verb, label, hoi, score in zip(
            persons,
            objects,
            hois.verb_labels.tolist(),
            hois.object_labels.tolist(),
            hois.hoi_labels.tolist(),
            hois.scores.tolist(),
        ):
            pair = row_tracks.get(person), row_tracks.get(obj)
            if pair[0] is None or (label >= 0 and pair[1] is None):
                continue
            names = scores.setdefault(pair, {})
            names[verb, label, hoi] = max(
                score, names.get((verb, label, hoi), 0.0)
            )
        return scores

    def _write(self, boxes: Dict[int, Tensor]) -> InstanceData:
        """Assemble the smoothed interactions, the best first."""
        rows: List[Tuple[float, tuple, tuple]] = sorted(
            (
                (score, pair, name)
                for pair, names in self._smoother.means().items()
                for name, score in names.items()
            ),
            key=lambda row: -row[0],
        )[: self.max_per_img]
        nowhere = torch.full((4,), torch.nan)
        pairs = [pair for _, pair, _ in rows]
        verbs, labels, hois = (
            torch.tensor([name[i] for _, _, name in rows]).long()
            for i in range(3)
        )

        def side(i: int) -> tuple:
            tracks = [pair[i] for pair in pairs]
            bboxes = [boxes.get(track, nowhere) for track in tracks]
            return (
                torch.stack(bboxes) if bboxes else torch.zeros(0, 4),
                torch.tensor([self._numbers.get(t, 0) for t in tracks]).long(),
                torch.tensor(
                    [self._scores.get(t, 0.0) for t in tracks]
                ).float(),
            )

        (
            (human_bboxes, sub_ids, human_scores),
            (object_bboxes, obj_ids, object_scores),
        ) = side(0), side(1)
        return InstanceData(
            human_bboxes=human_bboxes,
            object_bboxes=object_bboxes,
            object_labels=labels,
            verb_labels=verbs,
            hoi_labels=hois,
            scores=torch.tensor([score for score, _, _ in rows]).float(),
            human_scores=human_scores,
            object_scores=object_scores,
            sub_ids=sub_ids,
            obj_ids=obj_ids,
        )


def _find_rows(
    boxes: Tensor, among: Tensor, allowed: Optional[Tensor] = None
) -> List[int]:
    """Find the original of each box; -1 for none."""
    same = (boxes[:, None] == among).all(-1)
    if allowed is not None:
        same &= allowed
    if not same.size(1):
        return [-1] * len(boxes)
    best, row = same.int().max(1)
    return torch.where(best > 0, row, -1).tolist()
