from dataclasses import dataclass
from typing import Union

from torch import Tensor

from ..heads import PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from ..task_modules.mil import instance_log_odds, positive_bag_posterior


@dataclass
class PointedBags:
    """Bags of interactiveness, and the answers that point at their pairs.

    With verb-wise interactiveness a bag belongs to a class (K = C), else to
    an object category (K = 1), whose classes share the answers.

    Attributes:
        inds (Tensor): Bag of each pair, (P,).
        num_bags (int): Number of bags N.
        scored (Tensor): Pairs that belong to the bag, (P, K), bool.
        size (Tensor): Number of pairs of a pair's bag, (P, K).
        pointed (Tensor): Answers that point at a pair of a bag with several,
            (P, K).
        log_odds (Tensor): Log-odds that a pair interacts, (P, K).
    """

    inds: Tensor
    num_bags: int
    scored: Tensor
    size: Tensor
    pointed: Tensor
    log_odds: Tensor

    @classmethod
    def of(
        cls,
        pointed: Tensor,
        predictions: PairPredictions,
        pairs: PairBatch,
        classifier: PhraseClassifier,
    ) -> 'PointedBags':
        """Form the bags of a batch.

        Args:
            pointed (Tensor): ``HOITargets.pointed``, (P, C).
            predictions (PairPredictions): The student's, of P pairs.
            pairs (PairBatch): The pairs of B images.
            classifier (PhraseClassifier): The vocabulary's phrases.
        """
        scored = predictions.valid & classifier.is_trainable
        inds, num_bags = pairs.pair_inds, pairs.num_images
        if not predictions.is_verbwise:
            num_objects = len(classifier.object_embeds)
            inds = inds * num_objects + pairs.object_labels
            num_bags *= num_objects
            pointed = (pointed * scored).amax(1, keepdim=True)
            scored = scored.any(1, keepdim=True)
        weight = (pairs.human_scores * pairs.object_scores)[:, None] * scored
        size = weight.new_zeros(num_bags, scored.size(1)).index_add(
            0, inds, scored.to(weight)
        )[inds]
        return cls(
            inds,
            num_bags,
            scored,
            size,
            pointed * (scored & (size > 1)),
            instance_log_odds(predictions.interactiveness, weight),
        )

    def posterior(
        self,
        extra_positive_prior: float,
        log_ratio: Union[float, Tensor] = 0.0,
    ) -> Tensor:
        """Probability of each pair given that its bag is positive, (P, K).

        Args:
            extra_positive_prior (float): See :func:`positive_bag_posterior`.
            log_ratio (Tensor | float): Added to the log-odds.
        """
        return positive_bag_posterior(
            self.log_odds + log_ratio,
            self.inds,
            self.num_bags,
            extra_positive_prior,
        )
