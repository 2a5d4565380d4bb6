import torch
from mmengine.model import BaseDataPreprocessor

from clhoi_mm.registry import MODELS


@MODELS.register_module()
class SamplePreprocessor(BaseDataPreprocessor):
    """Hands samples on and leaves images out, for models that see none."""

    def forward(self, data: dict, training: bool = False) -> dict:
        """Move samples to the device.

        Args:
            data (dict): ``data_samples`` of a batch; ``inputs`` are dropped.
            training (bool): Is of no effect.

        Returns:
            dict: ``inputs``, without content, (B, 0), and ``data_samples``.
        """
        samples = data['data_samples']
        # Loaders give them on the CPU; to look at each tensor takes time.
        if self.device.type != 'cpu':
            samples = self.cast_data(samples)
        return dict(
            inputs=torch.zeros(len(samples), 0, device=self.device),
            data_samples=samples,
        )
