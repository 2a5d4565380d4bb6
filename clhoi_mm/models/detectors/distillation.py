from dataclasses import dataclass
from typing import Optional

import torch
from torch import Tensor, nn

from ..heads import ContextScorer, HOITargets
from .encoded_batch import EncodedBatch
from .self_teacher import SelfTeacher


@dataclass
class Distillation:
    """Losses between a student's outputs and a teacher's targets.

    Attributes:
        interaction_loss (nn.Module, optional): Loss of the pairs.
        label_noise (nn.Module, optional): Label noise model that corrects
            their targets.
        self_teacher (SelfTeacher, optional): Its predictions replace the
            student's in that model.
        context_loss (nn.Module, optional): Loss of the context.
        context_weight (float): Its weight beside the loss of pairs.
        pointing (nn.Module, optional): Prior from the pairs that the teacher
            points at. Defaults to None: they are not used.
    """

    interaction_loss: Optional[nn.Module]
    label_noise: Optional[nn.Module]
    self_teacher: Optional[SelfTeacher]
    context_loss: Optional[nn.Module]
    context_weight: float
    pointing: Optional[nn.Module] = None

    def losses(
        self,
        batch: EncodedBatch,
        targets: HOITargets,
        scorer: Optional[ContextScorer],
    ) -> dict[str, Tensor]:
        """Compute the losses of a batch.

        Args:
            batch (EncodedBatch): The student's outputs; without pairs the
                context alone is distilled.
            targets (HOITargets): The teacher's targets.
            scorer (ContextScorer, optional): Has the learned temperature of
                the context loss.

        Returns:
            dict[str, Tensor]: Losses and values to be logged, by name.
        """
        losses, weight = {}, 1.0
        if batch.pairs is not None:
            losses.update(self._interaction_losses(batch, targets))
            weight = self.context_weight
        if self.context_loss is not None:
            found = self.context_loss(batch.context, targets, scorer.log_scale)
            for name, value in found.items():
                is_loss = name.startswith('loss')
                losses[name] = value * weight if is_loss else value
        return losses

    def _interaction_losses(
        self, batch: EncodedBatch, targets: HOITargets
    ) -> dict[str, Tensor]:
        """Correct labels by what is known of the teacher; compute losses."""
        student, losses = batch.predictions, {}
        taught = None
        if self.label_noise is not None and self.self_teacher is not None:
            with torch.no_grad():
                taught = self.self_teacher.encode(batch).predictions
        given = student, batch.pairs, batch.classifier
        pointing = None if targets.pointed is None else self.pointing
        if pointing is not None:
            bags = pointing.bags(targets, *given)
            targets = pointing(targets, bags)
            if taught is None:
                # Posteriors of the self-teacher have this evidence.
                targets = pointing.weigh_labels(targets, bags)
        if self.label_noise is not None:
            targets = self.label_noise(targets, *given, taught)
            is_used = self.label_noise.is_warmed_up & (taught is None)
            losses.update(self.label_noise.prior_losses(is_used))
        if pointing is not None:
            pointing.update(targets, bags, batch.classifier)
            losses['pointing_reliability'] = pointing.reliability
        losses.update(
            self.interaction_loss(
                student, batch.pairs, targets, batch.classifier
            )
        )
        return losses
