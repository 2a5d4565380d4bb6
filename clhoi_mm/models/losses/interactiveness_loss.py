from typing import Optional

import torch
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..heads import HOITargets, PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from ..task_modules.mil import (
    bce_from_log_probs,
    log_prob_negative_bag,
    log_prob_positive_bag,
)
from .distributed import distributed_weighted_mean


@MODELS.register_module()
class InteractivenessLoss(nn.Module):
    """Multiple-instance loss for the interactiveness of pairs.

    Interactiveness (TIN, arXiv 1811.08264) is learned from bags: each label
    must be explained by at least one pair of its bag, and a prior favors few
    positives (:func:`log_prob_positive_bag`), so that bystanders are pushed
    down even where every object is used. With one interactiveness for all
    verbs a bag holds the pairs of one object category, and any label of the
    category makes it positive, since teachers confuse verbs far more often
    than objects. With verb-wise interactiveness a bag belongs to a class.

    Args:
        extra_positive_prior (float): Likelihood of each further positive of
            a bag relative to the first, in (0, 1]; 1 is noisy-or.
        unlabeled_weight (float): Weight of bags without a label, unless the
            labels are exhaustive.
    """

    def __init__(
        self, extra_positive_prior: float = 0.3, unlabeled_weight: float = 0.3
    ) -> None:
        super().__init__()
        if not 0 < extra_positive_prior <= 1:
            raise ValueError(
                f'extra_positive_prior={extra_positive_prior} must be above 0 '
                'and at most 1'
            )
        self.extra_positive_prior = extra_positive_prior
        self.unlabeled_weight = unlabeled_weight

    def forward(
        self,
        predictions: PairPredictions,
        pairs: PairBatch,
        targets: HOITargets,
        classifier: PhraseClassifier,
    ) -> dict[str, Tensor]:
        """Compute the loss of a batch's bags.

        Args:
            predictions (PairPredictions): Predictions for P pairs.
            pairs (PairBatch): The pairs of B images.
            targets (HOITargets): Image-level labels.
            classifier (PhraseClassifier): The vocabulary's phrases.

        Returns:
            dict[str, Tensor]: ``loss_interactiveness``.
        """
        scored = predictions.valid & classifier.is_trainable
        if predictions.is_verbwise:
            log_neg, log_pos, is_bag = self._class_bags(
                predictions, pairs, scored, targets.pair_log_ratio
            )
            target, weight = targets.class_interactions(self.unlabeled_weight)
        else:
            log_neg, log_pos, is_bag = self._object_bags(
                predictions,
                pairs,
                scored,
                len(classifier.object_embeds),
                targets.pair_log_ratio,
            )
            target, weight = targets.object_interactions(
                classifier, self.unlabeled_weight
            )
        loss = bce_from_log_probs(log_neg, target, log_pos) * weight
        bag_mask = is_bag & targets.is_labeled[:, None]
        return dict(
            loss_interactiveness=distributed_weighted_mean(loss, bag_mask)
        )

    def _class_bags(
        self,
        predictions: PairPredictions,
        pairs: PairBatch,
        scored: Tensor,
        log_ratio: Optional[Tensor],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute log-likelihoods of class bags as negative and as positive.

        Args:
            predictions (PairPredictions): Predictions for P pairs.
            pairs (PairBatch): The pairs of B images.
            scored (Tensor): Classes of each pair, (P, C), bool.
            log_ratio (Tensor, optional): ``HOITargets.pair_log_ratio``.

        Returns:
            tuple[Tensor, Tensor, Tensor]: Log-likelihoods of negative and of
            positive bags, and non-empty bags, (B, C).
        """
        weight = (pairs.human_scores * pairs.object_scores)[:, None] * scored
        # Zero weights leave rounding errors that must not reach the logits.
        logits = predictions.interactiveness.masked_fill(~scored, 0.0)
        bags = logits, weight, pairs.pair_inds
        log_neg = log_prob_negative_bag(*bags, pairs.num_images)
        log_pos = log_prob_positive_bag(
            *bags, log_neg, self.extra_positive_prior, log_ratio
        )
        count = torch.zeros_like(log_neg).index_add(
            0, pairs.pair_inds, scored.to(log_neg)
        )
        return log_neg, log_pos, count > 0

    def _object_bags(
        self,
        predictions: PairPredictions,
        pairs: PairBatch,
        scored: Tensor,
        num_objects: int,
        log_ratio: Optional[Tensor],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute log-likelihoods of object bags as negative and as positive.

        Args:
            predictions (PairPredictions): Predictions for P pairs.
            pairs (PairBatch): The pairs of B images.
            scored (Tensor): Classes of each pair, (P, C), bool.
            num_objects (int): Number of object categories O.
            log_ratio (Tensor, optional): ``HOITargets.pair_log_ratio``.

        Returns:
            tuple[Tensor, Tensor, Tensor]: Log-likelihoods of negative and of
            positive bags, and non-empty bags, (B, O).
        """
        weight = pairs.human_scores * pairs.object_scores
        bag = pairs.pair_inds * num_objects + pairs.object_labels
        num_bags = pairs.num_images * num_objects
        is_bag = weight.new_zeros(num_bags).scatter_reduce(
            0, bag, scored.any(1).to(weight), 'amax'
        )
        bags = predictions.interactiveness.squeeze(1), weight, bag
        log_neg = log_prob_negative_bag(*bags, num_bags)
        log_pos = log_prob_positive_bag(
            *bags,
            log_neg,
            self.extra_positive_prior,
            None if log_ratio is None else log_ratio.squeeze(1),
        )
        return (
            log_neg.view(-1, num_objects),
            log_pos.view(-1, num_objects),
            is_bag.view(-1, num_objects) > 0,
        )
