from typing import Callable, Iterable, Optional, Sequence

import numpy as np
import torch
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData
from torch import Tensor, nn

from clhoi_mm.datasets.detection_file import DetectorView
from clhoi_mm.structures import HOIDataSample

from ..layers import RoIFeatureStore, pool_roi_feats


class CachedFeats(tuple, RoIFeatureStore):
    """Feature maps, detections and RoI features of a batch from a file.

    Attributes:
        input_shape (tuple): Height and width of the padded batch.
        detections (list[InstanceData]): bboxes, labels of the vocabulary and
            scores of each image.
        rois (Tensor): Boxes with the index of their image before, (R, 5).
        roi_feats (Tensor): Their RoI features, (R, C, h, w).
        roi_hashes (set): Hashes of the configs of the RoI extractors that
            these come from.
    """

    input_shape: tuple[int, int]
    detections: list[InstanceData]
    rois: Tensor
    roi_feats: Tensor
    roi_hashes: set[Optional[str]]

    @staticmethod
    def views_of(
        samples: Optional[Sequence[HOIDataSample]],
    ) -> Optional[list[DetectorView]]:
        """Find the views that samples carry in place of images, if any.

        Raises:
            ValueError: If some of them do and others do not.
        """
        views = [s.get('detector_view') for s in samples or ()]
        if all(v is None for v in views):
            return None
        if any(v is None for v in views):
            raise ValueError(
                'only some images of the batch come with '
                'features; give all data sets of a loader '
                'LoadDetectorFeatures, or none'
            )
        return views

    @classmethod
    def read(
        cls,
        views: Sequence[DetectorView],
        map_labels: Callable[[Sequence[str]], Tensor],
        device: torch.device,
    ) -> 'CachedFeats':
        """Read a batch.

        Images of different sizes are padded with zeros.

        Args:
            views (Sequence[DetectorView]): One an image.
            map_labels (Callable): From a file's class names to labels of the
                vocabulary.
            device (torch.device): Where everything goes.
        """
        maps = [view.file.maps(view.row) for view in views]
        feats = cls(_stack(level).to(device).float() for level in zip(*maps))
        feats.input_shape = tuple(
            max(sizes) for sizes in zip(*(v.input_shape for v in views))
        )
        feats.roi_hashes = {v.file.features['roi_extractor'] for v in views}
        labels = {
            file.path: map_labels(file.classes).to(device)
            for file in {v.file for v in views}
        }
        feats.detections = []
        for view in views:
            found = {
                name: torch.from_numpy(values).to(device)
                for name, values in view.file.detections(view.row).items()
            }
            found['labels'] = labels[view.file.path][found['labels'].long()]
            feats.detections.append(InstanceData(**found))
        boxes, pooled = zip(*(view.file.rois(view.row) for view in views))
        image = np.repeat(np.arange(len(views)), [len(b) for b in boxes])
        rois = np.column_stack([image, np.concatenate(boxes)])
        feats.rois = torch.from_numpy(rois.astype(np.float32)).to(device)
        feats.roi_feats = torch.from_numpy(np.concatenate(pooled)).to(device)
        return feats

    def look_up(self, rois: Tensor) -> Optional[Tensor]:
        """Look up RoI features as the file holds them.

        Args:
            rois (Tensor): Boxes with their image's index before, (n, 5).

        Returns:
            Tensor, optional: (n, C, h, w); None if it lacks any of them.
        """
        known = len(self.rois)
        same = _equal_rows(torch.cat([self.rois, rois]))
        row = same.new_full((len(same),), -1)
        row[same[:known]] = torch.arange(known, device=row.device)
        row = row[same[known:]]
        if (row < 0).any():
            return None
        return self.roi_feats[row].float()

    def check_levels(self, levels: Iterable[int]) -> None:
        """Refuse to read maps that the file does not hold.

        Raises:
            ValueError: If one of the levels is missing.
        """
        if any(self[level].numel() == 0 for level in levels):
            raise ValueError(
                'the file of features lacks maps, or RoI features of pairs '
                'in use, that this config reads; write it anew with the '
                'levels, the pairing and the RoI extractor of this config, or '
                'with --all-maps (tools/analysis_tools/cache_detections.py)'
            )

    def get_roi_feats(
        self,
        roi_extractor: nn.Module,
        rois: Tensor,
        extractor_hash: Optional[str],
        part: str,
    ) -> Tensor:
        """Look up RoI features; pool those that the file lacks from its maps.

        See :meth:`RoIFeatureStore.get_roi_feats`.
        """
        found = None
        if self.roi_hashes == {extractor_hash}:
            found = self.look_up(rois)
        if found is None:
            self.check_levels(range(min(len(self), roi_extractor.num_inputs)))
            _warn_once(
                'the file of features lacks RoI features of pairs in '
                'use: they are pooled from its maps, which takes longer; '
                'write it anew with the pairing and the RoI extractor of '
                'this config'
            )
            found = pool_roi_feats(roi_extractor, self, rois)
        return found


def _equal_rows(table: Tensor) -> Tensor:
    """Number rows from 0, equal rows alike.

    torch.unique(dim=0) does it too, at ten times the cost.
    """
    number = table.new_zeros(len(table), dtype=torch.long)
    for column in table.T:
        rank = column.unique(return_inverse=True)[1]
        number = (number * len(table) + rank).unique(return_inverse=True)[1]
    return number


def _stack(maps: Sequence[np.ndarray]) -> Tensor:
    """Stack maps of one level, (C, h, w) each, padded with zeros."""
    size = np.max([m.shape for m in maps], 0)
    out = np.zeros((len(maps), *size), maps[0].dtype)
    for row, values in zip(out, maps):
        row[:, : values.shape[1], : values.shape[2]] = values
    return torch.from_numpy(out)


_warned = set()


def _warn_once(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        MMLogger.get_current_instance().warning(message)
