"""Probabilities of bags of pairs, of which words say something as a whole."""

import math
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor

# Below it a probability has no logarithm worth learning from.
_TINY = 1e-30


def _log_miss(logits: Tensor, weight: Tensor) -> Tensor:
    """log(1 - weight * sigmoid(logit)), exact however sure the model is."""
    return torch.logaddexp(
        F.logsigmoid(-logits), torch.log1p(-weight) + F.logsigmoid(logits)
    )


def log_none(
    logits: Tensor, weight: Tensor, bag: Tensor, num_bags: int
) -> Tensor:
    """Log-probability that no member of a bag says yes.

    log(1 - weight * sigmoid(logit)), summed over the bag: exact and with a
    gradient however sure the model is.

    Args:
        logits (Tensor): Of the members, (P,) or (P, C).
        weight (Tensor): What a member's yes is worth, in [0, 1], broadcast to
            the logits.
        bag (Tensor): Bag of each member, (P,).
        num_bags (int): Number of bags N.

    Returns:
        Tensor: (N,) or (N, C); 0 for an empty bag.
    """
    miss = _log_miss(logits, weight)
    return miss.new_zeros(num_bags, *miss.shape[1:]).index_add(0, bag, miss)


def log_some(
    logits: Tensor, weight: Tensor, bag: Tensor, none: Tensor, further: float
) -> Tensor:
    """Log-likelihood that members of a bag say yes, the fewer the likelier.

    The sum over all sets of members that may be those who say yes, where each
    beyond the first makes a set `further` times as likely:
    (prod(1 - p + further * p) - prod(1 - p)) / further. With 1 it is the
    probability of any yes (noisy-or), near 0 that of exactly one, and members
    that explain nothing are pushed down.

    Args:
        logits (Tensor): Of the members, (P,) or (P, C).
        weight (Tensor): What a member's yes is worth, in [0, 1], broadcast to
            the logits.
        bag (Tensor): Bag of each member, (P,).
        none (Tensor): What :func:`log_none` gives for them, (N,) or (N, C).
        further (float): In (0, 1].

    Returns:
        Tensor: As `none`; hugely negative for an empty bag.
    """
    log_odds = (
        weight.clamp(min=_TINY).log()
        + F.logsigmoid(logits)
        - _log_miss(logits, weight)
    )
    # log(prod(1 - p + further * p) / prod(1 - p)).
    gain = torch.zeros_like(none).index_add(
        0, bag, F.softplus(math.log(further) + log_odds)
    )
    return (
        none
        + gain
        + torch.log((-torch.expm1(-gain)).clamp(min=_TINY))
        - math.log(further)
    )


def soft_cross_entropy(
    log_no: Tensor, target: Tensor, log_yes: Optional[Tensor] = None
) -> Tensor:
    """Binary cross-entropy from logarithms of probabilities.

    Args:
        log_no (Tensor): Logarithm of the probability of no.
        target (Tensor): In [0, 1], of the same shape.
        log_yes (Tensor, optional): Logarithm of the likelihood of yes.
            Defaults to that of not no.

    Returns:
        Tensor: Of the same shape.
    """
    if log_yes is None:
        log_yes = torch.log((-torch.expm1(log_no)).clamp(min=_TINY))
    return -(target * log_yes + (1 - target) * log_no)
