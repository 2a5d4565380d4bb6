"""Probability of yes from the first token's log-probabilities."""

import math
from typing import Dict, Optional

YES, NO = ('yes', 'Yes'), ('no', 'No')


def yes_probability(logprobs: Dict[str, float]) -> Optional[float]:
    """Compute the softmax over the tokens of yes and no.

    Args:
        logprobs (Dict[str, float]): Log-probability, or logit, of each first
            token, white space around it allowed.

    Returns:
        float, optional: Probability of yes; None where no such word is
        among the tokens.
    """
    sums = dict.fromkeys((YES, NO), 0.0)
    scores = {token.strip(): [] for token in logprobs}
    for token, value in logprobs.items():
        scores[token.strip()].append(value)
    found = [
        value
        for tokens in sums
        for word in tokens
        for value in scores.get(word, ())
    ]
    if not found or max(found) == -math.inf:
        return None
    for tokens in sums:
        sums[tokens] = sum(
            math.exp(value - max(found))
            for word in tokens
            for value in scores.get(word, ())
        )
    return sums[YES] / (sums[YES] + sums[NO])
