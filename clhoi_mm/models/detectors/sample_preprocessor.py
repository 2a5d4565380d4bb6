import torch
from mmengine.model import BaseDataPreprocessor

from clhoi_mm.registry import MODELS


@MODELS.register_module()
class SamplePreprocessor(BaseDataPreprocessor):
    """Data preprocessor that leaves images out, for models without them."""

    def forward(self, data: dict, training: bool = False) -> dict:
        """Move samples to the device.

        Args:
            data (dict): ``data_samples`` of a batch; ``inputs`` are dropped.
            training (bool): Has no effect.

        Returns:
            dict: Empty ``inputs``, (B, 0), and ``data_samples``.
        """
        samples = data['data_samples']
        # Loaders give them on the CPU; to look at each tensor takes time.
        if self.device.type != 'cpu':
            samples = self.cast_data(samples)
        return dict(
            inputs=torch.zeros(len(samples), 0, device=self.device),
            data_samples=samples,
        )
