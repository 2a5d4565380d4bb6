import torch
from torch import Tensor

from clhoi_mm.registry import TASK_UTILS


@TASK_UTILS.register_module()
class PlattScaling:
    """Logistic calibration of the scores of triplets.

    tools/analysis_tools/calibrate_scores.py fits the two numbers. The order
    of scores stays.

    Args:
        scale (float): Factor of the log-odds, above 0.
        bias (float): Added to the log-odds.
    """

    def __init__(self, scale: float, bias: float) -> None:
        if scale <= 0:
            raise ValueError(f'scale={scale} must be above 0')
        self.scale = scale
        self.bias = bias

    def __call__(self, scores: Tensor) -> Tensor:
        """Calibrate scores in [0, 1], of any shape."""
        scores = scores.clamp(1e-12, 1 - 1e-7)
        return (self.scale * torch.logit(scores) + self.bias).sigmoid()
