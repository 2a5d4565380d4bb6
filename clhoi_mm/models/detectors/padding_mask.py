from typing import Optional, Sequence

import torch
from torch import Tensor

from clhoi_mm.structures import HOIDataSample


def padding_mask(
    samples: Sequence[HOIDataSample],
    shape: tuple[int, int],
    device: torch.device,
) -> Optional[Tensor]:
    """Mark padding below and to the right of images.

    Args:
        samples (Sequence[HOIDataSample]): Their ``img_shape`` is read.
        shape (tuple): Height and width of the padded batch.
        device (torch.device): Device of the mask.

    Returns:
        Tensor: True where the batch is padded, (B, H, W), or None if no
        image is.
    """
    shapes = [s.img_shape[:2] for s in samples]
    if all(h >= shape[0] and w >= shape[1] for h, w in shapes):
        return None
    sizes = torch.tensor(shapes).to(device)
    below, right = (
        (torch.arange(length, device=device) >= sizes[:, axis, None]).byte()
        for axis, length in enumerate(shape)
    )
    # Of bytes, since that of booleans is not vectorized.
    return torch.maximum(below[:, :, None], right[:, None]).bool()
