from typing import Optional, Sequence

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor, nn

from clhoi_mm.datasets.transforms.load_detections import deduplicate_boxes
from clhoi_mm.structures import HOIDataSample

from .cached_feats import CachedFeats
from .frozen_detector import Feats, FrozenDetector

# Annotated boxes of one class that overlap by more are one instance:
# HICO-DET's annotators drew a person anew for each interaction.
SAME_INSTANCE_IOU = 0.7


class JointDetector(FrozenDetector):
    """Any mmdet detector, trained along with what looks at its maps.

    Its own losses, with its own ``train_cfg``, are added, and those of the
    interactions reach it through its maps. Its detections, from which pairs
    are made, are those of its evaluation mode and carry no gradient.

    Args:
        *args: As of :class:`FrozenDetector`.
        remember (int): Must be 0: what it gives changes.
        **kwargs: As of :class:`FrozenDetector`.
    """

    def __init__(self, *args, remember: int = 0, **kwargs) -> None:
        if remember:
            raise ValueError(
                'feat_cache_size keeps what a frozen detector gave; leave '
                'it out where train_detector is set'
            )
        super().__init__(*args, **kwargs)

    def _freeze(self) -> None:
        """Nothing beyond what the detector's own config freezes."""

    def train(self, mode: bool = True) -> 'JointDetector':
        """Train or evaluate, as every module."""
        return nn.Module.train(self, mode)

    def init_weights(self) -> None:
        """As mmdet would, where training starts from no checkpoint."""
        if not self.loaded:
            self.model.init_weights()

    @property
    def identity(self) -> dict[str, str]:
        """As of a frozen one, but weights change."""
        self._weights_hash = None
        return super().identity

    def check_made(self, samples: Sequence[HOIDataSample]) -> None:
        """Refuse detections and features from files while training.

        Raises:
            ValueError: If there are any.
        """
        if self.training and any(
            'detector_view' in s or 'detections_from' in s for s in samples
        ):
            raise ValueError(
                'a detector in training changes what it gives: leave '
                'LoadDetectorFeatures, and LoadDetections from a file, out of '
                'the pipelines, or leave out train_detector'
            )
        super().check_made(samples)

    def extract_feat(
        self,
        inputs: Tensor,
        samples: Optional[Sequence[HOIDataSample]] = None,
        remember: bool = False,
    ) -> Feats:
        """Feature maps of the detector's neck, with gradients.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            samples (Sequence[HOIDataSample], optional): Where they come from.
            remember (bool): Is of no effect.

        Returns:
            Feats: The maps, each (B, C, h, w).
        """
        if CachedFeats.views_of(samples) is not None:
            return super().extract_feat(inputs, samples)
        return self.model.extract_feat(inputs)

    def detect(
        self,
        inputs: Tensor,
        feats: Feats,
        samples: list[HOIDataSample],
    ) -> list[InstanceData]:
        """Run the detector's own predict, in evaluation mode, on its maps.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            feats (Feats): What :meth:`extract_feat` gave for them.
            samples (list[HOIDataSample]): Whose metainfo is read.

        Returns:
            list[InstanceData]: As of a frozen one.
        """
        training = self.model.training
        self.model.eval()
        try:
            return super().detect(inputs, feats, samples)
        finally:
            self.model.train(training)

    def loss(
        self, inputs: Tensor, feats: Feats, samples: list[HOIDataSample]
    ) -> dict[str, Tensor]:
        """The detector's own losses on maps computed before.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            feats (Feats): What :meth:`extract_feat` gave for them.
            samples (list[HOIDataSample]): With ``gt_instances``.

        Returns:
            dict[str, Tensor]: By their name after 'detector.'.

        Raises:
            ValueError: If there are no annotated boxes, or the detector's
                config does not say how it is trained.
        """
        truth = [self._truth(sample) for sample in samples]
        try:
            with self._reusing(feats):
                losses = self.model.loss(inputs, truth)
        except (AttributeError, TypeError) as error:
            if getattr(self.model, 'train_cfg', None) is not None:
                raise
            raise ValueError(
                'train_detector is set, and model.detector has no train_cfg, '
                'which says how it is trained; take it from its mmdet config '
                f'({error})'
            ) from error
        return {f'detector.{name}': value for name, value in losses.items()}

    def _truth(self, sample: HOIDataSample) -> DetDataSample:
        """An image's annotated boxes under the detector's labels."""
        if 'gt_instances' not in sample or 'bboxes' not in sample.gt_instances:
            raise ValueError(
                f'{sample.get("img_path", "an image")} comes without '
                'annotated boxes, and train_detector is set; put '
                'LoadHOIAnnotations into the training pipeline of an '
                'annotated data set, or leave the detector frozen'
            )
        self._check_classes()
        label_map = self.label_map
        own = label_map.new_full((len(self.vocabulary.objects) + 1,), -1)
        own[label_map] = torch.arange(len(label_map), device=own.device)
        labels = sample.gt_instances.labels
        bboxes = get_box_tensor(sample.gt_instances.bboxes)
        first = deduplicate_boxes(bboxes, labels, SAME_INSTANCE_IOU)
        truth = DetDataSample(metainfo=sample.metainfo)
        truth.gt_instances = InstanceData(
            bboxes=bboxes[first], labels=own[labels[first]]
        )
        if 'ignored_instances' in sample:
            truth.ignored_instances = sample.ignored_instances
        return truth
