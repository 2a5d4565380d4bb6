from typing import Sequence

import torch
from torch import Tensor

from clhoi_mm.structures import HOIDataSample


def padding_mask(
    samples: Sequence[HOIDataSample],
    shape: tuple[int, int],
    device: torch.device,
) -> Tensor:
    """Mark padding below and to the right of images.

    Args:
        samples (Sequence[HOIDataSample]): Their ``img_shape`` is read.
        shape (tuple): Height and width of the padded batch.
        device (torch.device): Device of the mask.

    Returns:
        Tensor: True where the batch is padded, (B, H, W).
    """
    sizes = torch.tensor([s.img_shape[:2] for s in samples]).to(device)
    below, right = (
        torch.arange(length, device=device) >= sizes[:, axis, None]
        for axis, length in enumerate(shape)
    )
    return below[:, :, None] | right[:, None]
