from typing import Optional, Sequence

from mmengine.structures import InstanceData
from torch import Tensor, nn

from clhoi_mm.registry import MODELS
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.utils.errors import InputError
from clhoi_mm.vocabulary import HOIVocabulary

from .featmap_spec import FeatmapSpec
from .match_query_embeds import match_query_embeds

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

    def get_detections(
        self,
        inputs: Tensor,
        feats: Feats,
        samples: list[HOIDataSample],
        needs_query_embeds: bool = False,
    ) -> list[InstanceData]:
        """Get the samples' own detections, and the detector's of others.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            feats (Feats): Their maps, as :meth:`extract_feat` gave them.
            samples (list[HOIDataSample]): Perhaps with ``detections``.
            needs_query_embeds (bool): Give query embeddings to all
                detections, see :func:`match_query_embeds`.

        Returns:
            list[InstanceData]: As of :meth:`detect`.
        """
        self.check_made(samples)

        def lacks_embeds(own: InstanceData) -> bool:
            return needs_query_embeds and 'query_embeds' not in own

        given = [sample.get('detections') for sample in samples]
        if not any(own is None or lacks_embeds(own) for own in given):
            return given
        return [
            found
            if own is None
            else match_query_embeds(own, found)
            if lacks_embeds(own)
            else own
            for own, found in zip(given, self.detect(inputs, feats, samples))
        ]

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

    def check_readers(
        self, vlt: Optional[dict], icn: dict, visual_encoder: Optional[dict]
    ) -> None:
        """Refuse configs of parts that read maps if there are none."""


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
        InputError: If it is the config of something else.
    """
    is_cfg = isinstance(cfg, dict) and 'type' in cfg
    kind = MODELS.get(cfg['type']) if is_cfg else None
    if not (isinstance(kind, type) and issubclass(kind, DetectorAdapter)):
        given = f"dict(type='{cfg['type']}', ...)" if is_cfg else repr(cfg)
        raise InputError(
            f'model.detector is {given}, which is no adapter of a detector; '
            "give dict(type='FrozenDetector', detector=..., checkpoint=...) "
            "with the detector's config in it, dict(type='JointDetector', "
            "...), or dict(type='PrecomputedDetections') for samples that "
            'bring their detections'
        )
    return MODELS.build(
        dict(cfg, vocabulary=vocabulary, data_preprocessor=data_preprocessor)
    )
