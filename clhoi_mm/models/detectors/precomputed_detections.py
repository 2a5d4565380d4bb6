from typing import Any, Mapping, NoReturn, Sequence

from mmengine.structures import InstanceData
from torch import nn

from clhoi_mm.structures import HOIDataSample


class PrecomputedDetections(nn.Module):
    """In the place of a detector where samples bring their detections.

    There are no maps: whatever reads them cannot be used.

    Args:
        options (Mapping[str, Any]): Options of the model that need a
            detector, by name; none may be set.

    Raises:
        ValueError: One is set.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        given = [name for name, value in options.items() if value]
        if given:
            raise ValueError(
                f'model.detector is None, and {", ".join(given)} '
                f'{"needs" if len(given) == 1 else "need"} a detector or its '
                'maps; give model.detector, or set '
                f'{", ".join(f"model.{name}=None" for name in given)}'
            )

    def extract_feat(self, *args, **kwargs) -> tuple:
        """There are no maps."""
        return ()

    def detect(
        self,
        inputs: Any,
        feats: Any,
        samples: Sequence[HOIDataSample],
    ) -> list[InstanceData]:
        """There is nobody to ask.

        Raises:
            ValueError: Always.
        """
        without = next(s for s in samples if s.get('detections') is None)
        raise ValueError(
            f'image {without.get("img_path", without.get("img_id"))} comes '
            'without detections, and model.detector is None; put '
            "LoadDetections(source='ground_truth') or one with a file into "
            'the pipeline, right after LoadHOIAnnotations, or give '
            'model.detector'
        )

    def check_made(self, samples: Sequence[HOIDataSample]) -> None:
        """Detections may be anybody's."""

    def check_loaded(self) -> None:
        """There are no weights."""

    def featmap_spec(self) -> NoReturn:
        """There are no maps.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            'model.detector is None: vlt, icn.roi_extractor and '
            'icn.query_embed_channels need its maps'
        )
