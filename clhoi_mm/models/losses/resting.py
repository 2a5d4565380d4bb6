from typing import Iterable, Optional

import torch
from torch import Tensor, nn


def connect_resting(
    losses: dict[str, Tensor], parts: Iterable[Optional[nn.Module]]
) -> None:
    """Give parameters that no loss depends on a gradient of zero.

    DistributedDataParallel waits for the gradient of every parameter.

    Args:
        losses (dict[str, Tensor]): Its first loss is connected, in place.
        parts (Iterable[nn.Module]): Parts of the model, or None.
    """
    sums = [
        p.sum()
        for part in parts
        if part is not None
        for p in part.parameters()
        if p.requires_grad
    ]
    if sums:
        first = next(k for k in losses if k.startswith('loss'))
        losses[first] = losses[first] + torch.stack(sums).sum() * 0.0
