"""From what a model would say first to the probability of yes."""

import math
from typing import Dict, Optional

YES, NO = ('yes', 'Yes'), ('no', 'No')


def yes_probability(logprobs: Dict[str, float]) -> Optional[float]:
    """Softmax over the words for yes and no that the model considered.

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
        for words in sums
        for word in words
        for value in scores.get(word, ())
    ]
    if not found or max(found) == -math.inf:
        return None
    for words in sums:
        sums[words] = sum(
            math.exp(value - max(found))
            for word in words
            for value in scores.get(word, ())
        )
    return sums[YES] / (sums[YES] + sums[NO])
