from typing import Optional, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor

from clhoi_mm.registry import MODELS
from clhoi_mm.structures import HOIDataSample

from .cached_feats import CachedFeats
from .featmap_spec import FeatmapSpec

# Options that change pixels, under mmdet's and mmpretrain's names.
NORMALIZATION = ('type', 'mean', 'std', 'bgr_to_rgb', 'to_rgb')


class VisualEncoder(BaseModule):
    """Backbone beside the detector, with a normalization of its own.

    Images reach the model normalized for the detector; they are mapped to the
    backbone's normalization exactly, since both are affine. Padding is zero
    for both.

    Args:
        backbone (dict): Config of a backbone of mmdet or mmpretrain that
            gives maps; ``data_preprocessor`` in it, as of the model that the
            backbone was trained in, states ``mean``, ``std`` and
            ``bgr_to_rgb`` (or ``to_rgb``). Without it the backbone
            gets the detector's images.
        detector_preprocessor (dict, optional): Data preprocessor of the
            detector.
    """

    def __init__(
        self, backbone: dict, detector_preprocessor: Optional[dict] = None
    ) -> None:
        super().__init__()
        backbone = dict(backbone)
        own = backbone.pop('data_preprocessor', None)
        self.backbone = MODELS.build(backbone)
        self.renormalizes = own is not None
        if own is None:
            return
        odd = [key for key in own if key not in NORMALIZATION]
        if odd:
            raise ValueError(
                f'visual_encoder.data_preprocessor has {", ".join(odd)}; it '
                f'may have {", ".join(NORMALIZATION[1:])}, the rest is the '
                "detector's"
            )
        theirs = detector_preprocessor or {}
        mean, std, swapped = self._normalization(theirs)
        own_mean, own_std, own_swapped = self._normalization(own)
        self.swap = swapped != own_swapped
        if self.swap:
            mean, std = mean.flip(0), std.flip(0)
        # own = (theirs * std + mean - own_mean) / own_std
        for name, value in (
            ('scale', std / own_std),
            ('shift', (mean - own_mean) / own_std),
        ):
            self.register_buffer(name, value[:, None, None], persistent=False)

    @staticmethod
    def _normalization(cfg: dict) -> tuple[Tensor, Tensor, bool]:
        """Read mean, standard deviation, and whether channels are swapped."""
        mean = torch.tensor(cfg.get('mean') or [0.0] * 3)
        std = torch.tensor(cfg.get('std') or [1.0] * 3)
        swaps = ('bgr_to_rgb', 'rgb_to_bgr', 'to_rgb')
        return mean, std, any(cfg.get(key, False) for key in swaps)

    def featmap_spec(self) -> FeatmapSpec:
        """Look up channels and strides of the maps."""
        return FeatmapSpec.of(self, self, 224)

    def renormalize(
        self, inputs: Tensor, samples: Optional[Sequence[HOIDataSample]]
    ) -> Tensor:
        """Map images from the detector's normalization to the backbone's.

        Args:
            inputs (Tensor): Images, (B, 3, H, W).
            samples (Sequence[HOIDataSample], optional): Their ``img_shape``
                tells images from padding.

        Returns:
            Tensor: (B, 3, H, W).
        """
        if not self.renormalizes:
            return inputs
        if self.swap:
            inputs = inputs.flip(1)
        inputs = inputs * self.scale + self.shift
        if samples is None:
            return inputs
        sizes = torch.tensor([s.img_shape[:2] for s in samples]).to(inputs)
        inside = [
            torch.arange(length, device=inputs.device) < sizes[:, axis, None]
            for axis, length in enumerate(inputs.shape[-2:])
        ]
        inside = inside[0][:, None, :, None] & inside[1][:, None, None]
        return inputs.masked_fill(~inside, 0.0)

    def forward(
        self, inputs: Tensor, samples: Optional[Sequence[HOIDataSample]] = None
    ) -> Sequence[Tensor]:
        """Compute the maps of a batch.

        Args:
            inputs (Tensor): Images normalized for the detector, (B, 3, H, W).
            samples (Sequence[HOIDataSample], optional): Their samples.

        Returns:
            Sequence[Tensor]: Each (B, C, h, w).

        Raises:
            ValueError: If the backbone gives something else than maps, or the
                samples bring features in place of images.
        """
        if CachedFeats.views_of(samples) is not None:
            raise ValueError(
                'a visual_encoder needs the images; leave '
                'LoadDetectorFeatures out of the pipelines'
            )
        maps = self.backbone(self.renormalize(inputs, samples))
        maps = [maps] if isinstance(maps, Tensor) else maps
        shapes = [tuple(m.shape) for m in maps]
        if any(len(shape) != 4 for shape in shapes):
            raise ValueError(
                f'the visual_encoder {type(self.backbone).__name__} gives '
                f'{shapes} rather than maps (B, C, h, w); state '
                "out_type='featmap' for a vision transformer"
            )
        return maps
