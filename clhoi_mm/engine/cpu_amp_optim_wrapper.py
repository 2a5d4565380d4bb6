from contextlib import contextmanager
from typing import Iterator

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from clhoi_mm.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """Optimizer wrapper for mixed precision on the CPU.

    Uses bfloat16, which needs no loss scaling; mmengine's ``AmpOptimWrapper``
    does not support the CPU.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Apply autocast to a forward pass; see the base class.

        Args:
            model (nn.Module): The model.
        """
        with (
            super().optim_context(model),
            torch.autocast('cpu', torch.bfloat16),
        ):
            yield
