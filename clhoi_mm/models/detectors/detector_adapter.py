from typing import Any, Mapping, Optional, Sequence

from mmengine.structures import InstanceData
from torch import Tensor, nn

from clhoi_mm.registry import MODELS
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.vocabulary import HOIVocabulary

from .featmap_spec import FeatmapSpec

Feats = Sequence[Tensor]


class DetectorAdapter(nn.Module):
    """Interface between :class:`CLHOI` and a source of detections.

    A subclass is registered in ``MODELS``; beside its own options its
    constructor takes ``vocabulary``, whose labels its detections have, and
    ``data_preprocessor``, that of the model's config.

    Attributes:
        preprocessor_cfg (dict, optional): Config of the data preprocessor
            that the model uses.
    """

    preprocessor_cfg: Optional[dict]

    def extract_feat(
        self,
        inputs: Tensor,
        samples: Optional[Sequence[HOIDataSample]] = None,
        remember: bool = False,
    ) -> Feats:
        """Compute feature maps, each (B, C, h, w), of images (B, 3, H, W).

        ``remember`` allows a memory to keep and to give them.
        """
        raise NotImplementedError

    def detect(
        self, inputs: Tensor, feats: Feats, samples: list[HOIDataSample]
    ) -> list[InstanceData]:
        """Detect objects from the maps of :meth:`extract_feat`.

        Returns:
            list[InstanceData]: bboxes in input coordinates, labels of the
            vocabulary (-1 where it has none) and scores of each image.
        """
        raise NotImplementedError

    def featmap_spec(self) -> FeatmapSpec:
        """Look up channels and strides of the maps."""
        raise NotImplementedError

    def loss(
        self, inputs: Tensor, feats: Feats, samples: list[HOIDataSample]
    ) -> dict[str, Tensor]:
        """Compute the detector's own losses, none unless it is trained."""
        return {}

    def check_loaded(self) -> None:
        """Refuse to go on without the detector's weights."""

    def check_made(self, samples: Sequence[HOIDataSample]) -> None:
        """Refuse detections and features that another detector made."""

    def check_readers(self, readers: Mapping[str, Any]) -> None:
        """Refuse options of the model, by name, that read missing maps."""


def build_detector(
    cfg: Optional[dict],
    vocabulary: HOIVocabulary,
    data_preprocessor: Optional[dict] = None,
) -> DetectorAdapter:
    """Build the adapter that ``model.detector`` configures.

    Args:
        cfg (dict): Config of a :class:`DetectorAdapter`.
        vocabulary (HOIVocabulary): The model's vocabulary.
        data_preprocessor (dict, optional): The model's data preprocessor.

    Raises:
        ValueError: If it is the config of something else.
    """
    kind = MODELS.get(cfg['type']) if cfg else None
    if not (isinstance(kind, type) and issubclass(kind, DetectorAdapter)):
        given = f"dict(type='{cfg['type']}', ...)" if cfg else cfg
        raise ValueError(
            f'model.detector is {given}, which is no adapter of a detector; '
            "give dict(type='FrozenDetector', detector=..., checkpoint=...) "
            "with the detector's config in it, dict(type='JointDetector', "
            "...), or dict(type='PrecomputedDetections') for samples that "
            'bring their detections'
        )
    return MODELS.build(
        dict(cfg, vocabulary=vocabulary, data_preprocessor=data_preprocessor)
    )
