from typing import Union

import torch
from mmengine.dist import all_reduce
from torch import Tensor

from clhoi_mm.registry import MODELS

from .label_noise_model import LabelNoiseModel


@MODELS.register_module()
class EMLabelNoise(LabelNoiseModel):
    """Label noise model estimated by online expectation-maximization.

    Systematic errors of a teacher, such as one verb confused with another of
    the same object, make a student rank the wrong images first, increasingly
    with training. The E-step infers a bag's class from the student's
    predictions and the labels, one class a bag; the M-step counts the labels
    that come with it. The corrected likelihood allows several classes a bag.

    Counts are statistics of the training images, kept as buffers, summed over
    processes, with exponential forgetting.

    Args:
        vocabulary (str | dict): Name of a vocabulary, path to its file, or
            its content.
        warmup (int): Iterations of interaction distillation in which labels
            are taken as they are, some epochs' worth: counts need a trained
            student. DistillStageHook warns if it never ends.
        momentum (float): Share of the counts that an iteration keeps; the
            inverse of its distance from 1 should not exceed an epoch by much.
        student_odds_power (float): Power of the student's odds in the E-step.
            A student of noisy labels is underconfident. Defaults to 2.
        recall_prior (tuple[float]): Pseudo-counts of present classes with and
            without their own label. Labels alone do not distinguish a missed
            label from an absent class: a strong prior at a typical teacher's
            recall.
        confusion_prior (tuple[float]): The same for the labels of other
            classes of the object.
        false_positive_prior (tuple[float]): The same where no class is
            present, a strong prior for the same reason.
        instance_weight_power (float): As :class:`MILLoss`'s.
    """

    def __init__(
        self,
        vocabulary: Union[str, dict],
        warmup: int,
        momentum: float = 0.99,
        student_odds_power: float = 2.0,
        recall_prior: tuple[float, float] = (60.0, 40.0),
        confusion_prior: tuple[float, float] = (0.5, 4.5),
        false_positive_prior: tuple[float, float] = (10.0, 490.0),
        instance_weight_power: float = 4.0,
    ) -> None:
        super().__init__(vocabulary, warmup, momentum, instance_weight_power)
        self.student_odds_power = student_odds_power
        num_hois = self.vocabulary.num_hois
        transition_prior = torch.where(
            self.is_own[:, None],
            torch.tensor(recall_prior),
            torch.tensor(confusion_prior),
        )
        for name, value in (
            ('transition_prior', transition_prior),
            (
                'false_positive_prior',
                torch.tensor(false_positive_prior).repeat(num_hois, 1),
            ),
        ):
            self.register_buffer(name, value, persistent=False)
        # (labeled, unlabeled) of each transition, and of each class where the
        # object has no interaction.
        self.register_buffer(
            'transition_counts', torch.zeros(len(self.source), 2)
        )
        self.register_buffer('false_positive_counts', torch.zeros(num_hois, 2))

    def transition_probs(self) -> tuple[Tensor, Tensor]:
        """Posterior means, see :meth:`LabelNoiseModel.transition_probs`."""
        probs = []
        for counts, prior in (
            (self.transition_counts, self.transition_prior),
            (self.false_positive_counts, self.false_positive_prior),
        ):
            labeled, unlabeled = (counts + prior).unbind(1)
            probs.append((labeled / (labeled + unlabeled)).clamp(0.003, 0.97))
        return probs[0], probs[1]

    @torch.no_grad()
    def update(
        self, log_neg: Tensor, labels: Tensor, bag_mask: Tensor
    ) -> Tensor:
        """Infer the classes of a batch and count their labels.

        Args:
            log_neg (Tensor): Log-probability that no pair of the image has
                the class, (B, C).
            labels (Tensor): Scores of the labels, 0 where unlabeled, (B, C).
            bag_mask (Tensor): Whether the image has an answer and a pair that
                could have the class, (B, C), bool.

        Returns:
            Tensor: Posterior that some pair of the image interacts with the
            object, (B, O).
        """
        bag_mask = bag_mask & self.can_emit
        is_label = (labels > 0).to(labels) * bag_mask
        self.update_scores(labels, is_label)
        classes, negative = self._expect(log_neg, labels, is_label, bag_mask)
        absent = negative[:, self.objects] * bag_mask
        counts = torch.cat(
            [
                torch.stack([(x * y).sum(0), (x * (1 - y)).sum(0)], 1)
                for x, y in (
                    (classes[:, self.source], is_label[:, self.label]),
                    (absent, is_label),
                )
            ]
        )
        all_reduce(counts)
        transitions, false_positives = counts.split(
            [len(self.transition_counts), len(self.false_positive_counts)]
        )
        self.transition_counts.mul_(self.momentum).add_(transitions)
        self.false_positive_counts.mul_(self.momentum).add_(false_positives)
        self.iterations += 1
        return 1 - negative

    def _expect(
        self,
        log_neg: Tensor,
        labels: Tensor,
        is_label: Tensor,
        bag_mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """E-step with at most one class per object and image.

        Args:
            log_neg (Tensor): Log-probability that no pair of the image has
                the class, (B, C).
            labels (Tensor): Scores of the labels, (B, C).
            is_label (Tensor): 1 for labels that count, (B, C).
            bag_mask (Tensor): Classes that can be present, (B, C), bool.

        Returns:
            tuple[Tensor, Tensor]: Posterior of each class, (B, C), and that
            no class of an object is present, (B, O).
        """
        probs, false_positive = self.transition_probs()
        # Labels outside the mask cannot occur and are no evidence.
        label = is_label[:, self.label]
        log_emitted = (
            label * probs.log() + (1 - label) * torch.log1p(-probs)
        ) * bag_mask[:, self.label]
        log_present = torch.zeros_like(labels).index_add(
            1, self.source, log_emitted
        )
        log_present += is_label * self._likelihood_ratio(labels).log()
        log_absent = (
            is_label * false_positive.log()
            + (1 - is_label) * torch.log1p(-false_positive)
        ) * bag_mask
        shape = len(labels), len(self.vocabulary.objects)
        log_negative = labels.new_zeros(shape).index_add(
            1, self.objects, log_absent
        )
        # Clamp to keep logits finite.
        present = (-torch.expm1(log_neg)).clamp(1e-4, 1 - 1e-4)
        odds = self.student_odds_power * torch.logit(present)
        odds = (odds + log_present - log_negative[:, self.objects]).clamp(
            -60, 60
        )
        odds = odds.exp() * bag_mask
        negative = 1 / (
            1 + labels.new_zeros(shape).index_add(1, self.objects, odds)
        )
        return odds * negative[:, self.objects], negative
