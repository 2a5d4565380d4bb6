from dataclasses import dataclass
from typing import Optional

import torch
from torch import Tensor

from ..heads import PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from ..task_modules.mil import (
    instance_log_odds,
    log_prob_negative_bag,
    log_prob_positive_bag,
    positive_bag_posterior,
)


@dataclass
class PointedBags:
    """Bags of interactiveness, and the answers that point at their pairs.

    With verb-wise interactiveness a bag belongs to a class (K = C), else to
    an object category (K = 1), whose classes share the answers.

    Attributes:
        is_verbwise (bool): Whether bags belong to classes.
        inds (Tensor): Bag of each pair, (P,).
        num_bags (int): Number of bags N.
        scored (Tensor): Pairs that belong to the bag, (P, K), bool.
        size (Tensor): Number of pairs of a pair's bag, (P, K).
        pointed (Tensor): Answers that point at a pair of a bag with several,
            (P, K).
        logits (Tensor): Interactiveness logits, (P, K).
        weight (Tensor): Products of detection scores, (P, K).
        extra_positive_prior (float): See :func:`log_prob_positive_bag`.
    """

    is_verbwise: bool
    inds: Tensor
    num_bags: int
    scored: Tensor
    size: Tensor
    pointed: Tensor
    logits: Tensor
    weight: Tensor
    extra_positive_prior: float

    @classmethod
    def of(
        cls,
        pointed: Tensor,
        predictions: PairPredictions,
        pairs: PairBatch,
        classifier: PhraseClassifier,
        extra_positive_prior: float,
    ) -> 'PointedBags':
        """Form the bags of a batch.

        Args:
            pointed (Tensor): ``HOITargets.pointed``, (P, C).
            predictions (PairPredictions): The student's, of P pairs.
            pairs (PairBatch): The pairs of B images.
            classifier (PhraseClassifier): The vocabulary's phrases.
            extra_positive_prior (float): See :func:`log_prob_positive_bag`.
        """
        scored = predictions.valid & classifier.is_trainable
        inds, num_bags = pairs.pair_inds, pairs.num_images
        if not predictions.is_verbwise:
            num_objects = len(classifier.object_embeds)
            inds = inds * num_objects + pairs.object_labels
            num_bags *= num_objects
            pointed = (pointed * scored).amax(1, keepdim=True)
            scored = scored.any(1, keepdim=True)
        scores = pairs.human_scores * pairs.object_scores
        size = scores.new_zeros(num_bags, scored.size(1)).index_add(
            0, inds, scored.to(scores)
        )[inds]
        return cls(
            predictions.is_verbwise,
            inds,
            num_bags,
            scored,
            size,
            pointed * (scored & (size > 1)),
            # Zero weights leave rounding errors in extreme logits.
            predictions.interactiveness.detach().masked_fill(~scored, 0.0),
            scores[:, None] * scored,
            extra_positive_prior,
        )

    def sum(self, values: Tensor) -> Tensor:
        """Sum the values of a bag's pairs, (P, K) to (N, K)."""
        return values.new_zeros(self.num_bags, values.size(1)).index_add(
            0, self.inds, values
        )

    def posterior(self, log_ratio: Optional[Tensor] = None) -> Tensor:
        """Probability of each pair given that its bag is positive, (P, K).

        Args:
            log_ratio (Tensor, optional): Likelihood ratio of evidence about
                each pair, (P, K). Defaults to None: there is none.
        """
        log_odds = instance_log_odds(self.logits, self.weight)
        if log_ratio is not None:
            log_odds = log_odds + log_ratio
        return positive_bag_posterior(
            log_odds, self.inds, self.num_bags, self.extra_positive_prior
        )

    def log_likelihood(self, log_ratio: Tensor) -> Tensor:
        """Log-likelihood of evidence about pairs of positive bags, (N, K).

        Args:
            log_ratio (Tensor): Its likelihood ratio of each pair, (P, K).
        """
        bags = self.logits, self.weight, self.inds
        log_neg = log_prob_negative_bag(*bags, self.num_bags)
        with_it, without = (
            log_prob_positive_bag(
                *bags, log_neg, self.extra_positive_prior, each
            )
            for each in (log_ratio, None)
        )
        return torch.where(self.sum(self.pointed) > 0, with_it - without, 0.0)
