from dataclasses import replace

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..heads import HOITargets, PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from .pointed_bags import PointedBags


@MODELS.register_module()
class PointingPrior(nn.Module):
    """Prior over the pairs of a bag from the pairs that the teacher points at.

    Of a label that is true, the teacher points at an interacting pair with a
    probability, the reliability, and else at another of the bag's n pairs,
    each alike; of a label that is false, at any pair. An answer is evidence
    of two things:

    - of the pairs: a pointed pair is more likely to interact by the
      likelihood ratio reliability / ((1 - reliability) / (n - 1)), which
      multiplies its odds in the likelihood of the positive bag;
    - of the label: its odds are multiplied by n * (reliability * a +
      (1 - reliability) / (n - 1) * (1 - a)), where a is the student's
      probability that the pointed pair interacts, given that the label is
      true.

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
    # Bounds that keep a score's odds finite.
    _SCORES = 0.05, 0.97

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
        """Add the likelihood ratios of pairs to the targets.

        Args:
            targets (HOITargets): With ``pointed``.
            predictions (PairPredictions): The student's, of P pairs.
            pairs (PairBatch): The pairs of B images.
            classifier (PhraseClassifier): The vocabulary's phrases.

        Returns:
            HOITargets: The same targets with ``pair_log_ratio``.
        """
        bags = PointedBags.of(targets.pointed, predictions, pairs, classifier)
        log_ratio = torch.log(self.reliability / self._wrong(bags.size))
        return replace(targets, pair_log_ratio=bags.pointed * log_ratio)

    @torch.no_grad()
    def weigh_labels(
        self,
        targets: HOITargets,
        predictions: PairPredictions,
        pairs: PairBatch,
        classifier: PhraseClassifier,
    ) -> HOITargets:
        """Update the scores of labels by the evidence of pointed pairs.

        Args:
            targets (HOITargets): Not yet corrected by a label noise model.
            predictions (PairPredictions): As for :meth:`forward`.
            pairs (PairBatch): The same.
            classifier (PhraseClassifier): The same.

        Returns:
            HOITargets: The same targets with other ``image_targets``.
        """
        bags = PointedBags.of(targets.pointed, predictions, pairs, classifier)
        acting = bags.posterior(self.extra_positive_prior)
        wrong = self._wrong(bags.size)
        log_evidence = torch.log(
            bags.size * (self.reliability * acting + wrong * (1 - acting))
        )
        is_asked = (bags.size > 1) & bags.scored
        evidence = torch.zeros_like(targets.image_targets).index_add(
            0,
            pairs.pair_inds,
            targets.pointed * torch.where(is_asked, log_evidence, 0.0),
        )
        scores = targets.image_targets
        odds = torch.logit(scores.clamp(*self._SCORES)) + evidence
        is_updated = (scores > 0) & (evidence != 0)
        return replace(
            targets,
            image_targets=torch.where(is_updated, odds.sigmoid(), scores),
        )

    def _wrong(self, size: Tensor) -> Tensor:
        """Probability that a certain wrong pair of a bag is pointed at."""
        return (1 - self.reliability) / (size - 1).clamp(min=1)

    @torch.no_grad()
    def update(
        self,
        targets: HOITargets,
        predictions: PairPredictions,
        pairs: PairBatch,
        classifier: PhraseClassifier,
    ) -> None:
        """Count pointed pairs that interact, and others (M-step).

        Args:
            targets (HOITargets): Of :meth:`forward`, with labels corrected.
            predictions (PairPredictions): As for :meth:`forward`.
            pairs (PairBatch): The same.
            classifier (PhraseClassifier): The same.
        """
        bags = PointedBags.of(targets.pointed, predictions, pairs, classifier)
        if predictions.is_verbwise:
            target, _ = targets.class_interactions(1.0)
        else:
            target, _ = targets.object_interactions(classifier, 1.0)
            target = target.reshape(-1, 1)
        acting = bags.posterior(
            self.extra_positive_prior, targets.pair_log_ratio
        )
        weight = bags.pointed * target[bags.inds]
        counts = torch.stack(
            [(weight * acting).sum(), (weight * (1 - acting)).sum()]
        )
        all_reduce(counts)
        self.counts.mul_(self.momentum).add_(counts)
