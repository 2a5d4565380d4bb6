import copy
import hashlib
import json
import os.path as osp
from contextlib import contextmanager
from typing import Any, Iterator, Optional, Sequence, Union

import torch
from mmdet.datasets import CocoDataset
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from torch import Tensor, nn

from clhoi_mm.registry import MODELS
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.vocabulary import HOIVocabulary, normalise_name

from ..checkpoint import load_weights
from ..published import put_detector_back, weights_hash
from .cached_feats import CachedFeats
from .featmap_spec import FeatmapSpec
from .feature_cache import FeatureCache
from .query_records import recording_queries
from .remembered_feats import RememberedFeats

Feats = Sequence[Tensor]
# What mmdet's weights for the shipped configs' detectors are called. Their
# host is gone; copies elsewhere are told by the name, which ends in their
# sha256.
WEIGHTS = dict(
    DETR='detr_r50_8xb2-150e_coco_20221023_153551-436d03e8.pth',
    DABDETR='dab-detr_r50_8xb2-50e_coco_20221122_120837-c1035c8c.pth',
    DINO='dino-4scale_r50_8xb2-12e_coco_20221202_182705-55b2bba2.pth',
    RTMDet='rtmdet_m_8xb32-300e_coco_20220719_112220-229f527c.pth',
    YOLOX='yolox_s_8x8_300e_coco_20211121_095711-4592a793.pth',
)
# Of these, weights elsewhere can be converted.
CONVERTED = ('DETR', 'DeformableDETR', 'FasterRCNN')


def config_hash(cfg: Optional[dict]) -> Optional[str]:
    """Hash of what a part computes by config: not how it is initialised.

    Args:
        cfg (dict, optional): A part's config.

    Returns:
        str, optional: sha256 in hex; None for None.
    """
    if cfg is None:
        return None

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                k: strip(v)
                for k, v in value.items()
                if k not in ('init_cfg', 'train_cfg')
            }
        return (
            list(map(strip, value))
            if isinstance(value, (list, tuple))
            else value
        )

    text = json.dumps(strip(cfg), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class FrozenDetector(nn.Module):
    """Any mmdet detector, frozen, speaking a vocabulary's labels.

    Args:
        detector (dict): Config of an mmdet detector. Its data_preprocessor is
            adopted by :class:`CLHOI` and not built here, but it tells the
            detector from others.
        vocabulary (HOIVocabulary): Whose object labels come out.
        checkpoint (str, optional): Path of the detector's weights. They are
            verified: mmengine loads non-strictly and never initialises a
            model that is tested, so that a missing file would otherwise test
            as random weights without a word.
        classes (str or Sequence[str], optional): The detector's class names,
            or 'coco'. Defaults to those that its checkpoint states.
        remember (int): Views of training images whose maps and detections
            are kept in memory, see :class:`FeatureCache`. For small data
            sets with little augmentation. Defaults to 0.
        allow_random (bool): Go on with random weights where there is no
            checkpoint, for tests and speed measurements.
    """

    def __init__(
        self,
        detector: dict,
        vocabulary: HOIVocabulary,
        checkpoint: Optional[str] = None,
        classes: Union[str, Sequence[str], None] = None,
        remember: int = 0,
        allow_random: bool = False,
    ) -> None:
        super().__init__()
        cfg = copy.deepcopy(detector)
        self.config_hash = config_hash(cfg)
        self._weights_hash: Optional[str] = None
        cfg.pop('data_preprocessor', None)
        self.model: BaseModel = MODELS.build(cfg)
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
                classes = self._stated_classes(loaded.get('meta', {}))
        if classes is not None:
            self.label_map = self.map_labels(classes)
        self.memory = None
        if remember and self.loaded:
            self.memory = FeatureCache.of(checkpoint, remember)
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

    @staticmethod
    def _stated_classes(meta: dict) -> Optional[Sequence[str]]:
        """Class names as mmdet 3.x, 2.x or we write them."""
        return meta.get('dataset_meta', {}).get(
            'classes', meta.get('classes', meta.get('CLASSES'))
        )

    def map_labels(self, classes: Union[str, Sequence[str]]) -> Tensor:
        """Map the detector's labels to the vocabulary's by name.

        Raises:
            ValueError: If the vocabulary has an object that no class of the
                detector names.
        """
        if classes == 'coco':
            classes = CocoDataset.METAINFO['classes']
        names = {
            normalise_name(name): i
            for i, name in enumerate(self.vocabulary.objects)
        }
        labels = [names.get(normalise_name(name), -1) for name in classes]
        unmapped = [
            name
            for i, name in enumerate(self.vocabulary.objects)
            if i not in labels
        ]
        if unmapped:
            raise ValueError(
                f'the detector has no class for {", ".join(unmapped)} of the '
                f'vocabulary "{self.vocabulary.name}"; use a detector trained '
                'on these classes, or give detector_classes in its own '
                'spelling'
            )
        return torch.tensor(labels)

    def check_loaded(self) -> None:
        """Refuse to go on with random weights.

        Raises:
            FileNotFoundError: If neither the detector's checkpoint nor one
                of the whole model was loaded.
        """
        if self.loaded or self.allow_random:
            return
        given = (
            f'its checkpoint {self.checkpoint} does not exist'
            if self.checkpoint
            else 'no detector_checkpoint is given'
        )
        name = type(self.model).__name__
        source = ''
        if name in WEIGHTS:
            source += (
                f"; for the shipped config mmdet's own is "
                f'{WEIGHTS[name]}, of which a copy is needed since its '
                'host is gone'
            )
        if name in CONVERTED:
            source += (
                '; tools/model_converters makes one from weights that '
                'can be had, as docs/models.md says'
            )
        raise FileNotFoundError(
            f"the detector's weights were not loaded: {given}. Give an mmdet "
            f"checkpoint of {name} trained on the vocabulary's objects "
            f"(COCO's 80 for HICO-DET and V-COCO{source}), for example with "
            '--cfg-options model.detector_checkpoint=PATH, or test with a '
            'checkpoint of the whole model'
        )

    def featmap_spec(self) -> FeatmapSpec:
        """Channels and strides of its neck's maps."""
        return FeatmapSpec.of(self.model, self.model.extract_feat, 256)

    @property
    def identity(self) -> dict[str, str]:
        """What tells this detector from others: its type, and hashes of its
        config and its weights."""
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
            samples (Sequence[HOIDataSample]): What they come with is stated
                in their metainfo.

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
        """A checkpoint of the whole model brings the detector along."""
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
            # Other weights than those of the file: what they gave is stale.
            self.memory = FeatureCache(self.memory.size)
        if prefix + 'label_map' in state_dict:
            self.label_map = torch.empty_like(
                state_dict[prefix + 'label_map'], device=self.label_map.device
            )
        super()._load_from_state_dict(state_dict, prefix, *args)

    def train(self, mode: bool = True) -> 'FrozenDetector':
        """Stay in evaluation mode: frozen means its statistics too."""
        return super().train(False)

    @torch.no_grad()
    def extract_feat(
        self,
        inputs: Tensor,
        samples: Optional[Sequence[HOIDataSample]] = None,
        remember: bool = False,
    ) -> Feats:
        """Feature maps of the detector's neck, each (B, C, h, w).

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            samples (Sequence[HOIDataSample], optional): Where they come from;
                if they bring the maps, these are read.
            remember (bool): Use and keep what is remembered of them.

        Returns:
            Feats: The maps.
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
                'does not state them, so give model.detector_classes (a list '
                "of names, or 'coco')"
            )

    @contextmanager
    def _reusing(self, feats: Feats) -> Iterator[None]:
        """Let the detector's own predict run on maps computed before."""
        self.model.extract_feat = lambda inputs: feats
        try:
            yield
        finally:
            del self.model.extract_feat

    @torch.no_grad()
    def detect(
        self,
        inputs: Tensor,
        feats: Feats,
        samples: list[HOIDataSample],
    ) -> list[InstanceData]:
        """Run the detector's own predict on its maps.

        Once a view where these are remembered.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            feats (Feats): What :meth:`extract_feat` gave for them.
            samples (list[HOIDataSample]): Whose metainfo is read.

        Returns:
            list[InstanceData]: bboxes in input coordinates, labels of the
            vocabulary (-1 where it has none) and scores of each image; of a
            detector with queries also query_inds (n,) and states (n, C),
            which its decoder's last layer gave for these queries.
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
            self._reusing(feats),
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
