import torch
import torch.distributed as dist
from mmengine.dist import get_rank, get_world_size
from torch import Tensor


class _GatherRows(torch.autograd.Function):
    """All-gather whose gradient is summed over processes.

    torch.distributed.nn.all_gather returns wrong gradients where those that
    come in are not contiguous.
    """

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        rows = [torch.empty_like(x) for _ in range(get_world_size())]
        dist.all_gather(rows, x)
        return torch.cat(rows)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        grad = grad.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(grad)
        return grad.chunk(get_world_size())[get_rank()]


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
    return _GatherRows.apply(x.contiguous()), get_rank() * x.size(0)
