from dataclasses import replace

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..heads import HOITargets, PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from ..task_modules.mil import instance_log_odds, positive_bag_posterior


@MODELS.register_module()
class PointingPrior(nn.Module):
    """Prior over the pairs of a bag from the pairs that the teacher points at.

    Of a label that is true, the teacher points at an interacting pair with a
    probability, the reliability, and else at another of the bag's n pairs,
    each alike. A pair that is pointed at is therefore more likely to interact
    by the likelihood ratio reliability / ((1 - reliability) / (n - 1)), which
    multiplies its odds in the likelihood of the positive bag. Nothing is known
    about bags that are negative: there the pair is any.

    The reliability is estimated by online expectation-maximization: the
    E-step infers from student and prior whether a pointed pair interacts, the
    M-step counts, weighted by the posterior of the label.

    Args:
        prior (tuple[float]): Pseudo-counts of right and of wrong pairs.
            Defaults to (14, 6).
        momentum (float): Share of the counts that an iteration keeps.
        extra_positive_prior (float): As :class:`InteractivenessLoss`'s.
    """

    # Bounds that keep the ratio finite.
    _RELIABILITY = 0.02, 0.98

    def __init__(
        self,
        prior: tuple[float, float] = (14.0, 6.0),
        momentum: float = 0.99,
        extra_positive_prior: float = 0.3,
    ) -> None:
        super().__init__()
        self.momentum = momentum
        self.extra_positive_prior = extra_positive_prior
        self.register_buffer('prior', torch.tensor(prior), persistent=False)
        # Right and wrong pointed pairs.
        self.register_buffer('counts', torch.zeros(2))

    @property
    def reliability(self) -> Tensor:
        """Probability that the pointed pair of a true label is right."""
        right, wrong = self.counts + self.prior
        return (right / (right + wrong)).clamp(*self._RELIABILITY)

    @torch.no_grad()
    def forward(
        self,
        targets: HOITargets,
        predictions: PairPredictions,
        pairs: PairBatch,
        classifier: PhraseClassifier,
    ) -> HOITargets:
        """Add the log-likelihood ratios of pairs to the targets.

        Args:
            targets (HOITargets): With ``pointed``, and labels corrected.
            predictions (PairPredictions): The student's, of P pairs.
            pairs (PairBatch): The pairs of B images.
            classifier (PhraseClassifier): The vocabulary's phrases.

        Returns:
            HOITargets: The same targets with ``pair_log_ratio``.
        """
        pointed = targets.pointed
        scored = predictions.valid & classifier.is_trainable
        bag, num_bags = pairs.pair_inds, pairs.num_images
        target, _ = targets.class_interactions(1.0)
        if not predictions.is_verbwise:
            num_objects = len(classifier.object_embeds)
            bag = bag * num_objects + pairs.object_labels
            num_bags *= num_objects
            pointed, scored = (
                x.any(1, keepdim=True) for x in (pointed, scored)
            )
            target, _ = targets.object_interactions(classifier, 1.0)
            target = target.reshape(-1, 1)
        size = target.new_zeros(target.shape).index_add(
            0, bag, scored.to(target)
        )[bag]
        pointed = pointed & scored & (size > 1)
        rate = self.reliability
        log_ratio = pointed * torch.log(
            rate / (1 - rate) * (size - 1).clamp(min=1)
        )
        weight = (pairs.human_scores * pairs.object_scores)[:, None] * scored
        log_odds = instance_log_odds(predictions.interactiveness, weight)
        acting = positive_bag_posterior(
            log_odds + log_ratio, bag, num_bags, self.extra_positive_prior
        )
        self._count(acting, pointed * target[bag])
        return replace(targets, pair_log_ratio=log_ratio)

    def _count(self, acting: Tensor, weight: Tensor) -> None:
        """M-step: count pointed pairs that interact, and others."""
        counts = torch.stack(
            [(weight * acting).sum(), (weight * (1 - acting)).sum()]
        )
        all_reduce(counts)
        self.counts.mul_(self.momentum).add_(counts)
