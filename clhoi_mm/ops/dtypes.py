"""Number formats in which torchvision's operators compute."""

import torch
from torch import Tensor


def to_supported(values: Tensor) -> Tensor:
    """Convert to a format of torchvision's kernels on the tensor's device.

    float32 and float64 stay as they are, float16 does on a GPU; everything
    else (bfloat16, integers) becomes float32.
    """
    supported = [torch.float32, torch.float64]
    if values.is_cuda:
        supported.append(torch.float16)
    return values if values.dtype in supported else values.float()
