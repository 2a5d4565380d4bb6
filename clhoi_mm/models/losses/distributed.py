import torch
import torch.distributed as dist
from mmengine.dist import all_reduce, get_rank, get_world_size
from torch import Tensor


class _GatherRows(torch.autograd.Function):
    """All-gather whose gradient is summed over processes.

    torch.distributed.nn.all_gather returns wrong gradients for non-contiguous
    incoming gradients.
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


def all_gather_with_grad(x: Tensor) -> tuple[Tensor, int]:
    """Concatenate a batch's rows over processes, with gradients.

    Every process must hold as many rows, which mmengine's samplers ensure.

    Args:
        x (Tensor): (B, ...).

    Returns:
        tuple[Tensor, int]: (world size * B, ...) and the index of this
        process's first row.
    """
    if get_world_size() == 1:
        return x, 0
    return _GatherRows.apply(x.contiguous()), get_rank() * x.size(0)


def distributed_weighted_mean(
    values: Tensor, weights: Tensor, at_least: float = 1.0
) -> Tensor:
    """Weighted mean over all processes, scaled for gradient averaging.

    DistributedDataParallel averages gradients over processes. The mean of the
    returned values over processes is the weighted mean over all batches, so
    that gradients equal those of one process with all of them, however
    unevenly the weights are distributed. A local mean would weigh labels of
    sparsely labeled batches more.

    Args:
        values (Tensor): Values of this process.
        weights (Tensor): Weights of the values, of the same shape.
        at_least (float): Lower bound of the sum of all weights.

    Returns:
        Tensor: A scalar whose mean over processes is the weighted mean.
    """
    total = weights.detach().sum().float()
    all_reduce(total)
    total = total.clamp(min=at_least) / get_world_size()
    return (values * weights).sum() / total
