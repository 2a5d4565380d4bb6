import copy
import os.path as osp
from typing import Optional, Sequence, Union

import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from torch import Tensor, nn

from clhoi_mm.registry import MODELS
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.utils.config_hash import config_hash
from clhoi_mm.vocabulary import HOIVocabulary

from ..checkpoint import load_weights
from ..published import put_detector_back, weights_hash
from .cached_feats import CachedFeats
from .detector_adapter import DetectorAdapter, Feats
from .featmap_spec import FeatmapSpec
from .feature_cache import FeatureCache
from .given_feats import GivenFeats, add_mixin
from .label_map import map_detector_labels, stated_classes
from .missing_weights import missing_weights
from .query_records import add_query_recorder, recording_queries
from .remembered_feats import RememberedFeats


@MODELS.register_module()
class FrozenDetector(DetectorAdapter):
    """Any mmdet detector, frozen, with a vocabulary's labels.

    Args:
        detector (dict): Config of an mmdet detector. Its data_preprocessor is
            adopted by :class:`CLHOI` and not built here, but is part of the
            detector's identity.
        vocabulary (HOIVocabulary): Its object labels are given;
            :class:`CLHOI` passes its own.
        checkpoint (str, optional): Path of the detector's weights. They are
            verified: mmengine loads non-strictly and never initialises a
            model that is tested, so that a missing file would otherwise test
            as random weights without a word.
        classes (str or Sequence[str], optional): The detector's class names,
            or 'coco'. Defaults to those that its checkpoint states.
        feat_cache_size (int): Views of images whose maps, detections and RoI
            features are kept in memory in training and its validation, see
            :class:`FeatureCache`. For small data sets with little
            augmentation. Defaults to 0.
        allow_random (bool): Go on with random weights where there is no
            checkpoint, for tests and speed measurements.
        data_preprocessor (dict, optional): Config of the model's data
            preprocessor. Defaults to the detector's.
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
        super().__init__()
        cfg = copy.deepcopy(detector)
        own = cfg.pop('data_preprocessor', None)
        self.preprocessor_cfg = (
            own if data_preprocessor is None else data_preprocessor
        )
        self.config_hash = config_hash(
            dict(cfg, data_preprocessor=self.preprocessor_cfg)
        )
        self._weights_hash: Optional[str] = None
        self.model: BaseModel = MODELS.build(cfg)
        add_mixin(self.model, GivenFeats)
        add_query_recorder(self.model)
        # Deformable DETR and its kin leave it as memory happens to be, which
        # with random weights may be NaN.
        if hasattr(self.model, 'level_embed'):
            nn.init.normal_(self.model.level_embed)
        self.vocabulary = vocabulary
        self.checkpoint = checkpoint
        self.allow_random = allow_random
        self.loaded = False
        # label_map[detector's label] = vocabulary's label, -1 if unknown to
        # it. It travels in the student's checkpoint.
        self.register_buffer('label_map', torch.empty(0, dtype=torch.long))
        if checkpoint is not None and osp.exists(checkpoint):
            loaded = load_weights(checkpoint)
            self._load(loaded['state_dict'])
            if classes is None:
                classes = stated_classes(loaded.get('meta', {}))
        if classes is not None:
            self.label_map = self.map_labels(classes)
        self.memory = None
        if feat_cache_size and self.loaded:
            self.memory = FeatureCache.of(checkpoint, feat_cache_size)
        self._freeze()

    def _freeze(self) -> None:
        self.requires_grad_(False)
        self.eval()

    def _load(self, state_dict: dict) -> None:
        own = self.model.state_dict()
        missing = [
            k
            for k, v in own.items()
            if k not in state_dict or state_dict[k].shape != v.shape
        ]
        if missing:
            raise ValueError(
                f'{self.checkpoint} does not fit the detector of the config: '
                f'{len(missing)} of {len(own)} tensors are missing or have '
                f'another shape, {missing[0]} for one; give the checkpoint '
                'that was trained with this detector config'
            )
        # `own` brings the versions of its modules along: without them, some
        # heads of mmdet take the weights for old ones and rename them.
        own.update((k, state_dict[k]) for k in own)
        self.model.load_state_dict(own)
        self.loaded = True

    def map_labels(self, classes: Union[str, Sequence[str]]) -> Tensor:
        """Map labels to the vocabulary's, see :func:`map_detector_labels`."""
        return map_detector_labels(classes, self.vocabulary)

    def check_loaded(self) -> None:
        """Refuse to go on with random weights.

        Raises:
            FileNotFoundError: If neither the detector's checkpoint nor one
                of the whole model was loaded.
        """
        if not (self.loaded or self.allow_random):
            raise missing_weights(type(self.model).__name__, self.checkpoint)

    def featmap_spec(self) -> FeatmapSpec:
        """Look up channels and strides of the neck's maps."""
        return FeatmapSpec.of(self.model, self.model.extract_feat, 256)

    @property
    def identity(self) -> dict[str, str]:
        """Type of the detector, and hashes of its config and weights."""
        if self._weights_hash is None:
            self._weights_hash = weights_hash(self.model.state_dict())
        return dict(
            type=type(self.model).__name__,
            config=self.config_hash,
            weights=self._weights_hash,
        )

    def check_made(self, samples: Sequence[HOIDataSample]) -> None:
        """Refuse detections and features that another detector made.

        Args:
            samples (Sequence[HOIDataSample]): Their metainfo names the files
                that they were read from.

        Raises:
            ValueError: If it was not this detector.
        """
        files = {}
        for sample in samples:
            for key in ('detector_view', 'detections_from'):
                if key in sample:
                    file = sample.get(key)
                    file = getattr(file, 'file', file)
                    files[file.path] = file
        for path, file in files.items():
            differ = [
                k for k, v in self.identity.items() if file.detector[k] != v
            ]
            if differ:
                raise ValueError(
                    f"{path} was made by another detector than the model's: "
                    f'{", ".join(differ)} differ; write it anew with the '
                    "model's config and weights, with "
                    'tools/analysis_tools/cache_detections.py'
                )

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args
    ) -> None:
        """Load the detector from a checkpoint of the whole model."""
        self._weights_hash = None
        put_detector_back(self, state_dict, prefix)
        key = prefix + 'model.'
        own = self.model.state_dict()
        self.loaded |= all(
            key + k in state_dict and state_dict[key + k].shape == v.shape
            for k, v in own.items()
        )
        if self.memory is not None and any(
            not torch.equal(state_dict[key + k].to(v), v)
            for k, v in own.items()
            if key + k in state_dict
        ):
            # The memory holds outputs of the weights before.
            self.memory = FeatureCache(self.memory.size)
        if prefix + 'label_map' in state_dict:
            self.label_map = torch.empty_like(
                state_dict[prefix + 'label_map'], device=self.label_map.device
            )
        super()._load_from_state_dict(state_dict, prefix, *args)

    def train(self, mode: bool = True) -> 'FrozenDetector':
        """Stay in evaluation mode: statistics are frozen as well."""
        return super().train(False)

    @torch.no_grad()
    def extract_feat(
        self,
        inputs: Tensor,
        samples: Optional[Sequence[HOIDataSample]] = None,
        remember: bool = False,
    ) -> Feats:
        """Compute the maps of the detector's neck.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            samples (Sequence[HOIDataSample], optional): Their samples; maps
                that these bring are read.
            remember (bool): Use and fill the memory of ``feat_cache_size``.

        Returns:
            Feats: The maps, each (B, C, h, w).
        """
        views = CachedFeats.views_of(samples)
        if views is not None:
            self.check_made(samples)
            return CachedFeats.read(views, self.map_labels, inputs.device)
        if self.memory is None or not remember:
            return self.model.extract_feat(inputs)
        return RememberedFeats.get_or_compute(
            self.memory,
            self.memory.views(inputs, samples),
            lambda i: self.model.extract_feat(inputs[i]),
        )

    def _check_classes(self) -> None:
        if self.label_map.numel() == 0:
            raise ValueError(
                "the detector's class names are not known; its checkpoint "
                'does not state them, so give model.detector.classes (a list '
                "of names, or 'coco')"
            )

    @torch.no_grad()
    def detect(
        self, inputs: Tensor, feats: Feats, samples: list[HOIDataSample]
    ) -> list[InstanceData]:
        """Run the detector's own predict on its maps.

        Once a view where these are remembered.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            feats (Feats): Their maps, as :meth:`extract_feat` gave them.
            samples (list[HOIDataSample]): Their metainfo is read.

        Returns:
            list[InstanceData]: bboxes in input coordinates, labels of the
            vocabulary (-1 where it has none) and scores of each image; of a
            detector with queries also query_inds (n,) and query_embeds
            (n, C), the outputs of its decoder's last layer.
        """
        if isinstance(feats, CachedFeats):
            return feats.detections
        if isinstance(feats, RememberedFeats):
            return feats.memory.get_or_compute(
                'detections',
                feats.views,
                lambda i: self.detect(
                    inputs[i], [f[i] for f in feats], [samples[j] for j in i]
                ),
            )
        self._check_classes()
        blank = [DetDataSample(metainfo=s.metainfo) for s in samples]
        # Half precision would put boxes pixels off, and mmcv's NMS on the CPU
        # does not know it.
        feats = tuple(f.float() for f in feats)
        with (
            torch.autocast(inputs.device.type, enabled=False),
            self.model.reuse_feats(feats),
            recording_queries(self.model) as records,
        ):
            results = self.model.predict(inputs, blank, rescale=False)
        return [
            InstanceData(
                bboxes=r.pred_instances.bboxes,
                labels=self.label_map[r.pred_instances.labels],
                scores=r.pred_instances.scores,
                **record,
            )
            for r, record in zip(results, records or [{}] * len(results))
        ]
