"""What two students think of the same pairs, taken together."""

from dataclasses import replace

import torch
from torch import Tensor

from ..task_modules import PairBatch
from .interaction_cognition_network import PairPredictions, logit_and
from .phrase_classifier import PhraseClassifier


def exchange(
    interactiveness: Tensor,
    classes: PairPredictions,
    phrases: PhraseClassifier,
) -> PairPredictions:
    """Score pairs by somebody else's view of who interacts.

    Args:
        interactiveness (Tensor): Logits that it is this pair that does
            something, (P, C) or (P, 1).
        classes (PairPredictions): Who says what a pair does if it interacts.
        phrases (PhraseClassifier): The vocabulary.

    Returns:
        PairPredictions: With the scores of both.
    """
    logits = logit_and(interactiveness, classes.class_logits)
    return replace(
        classes,
        interactiveness=interactiveness,
        logits=phrases.score_no_interaction(logits, classes.valid),
    )


def choose_within(
    strength: PairPredictions, choice: PairPredictions, pairs: PairBatch
) -> Tensor:
    """How sure one is that somebody does it, and who by another.

    Of each image and class, the pairs that speak of its object are as
    probable beside each other as `choice` has it; the best is as probable as
    the best of `strength`.

    Args:
        strength (PairPredictions): Of P pairs.
        choice (PairPredictions): Of the same pairs.
        pairs (PairBatch): The pairs.

    Returns:
        Tensor: Logits of being the pair that does it, (P, C).
    """
    valid = strength.valid
    image = pairs.pair_inds[:, None].expand_as(valid)

    def view(student: PairPredictions) -> tuple[Tensor, Tensor]:
        probable = student.interactiveness.double().sigmoid() * valid
        best = probable.new_zeros(pairs.num_images, valid.size(1))
        best = best.scatter_reduce(0, image, probable, 'amax')
        return probable, best[pairs.pair_inds]

    shares, best_share = view(choice)
    _, best = view(strength)
    probability = shares / best_share.clamp(min=1e-30) * best
    return torch.logit(probability, eps=1e-9).float()
