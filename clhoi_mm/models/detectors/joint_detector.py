from typing import Optional, Sequence, Union

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor, nn

from clhoi_mm.datasets.transforms.load_detections import deduplicate_boxes
from clhoi_mm.registry import MODELS
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.vocabulary import HOIVocabulary

from .cached_feats import CachedFeats
from .detector_adapter import Feats
from .frozen_detector import FrozenDetector

# Annotated boxes of one class that overlap by more are one instance:
# HICO-DET's annotators drew a person anew for each interaction.
SAME_INSTANCE_IOU = 0.7


@MODELS.register_module()
class JointDetector(FrozenDetector):
    """Any mmdet detector, trained jointly with the parts that read its maps.

    Its own losses, with its own ``train_cfg``, are added, and the gradients
    of the interactions' losses reach it through its maps. Its detections,
    from which pairs are made, are those of its evaluation mode and carry no
    gradient.

    Args:
        detector (dict): Config of an mmdet detector.
        vocabulary (HOIVocabulary): Vocabulary of the output labels.
        checkpoint (str, optional): Path of the detector's weights; without
            one training starts from the detector's own initialization.
        classes (str or Sequence[str], optional): The detector's class names,
            or 'coco'; see :class:`FrozenDetector`.
        feat_cache_size (int): Must be 0: features change in training.
        allow_random (bool): Allow random weights without a checkpoint.
        data_preprocessor (dict, optional): That of the model's config.
    """

    def __init__(
        self,
        detector: dict,
        vocabulary: HOIVocabulary,
        checkpoint: Optional[str] = None,
        classes: Union[str, Sequence[str], None] = None,
        feat_cache_size: int = 0,
        allow_random: bool = False,
        data_preprocessor: Optional[dict] = None,
    ) -> None:
        if feat_cache_size:
            raise ValueError(
                'feat_cache_size keeps the features of a frozen detector; '
                'set model.detector.feat_cache_size=0 for a JointDetector'
            )
        super().__init__(
            detector,
            vocabulary,
            checkpoint,
            classes,
            allow_random=allow_random,
            data_preprocessor=data_preprocessor,
        )

    def _freeze(self) -> None:
        """Freeze nothing beyond what the detector's own config freezes."""

    def train(self, mode: bool = True) -> 'JointDetector':
        """Train or evaluate, as every module."""
        return nn.Module.train(self, mode)

    def init_weights(self) -> None:
        """Initialize as mmdet does if no checkpoint was loaded."""
        if not self.loaded:
            self.model.init_weights()

    @property
    def identity(self) -> dict[str, str]:
        """Type and hashes, computed anew since weights change."""
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
                "the pipelines, or set model.detector.type='FrozenDetector'"
            )
        super().check_made(samples)

    def extract_feat(
        self,
        inputs: Tensor,
        samples: Optional[Sequence[HOIDataSample]] = None,
        remember: bool = False,
    ) -> Feats:
        """Compute the maps of the detector's neck, with gradients.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            samples (Sequence[HOIDataSample], optional): Their samples; maps
                that these bring are read.
            remember (bool): Has no effect.

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
            feats (Feats): Their maps, as :meth:`extract_feat` gave them.
            samples (list[HOIDataSample]): Their metainfo is read.

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
        """Compute the detector's own losses on maps computed before.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            feats (Feats): Their maps, as :meth:`extract_feat` gave them.
            samples (list[HOIDataSample]): With ``gt_instances``.

        Returns:
            dict[str, Tensor]: By their name after 'detector.'.

        Raises:
            ValueError: If there are no annotated boxes, or the detector's
                config does not say how it is trained.
        """
        truth = [self._truth(sample) for sample in samples]
        try:
            with self.model.reuse_feats(feats):
                losses = self.model.loss(inputs, truth)
        except (AttributeError, TypeError) as error:
            if getattr(self.model, 'train_cfg', None) is not None:
                raise
            raise ValueError(
                'model.detector is a JointDetector, and its detector has no '
                'train_cfg, which says how it is trained; take it from its '
                f'mmdet config ({error})'
            ) from error
        return {f'detector.{name}': value for name, value in losses.items()}

    def _truth(self, sample: HOIDataSample) -> DetDataSample:
        """Collect annotated boxes under the detector's labels."""
        if 'gt_instances' not in sample or 'bboxes' not in sample.gt_instances:
            raise ValueError(
                f'{sample.get("img_path", "an image")} comes without '
                'annotated boxes, and model.detector is a JointDetector; put '
                'LoadHOIAnnotations into the training pipeline of an '
                'annotated data set, or set model.detector.type='
                "'FrozenDetector'"
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
