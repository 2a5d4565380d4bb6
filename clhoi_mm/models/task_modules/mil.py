"""Multiple-instance likelihoods of bags of pairs, in log space."""

import math
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor

# Lower bound that keeps logarithms finite.
_TINY = 1e-30


def _log_prob_negative(logits: Tensor, weight: Tensor) -> Tensor:
    """Compute log(1 - weight * sigmoid(logit)) without cancellation."""
    return torch.logaddexp(
        F.logsigmoid(-logits), torch.log1p(-weight) + F.logsigmoid(logits)
    )


def log_prob_negative_bag(
    logits: Tensor, weight: Tensor, bag: Tensor, num_bags: int
) -> Tensor:
    """Log-probability that no instance of a bag is positive.

    log(1 - weight * sigmoid(logit)), summed over the bag; exact and with a
    gradient for saturated logits.

    Args:
        logits (Tensor): Instance logits, (P,) or (P, C).
        weight (Tensor): Instance weights in [0, 1], broadcast to the logits.
        bag (Tensor): Bag of each instance, (P,).
        num_bags (int): Number of bags N.

    Returns:
        Tensor: (N,) or (N, C); 0 for an empty bag.
    """
    log_neg = _log_prob_negative(logits, weight)
    return log_neg.new_zeros(num_bags, *log_neg.shape[1:]).index_add(
        0, bag, log_neg
    )


def instance_log_odds(logits: Tensor, weight: Tensor) -> Tensor:
    """Log-odds of weight * sigmoid(logit), without cancellation.

    Args:
        logits (Tensor): Instance logits, (P,) or (P, C).
        weight (Tensor): Instance weights in [0, 1], broadcast to the logits.
    """
    return (
        weight.clamp(min=_TINY).log()
        + F.logsigmoid(logits)
        - _log_prob_negative(logits, weight)
    )


def positive_bag_posterior(
    log_odds: Tensor, bag: Tensor, num_bags: int, extra_positive_prior: float
) -> Tensor:
    """Probability of each instance given that its bag is positive.

    Under the prior of :func:`log_prob_positive_bag`.

    Args:
        log_odds (Tensor): Log-odds of instances, (P,) or (P, C).
        bag (Tensor): Bag of each instance, (P,).
        num_bags (int): Number of bags N.
        extra_positive_prior (float): In (0, 1].

    Returns:
        Tensor: As `log_odds`.
    """
    logits = math.log(extra_positive_prior) + log_odds
    gain = logits.new_zeros(num_bags, *logits.shape[1:]).index_add(
        0, bag, F.softplus(logits)
    )
    return logits.sigmoid() / (-torch.expm1(-gain[bag])).clamp(min=_TINY)


def log_prob_positive_bag(
    logits: Tensor,
    weight: Tensor,
    bag: Tensor,
    log_neg: Tensor,
    extra_positive_prior: float,
    log_ratio: Optional[Tensor] = None,
) -> Tensor:
    """Log-likelihood of a positive bag with few positives.

    Sum over all non-empty sets of positive instances, where each instance
    beyond the first multiplies a set's likelihood by
    ``extra_positive_prior`` r: (prod(1 - p + r p) - prod(1 - p)) / r. With
    r = 1 this is noisy-or; as r approaches 0, exactly one instance is
    positive and the others are pushed down.

    Args:
        logits (Tensor): Instance logits, (P,) or (P, C).
        weight (Tensor): Instance weights in [0, 1], broadcast to the logits.
        bag (Tensor): Bag of each instance, (P,).
        log_neg (Tensor): :func:`log_prob_negative_bag` of the same instances,
            (N,) or (N, C).
        extra_positive_prior (float): In (0, 1].
        log_ratio (Tensor, optional): Log-likelihood ratio of evidence about
            each instance, added to its log-odds, as the logits. Defaults to
            None: there is none.

    Returns:
        Tensor: As `log_neg`; hugely negative for an empty bag.
    """
    log_odds = instance_log_odds(logits, weight)
    if log_ratio is not None:
        log_odds = log_odds + log_ratio
    # log(prod(1 - p + r p) / prod(1 - p)).
    gain = torch.zeros_like(log_neg).index_add(
        0, bag, F.softplus(math.log(extra_positive_prior) + log_odds)
    )
    return (
        log_neg
        + gain
        + torch.log((-torch.expm1(-gain)).clamp(min=_TINY))
        - math.log(extra_positive_prior)
    )


def bce_from_log_probs(
    log_neg: Tensor, target: Tensor, log_pos: Optional[Tensor] = None
) -> Tensor:
    """Binary cross-entropy from log-probabilities.

    Args:
        log_neg (Tensor): Log-probability of the negative.
        target (Tensor): In [0, 1], of the same shape.
        log_pos (Tensor, optional): Log-likelihood of the positive. Defaults
            to log(1 - exp(log_neg)).

    Returns:
        Tensor: Of the same shape.
    """
    if log_pos is None:
        log_pos = torch.log((-torch.expm1(log_neg)).clamp(min=_TINY))
    return -(target * log_pos + (1 - target) * log_neg)
