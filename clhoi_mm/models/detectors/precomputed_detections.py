from typing import Any, NoReturn, Optional, Sequence

from mmengine.structures import InstanceData

from clhoi_mm.registry import MODELS
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.vocabulary import HOIVocabulary

from .detector_adapter import DetectorAdapter


@MODELS.register_module()
class PrecomputedDetections(DetectorAdapter):
    """Detections that samples bring, in place of a detector.

    There are no maps, and parts that read maps are refused.

    Args:
        vocabulary (HOIVocabulary): Not read; labels are its own.
        data_preprocessor (dict, optional): Config of the model's data
            preprocessor. Defaults to None: images are left out.
    """

    def __init__(
        self,
        vocabulary: Optional[HOIVocabulary] = None,
        data_preprocessor: Optional[dict] = None,
    ) -> None:
        super().__init__()
        self.preprocessor_cfg = data_preprocessor or dict(
            type='SamplePreprocessor'
        )

    def check_readers(
        self, vlt: Optional[dict], icn: dict, visual_encoder: Optional[dict]
    ) -> None:
        """Refuse parts that read maps.

        Args:
            vlt (dict, optional): Config of the VLT.
            icn (dict): Config of the ICN.
            visual_encoder (dict, optional): Config of the visual encoder.

        Raises:
            ValueError: If one reads maps.
        """
        readers = {
            'vlt': vlt,
            'icn.roi_extractor': icn.get('roi_extractor'),
            'icn.query_embed_channels': icn.get('query_embed_channels'),
            'visual_encoder': visual_encoder,
        }
        given = [name for name, value in readers.items() if value]
        if given:
            raise ValueError(
                'model.detector is PrecomputedDetections, and '
                f'{", ".join(given)} '
                f'{"needs" if len(given) == 1 else "need"} a detector or its '
                "maps; give model.detector=dict(type='FrozenDetector', ...), "
                f'or set {", ".join(f"model.{name}=None" for name in given)}'
            )

    def extract_feat(self, *args, **kwargs) -> tuple:
        """Return no maps."""
        return ()

    def detect(
        self,
        inputs: Any,
        feats: Any,
        samples: Sequence[HOIDataSample],
    ) -> list[InstanceData]:
        """Report a sample without detections.

        Raises:
            ValueError: Always.
        """
        without = next(s for s in samples if s.get('detections') is None)
        raise ValueError(
            f'image {without.get("img_path", without.get("img_id"))} comes '
            'without detections, and model.detector is '
            "PrecomputedDetections; put LoadDetections(source='ground_truth') "
            'or one with a file into the pipeline, right after '
            'LoadHOIAnnotations, or give model.detector=dict(type='
            "'FrozenDetector', ...)"
        )

    def featmap_spec(self) -> NoReturn:
        """Report that there are no maps.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            'model.detector is PrecomputedDetections: vlt, icn.roi_extractor '
            'and icn.query_embed_channels need the maps of a detector'
        )
