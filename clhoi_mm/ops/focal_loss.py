"""Sigmoid and softmax focal loss (arXiv 1708.02002) with their gradients."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# Lower bound of probabilities that keeps logarithms finite.
MIN_LOG = math.log(torch.finfo(torch.float32).tiny)


def sigmoid_focal_loss_forward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    output: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Compute the focal loss of each logit.

    Args:
        input (Tensor): (N, C), logits.
        target (Tensor): (N,), int64, class of each row, C for background.
        weight (Tensor): (C,), weight of each row by its class, or empty.
            Background has weight 1.
        output (Tensor): (N, C), is filled.
        gamma (float): Exponent of the focus.
        alpha (float): Weight of positives, 1 - alpha that of negatives.
    """
    p, log_p, log_not_p = _probabilities(input)
    positive = -alpha * (1 - p) ** gamma * log_p
    negative = (alpha - 1) * p**gamma * log_not_p
    loss = torch.where(_one_hot(target, input), positive, negative)
    output.copy_(loss * _row_weights(weight, target)[:, None])


def sigmoid_focal_loss_backward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    grad_input: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Compute the derivative of each focal loss by its logit.

    Args:
        input (Tensor): (N, C), logits.
        target (Tensor): (N,), int64.
        weight (Tensor): (C,) or empty.
        grad_input (Tensor): (N, C), is filled.
        gamma (float): Exponent of the focus.
        alpha (float): Weight of positives.
    """
    p, log_p, log_not_p = _probabilities(input)
    not_p = 1 - p
    positive = -alpha * not_p**gamma * (not_p - gamma * p * log_p)
    negative = (alpha - 1) * p**gamma * (gamma * not_p * log_not_p - p)
    grad = torch.where(_one_hot(target, input), positive, negative)
    grad_input.copy_(grad * _row_weights(weight, target)[:, None])


def softmax_focal_loss_forward(
    softmax: Tensor,
    target: Tensor,
    weight: Tensor,
    output: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Compute the focal loss of each row's class.

    Args:
        softmax (Tensor): (N, C), probabilities.
        target (Tensor): (N,), int64; negative for rows without a loss.
        weight (Tensor): (C,) or empty.
        output (Tensor): (N,), is filled.
        gamma (float): Exponent of the focus.
        alpha (float): Weight of all rows.
    """
    p, log_p = _target_probabilities(softmax, target)
    loss = -alpha * (1 - p) ** gamma * log_p
    output.copy_(loss * (target >= 0) * _row_weights(weight, target))


def softmax_focal_loss_backward(
    softmax: Tensor,
    target: Tensor,
    weight: Tensor,
    buff: Tensor,
    grad_input: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Compute the derivative of each row's loss by its logits.

    Args:
        softmax (Tensor): (N, C), probabilities.
        target (Tensor): (N,), int64; negative for rows without a loss.
        weight (Tensor): (C,) or empty.
        buff (Tensor): (N,), is filled with the loss's derivative by the
            class's log-probability.
        grad_input (Tensor): (N, C), is filled.
        gamma (float): Exponent of the focus.
        alpha (float): Weight of all rows.
    """
    p, log_p = _target_probabilities(softmax, target)
    focus = (1 - p) ** gamma
    slope = alpha * (gamma * (1 - p) ** (gamma - 1) * p * log_p - focus)
    # At p = 1 the power may be infinite; its product with log_p = 0 is 0.
    slope = torch.where(p < 1, slope, -alpha * focus)
    buff.copy_(slope * (target >= 0) * _row_weights(weight, target))
    one_hot = _one_hot(target, softmax).to(softmax.dtype)
    grad_input.copy_(buff[:, None] * (one_hot - softmax))


def _probabilities(logits: Tensor) -> tuple:
    logits = logits if logits.dtype == torch.float64 else logits.float()
    log_p = F.logsigmoid(logits).clamp(min=MIN_LOG)
    log_not_p = F.logsigmoid(-logits).clamp(min=MIN_LOG)
    return logits.sigmoid(), log_p, log_not_p


def _target_probabilities(softmax: Tensor, target: Tensor) -> tuple:
    softmax = softmax if softmax.dtype == torch.float64 else softmax.float()
    p = softmax.gather(1, target.clamp(min=0)[:, None]).squeeze(1)
    return p, p.log().clamp(min=MIN_LOG)


def _one_hot(target: Tensor, like: Tensor) -> Tensor:
    classes = torch.arange(like.size(1), device=like.device)
    return target[:, None] == classes


def _row_weights(weight: Tensor, target: Tensor) -> Tensor:
    if not len(weight):
        return weight.new_ones(len(target))
    # Background (C) and ignored rows (below 0) have no class weight.
    weight = torch.cat([weight, weight.new_ones(1)])
    return weight[torch.where(target < 0, len(weight) - 1, target)]
