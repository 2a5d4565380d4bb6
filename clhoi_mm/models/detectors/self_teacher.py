import copy
from typing import Optional

import torch
from torch import nn


class SelfTeacher:
    """The student of the last round, which helps to teach that of the next.

    Self-distillation as of born-again networks (Furlanello et al., 2018): a
    student that begins anew learns what its self-teacher, having heard the
    words of all images, makes of those of each.

    It is no module: it is no part of the model, learns nothing and is not
    saved among the model's weights. :class:`SelfDistillHook` keeps it in
    checkpoints.

    Args:
        vlt (nn.Module, optional): The VLT to be copied.
        icn (nn.Module): The ICN to be copied.
    """

    def __init__(self, vlt: Optional[nn.Module], icn: nn.Module) -> None:
        self.vlt = None if vlt is None else self._still(vlt)
        self.icn = self._still(icn)

    @staticmethod
    def _still(part: nn.Module) -> nn.Module:
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
