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
    probability, the reliability rho, and else at another of the bag's n
    pairs, each alike, w = (1 - rho) / (n - 1); of a label that is false, at
    any pair. Answers are evidence of two things:

    - of the pairs: a pointed pair is more likely to interact by the
      likelihood ratio rho / w, which multiplies its odds in the likelihood
      of the positive bag;
    - of the label, with verb-wise interactiveness: its odds are multiplied
      by the likelihood of the answers given that the label is true, relative
      to (1 / n) for each, given that it is false.

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

    def bags(
        self,
        targets: HOITargets,
        predictions: PairPredictions,
        pairs: PairBatch,
        classifier: PhraseClassifier,
    ) -> PointedBags:
        """Form the bags of a batch, for the methods below.

        Args:
            targets (HOITargets): With ``pointed``.
            predictions (PairPredictions): The student's, of P pairs.
            pairs (PairBatch): The pairs of B images.
            classifier (PhraseClassifier): The vocabulary's phrases.
        """
        return PointedBags.of(
            targets.pointed,
            predictions,
            pairs,
            classifier,
            self.extra_positive_prior,
        )

    @torch.no_grad()
    def forward(self, targets: HOITargets, bags: PointedBags) -> HOITargets:
        """Add the likelihood ratios of pairs to the targets.

        Args:
            targets (HOITargets): Of the bags' batch.
            bags (PointedBags): From :meth:`bags`.

        Returns:
            HOITargets: The same targets with ``pair_log_ratio``.
        """
        log_ratio = torch.log(self.reliability / self._wrong(bags.size))
        return replace(targets, pair_log_ratio=bags.pointed * log_ratio)

    @torch.no_grad()
    def weigh_labels(
        self, targets: HOITargets, bags: PointedBags
    ) -> HOITargets:
        """Update the scores of labels by the evidence of pointed pairs.

        With common interactiveness an interacting pair is no evidence of one
        verb, and targets stay as they are.

        Args:
            targets (HOITargets): Of :meth:`forward`, not yet corrected by a
                label noise model.
            bags (PointedBags): From :meth:`bags`.

        Returns:
            HOITargets: The same targets with other ``image_targets``.
        """
        if not bags.is_verbwise:
            return targets
        acting, wrong = bags.posterior(), self._wrong(bags.size)
        # Mean over the bag, so that the answers of a bag in which all pairs
        # interact are no evidence.
        chance = bags.sum(
            (self.reliability * acting + wrong * (1 - acting)) * bags.scored
        )[bags.inds]
        per_answer = torch.log(bags.size * wrong / chance.clamp(min=1e-6))
        evidence = bags.log_likelihood(targets.pair_log_ratio) + bags.sum(
            torch.where(bags.pointed > 0, bags.pointed * per_answer, 0.0)
        )
        scores = targets.image_targets
        odds = torch.logit(scores.clamp(*self._SCORES)) + evidence
        moved = odds.sigmoid()
        # Scores beyond the bounds never move against the evidence.
        moved = torch.where(
            evidence > 0, torch.max(moved, scores), torch.min(moved, scores)
        )
        is_updated = (scores > 0) & (evidence != 0)
        return replace(
            targets, image_targets=torch.where(is_updated, moved, scores)
        )

    @torch.no_grad()
    def update(
        self,
        targets: HOITargets,
        bags: PointedBags,
        classifier: PhraseClassifier,
    ) -> None:
        """Count pointed pairs that interact, and others (M-step).

        Args:
            targets (HOITargets): Of :meth:`forward`, with labels corrected.
            bags (PointedBags): From :meth:`bags`.
            classifier (PhraseClassifier): The vocabulary's phrases.
        """
        if bags.is_verbwise:
            target, _ = targets.class_interactions(1.0)
        else:
            target, _ = targets.object_interactions(classifier, 1.0)
            target = target.reshape(-1, 1)
        acting = bags.posterior(targets.pair_log_ratio)
        weight = bags.pointed * target[bags.inds]
        counts = torch.stack(
            [(weight * acting).sum(), (weight * (1 - acting)).sum()]
        )
        all_reduce(counts)
        self.counts.mul_(self.momentum).add_(counts)

    def _wrong(self, size: Tensor) -> Tensor:
        """Probability that a certain wrong pair of a bag is pointed at."""
        return (1 - self.reliability) / (size - 1).clamp(min=1)
