import math
from typing import Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from .label_noise_model import LabelNoiseModel


@MODELS.register_module()
class LearnableLabelNoise(LabelNoiseModel):
    """Label noise model whose probabilities are learned by gradient descent.

    Like the noise layer of arXiv 1406.2080, on the likelihood of
    :class:`LabelNoiseModel`: a label that co-occurs with another class,
    whatever the pairs' appearance, is more likely under a transition than
    under the pairs. It has no E-step with one class per object and so fits
    images in which people interact with one object in several ways; where
    classes exclude each other, :class:`EMLabelNoise` is more accurate.

    Args:
        vocabulary (str | dict): Name of a vocabulary, path to its file, or
            its content.
        warmup (int): Iterations of interaction distillation in which labels
            are taken as they are.
        recall (float): Probability that a present class is labeled, held
            fixed: labels alone do not distinguish a missed label from an
            absent class. Defaults to 0.8.
        confusion (float): Initial probability that a present class emits the
            label of another class of its object. Defaults to 0.05.
        false_positive (float): Initial probability of a false positive,
            learned for all classes alike. Defaults to 0.05.
        confusion_prior (tuple[float]): Parameters of the Beta prior of the
            transition probabilities: most are small, some large.
        prior_weight (float): Weight of this prior against the mean loss of a
            class in an image; about one over the number of images and
            compatible classes of an epoch.
        posterior_probs (tuple[float]): Recall, and lower bound of the
            probability of a false positive, in :meth:`posterior`. The student
            learns to explain the labels it is trained on, so that the learned
            probability of a false positive is near 0 and the posterior would
            accept every label.
        lr_mult (float): Logits that a probability moves where a weight of the
            network moves by one.
        momentum (float): Share that an iteration keeps of the sum from which
            the mean score of labels is taken.
        instance_weight_power (float): As :class:`MILLoss`'s.
    """

    def __init__(
        self,
        vocabulary: Union[str, dict],
        warmup: int,
        recall: float = 0.8,
        confusion: float = 0.05,
        false_positive: float = 0.05,
        confusion_prior: tuple[float, float] = (0.8, 2.2),
        prior_weight: float = 1.6e-5,
        posterior_probs: tuple[float, float] = (0.6, 0.1),
        lr_mult: float = 30.0,
        momentum: float = 0.99,
        instance_weight_power: float = 4.0,
    ) -> None:
        super().__init__(vocabulary, warmup, momentum, instance_weight_power)
        self.recall = recall
        self.confusion_prior = confusion_prior
        self.prior_weight = prior_weight
        self.posterior_recall, self.min_false_positive = posterior_probs
        self.lr_mult = lr_mult
        for name, prob, count in (
            ('confusion_logits', confusion, len(self.source)),
            ('false_positive_logit', false_positive, 1),
        ):
            logit = math.log(prob / (1 - prob)) / lr_mult
            setattr(self, name, nn.Parameter(torch.full((count,), logit)))

    def transition_probs(self) -> tuple[Tensor, Tensor]:
        """See :meth:`LabelNoiseModel.transition_probs`."""
        # Clamp to keep the logarithm of the complement finite.
        confusion = (self.confusion_logits * self.lr_mult).sigmoid()
        false_positive = (self.false_positive_logit * self.lr_mult).sigmoid()
        return torch.where(
            self.is_own, self.recall, confusion.clamp(max=0.97)
        ), false_positive.clamp(max=0.97).expand(len(self.objects))

    def posterior_probs(self) -> tuple[Tensor, Tensor]:
        """Replace recall and bound false positives by ``posterior_probs``."""
        probs, false_positive = self.transition_probs()
        return torch.where(
            self.is_own, self.posterior_recall, probs
        ), false_positive.clamp(min=self.min_false_positive)

    def update(
        self, log_neg: Tensor, labels: Tensor, bag_mask: Tensor
    ) -> None:
        """Update the mean score and the number of iterations.

        Args:
            log_neg (Tensor): Log-probability that no pair of the image has
                the class, (B, C).
            labels (Tensor): Scores of the labels, 0 where unlabeled, (B, C).
            bag_mask (Tensor): Whether the image has an answer and a pair that
                could have the class, (B, C), bool.
        """
        is_label = (labels > 0) & bag_mask & self.can_emit
        self.update_scores(labels, is_label.to(labels))
        self.iterations += 1

    def prior_losses(self, is_used: Tensor) -> dict[str, Tensor]:
        """Negative log-prior of the transition probabilities.

        Args:
            is_used (Tensor): Whether :meth:`nll` corrects the labels, a
                scalar bool.

        Returns:
            dict[str, Tensor]: ``loss_label_noise``, 0 until they are used.
        """
        alpha, beta = self.confusion_prior
        logit = self.confusion_logits * self.lr_mult
        log_prior = (alpha - 1) * F.logsigmoid(logit) + (
            beta - 1
        ) * F.logsigmoid(-logit)
        # Recall is fixed, so that its logits have no prior. False positives
        # have none either; the zero term gives them a gradient in each case.
        loss = (
            -self.prior_weight * (log_prior * ~self.is_own).sum()
            + 0.0 * self.false_positive_logit.sum()
        )
        return dict(loss_label_noise=loss * is_used)
