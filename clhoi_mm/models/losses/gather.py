import torch
import torch.distributed
import torch.distributed.nn
from mmengine.dist import get_rank, get_world_size
from torch import Tensor


def gather_rows(x: Tensor) -> tuple[Tensor, int]:
    """Concatenate a batch's rows over processes, with gradients.

    Every process must hold as many rows, which mmengine's samplers see to.

    Args:
        x (Tensor): (B, ...).

    Returns:
        tuple[Tensor, int]: (world size * B, ...) and where this process's
        own rows begin.
    """
    if get_world_size() == 1:
        return x, 0
    if x.requires_grad:
        rows = torch.distributed.nn.all_gather(x.contiguous())
    else:
        rows = [torch.empty_like(x) for _ in range(get_world_size())]
        torch.distributed.all_gather(rows, x.contiguous())
    return torch.cat(tuple(rows)), get_rank() * x.size(0)
