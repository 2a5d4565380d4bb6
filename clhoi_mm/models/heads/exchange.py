"""Combination of two students' predictions for the same pairs."""

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
    """Combine one student's interactiveness with another's classification.

    Args:
        interactiveness (Tensor): Interactiveness logits, (P, C) or (P, 1).
        classes (PairPredictions): Predictions whose class logits are used.
        phrases (PhraseClassifier): The vocabulary's phrases.

    Returns:
        PairPredictions: `classes` with interactiveness and logits replaced.
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
    """Rescale one student's interactiveness to another's image-level maximum.

    Within an image and class, the ratios between pairs are those of `choice`;
    the maximum is that of `strength`.

    Args:
        strength (PairPredictions): Predictions for P pairs that give the
            maximum.
        choice (PairPredictions): Predictions for the same pairs that give
            the ratios.
        pairs (PairBatch): The pairs.

    Returns:
        Tensor: Interactiveness logits, (P, C).
    """
    valid = strength.valid
    image = pairs.pair_inds[:, None].expand_as(valid)

    def probs_and_max(student: PairPredictions) -> tuple[Tensor, Tensor]:
        probs = student.interactiveness.double().sigmoid() * valid
        maximum = probs.new_zeros(pairs.num_images, valid.size(1))
        maximum = maximum.scatter_reduce(0, image, probs, 'amax')
        return probs, maximum[pairs.pair_inds]

    choice_probs, choice_max = probs_and_max(choice)
    _, maximum = probs_and_max(strength)
    probability = choice_probs / choice_max.clamp(min=1e-30) * maximum
    return torch.logit(probability, eps=1e-9).float()
