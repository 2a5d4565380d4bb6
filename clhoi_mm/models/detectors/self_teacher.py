import copy
from typing import Optional

import torch
from torch import nn

from .student import Student


class SelfTeacher(Student):
    """Frozen copy of the student of the last round of self-distillation.

    As in born-again networks (Furlanello et al., 2018, arXiv 1805.04770), a
    re-initialized student is trained on the previous student's posteriors.
    The copy is no part of the model and not among its weights;
    :class:`SelfDistillHook` keeps it in checkpoints.

    Args:
        vlt (nn.Module, optional): The VLT to be copied.
        icn (nn.Module): The ICN to be copied.
    """

    def __init__(self, vlt: Optional[nn.Module], icn: nn.Module) -> None:
        super().__init__(
            None if vlt is None else self._freeze(vlt), self._freeze(icn)
        )

    @staticmethod
    def _freeze(part: nn.Module) -> nn.Module:
        return copy.deepcopy(part).requires_grad_(False).eval()

    def state_dict(self) -> dict[str, dict[str, torch.Tensor]]:
        """Weights of its parts."""
        return {
            name: part.state_dict()
            for name, part in (('vlt', self.vlt), ('icn', self.icn))
            if part is not None
        }

    def load_state_dict(self, state: dict[str, dict]) -> None:
        """Take the weights that :meth:`state_dict` gave."""
        self.icn.load_state_dict(state['icn'])
        if self.vlt is not None:
            self.vlt.load_state_dict(state['vlt'])
