import math

import torch
from torch import Tensor


def sine_encoding(axes: list[Tensor], num_feats: int) -> tuple[Tensor, ...]:
    """Encode normalized positions along axes by sines and cosines.

    The encoding of DETR (arXiv 2005.12872), as mmdet's
    ``SinePositionalEncoding(normalize=True)`` computes it for each axis.

    Args:
        axes (list[Tensor]): For each axis the position of each cell, from 1,
            and in the last cell the length of the image, (B, L), float32.
        num_feats (int): Width of the encoding, even.

    Returns:
        tuple[Tensor, ...]: For each axis (B, L, num_feats), float32.
    """
    position = torch.cat(
        [axis / (axis[:, -1:] + 1e-6) for axis in axes], 1
    ) * (2 * math.pi)
    exponent = torch.arange(0, num_feats, 2, device=position.device)
    angle = position[..., None] * 10000 ** (exponent / -num_feats)
    encoding = torch.stack([angle.sin(), angle.cos()], -1).flatten(2)
    return encoding.split([axis.size(1) for axis in axes], 1)
