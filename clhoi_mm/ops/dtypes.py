"""Dtypes of torchvision's operators."""

import torch
from torch import Tensor


def to_supported(values: Tensor) -> Tensor:
    """Convert to a dtype of torchvision's kernels.

    float32 and float64 are kept, and float16 on a GPU; other dtypes
    (bfloat16, integers) become float32.
    """
    supported = [torch.float32, torch.float64]
    if values.is_cuda:
        supported.append(torch.float16)
    return values if values.dtype in supported else values.float()
