from typing import Optional

import torch
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..heads import HOITargets, PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from .interactiveness_loss import InteractivenessLoss
from .mil_loss import MILLoss
from .pair_label_loss import PairLabelLoss


@MODELS.register_module()
class InteractionDistillLoss(nn.Module):
    """Multiple-instance loss that distills image-level labels into pairs.

    Sum of a loss for the interactiveness of pairs
    (:class:`InteractivenessLoss`), one for their classes (:class:`MILLoss`)
    and a contrastive one (:class:`PairContrastLoss`,
    :class:`BagContrastLoss` or :class:`ForeignPhraseLoss`). Instance-level
    labels replace the first two by :class:`PairLabelLoss`. Classes that are
    not trained (``PhraseClassifier.is_trainable``) take no part, not even as
    negatives.

    Args:
        loss_interactiveness_weight (float): Weight of the interactiveness.
        extra_positive_prior (float): Likelihood of each further positive of
            a bag relative to the first, in (0, 1]; 1 is noisy-or.
        loss_mil_weight (float): Weight of the classes. Defaults to 1.
        contrast_weight (float): Weight of the contrast. It takes noisy labels
            as they are and costs rare classes: small if at all.
        unlabeled_weight (float): Weight of unlabeled classes. Defaults to
            0.3.
        instance_weight_power (float): Power of a pair's interactiveness
            relative to the best of its bag; 0 weighs all pairs alike.
        contrast (dict, optional): Config of the contrast. Defaults to None,
            no contrast.
    """

    def __init__(
        self,
        loss_interactiveness_weight: float = 1.0,
        extra_positive_prior: float = 0.3,
        loss_mil_weight: float = 1.0,
        contrast_weight: float = 1.0,
        unlabeled_weight: float = 0.3,
        instance_weight_power: float = 4.0,
        contrast: Optional[dict] = None,
    ) -> None:
        super().__init__()
        self.interactiveness = InteractivenessLoss(
            extra_positive_prior, unlabeled_weight
        )
        self.mil = MILLoss(instance_weight_power, unlabeled_weight)
        self.pair_labels = PairLabelLoss()
        self.contrast = contrast and MODELS.build(contrast)
        self.weights = dict(
            loss_interactiveness=loss_interactiveness_weight,
            loss_mil=loss_mil_weight,
            loss_contrast=contrast_weight,
        )

    def forward(
        self,
        predictions: PairPredictions,
        pairs: PairBatch,
        targets: HOITargets,
        classifier: PhraseClassifier,
    ) -> dict[str, Tensor]:
        """Compute the losses of a batch.

        Args:
            predictions (PairPredictions): Predictions for P pairs.
            pairs (PairBatch): The pairs of B images.
            targets (HOITargets): The teacher's or the annotations' labels.
            classifier (PhraseClassifier): The vocabulary's phrases.

        Returns:
            dict[str, Tensor]: ``loss_interactiveness``, ``loss_mil`` and, with
            a contrast, ``loss_contrast``.
        """
        args = predictions, pairs, targets, classifier
        # Half precision is too coarse for similarities over a temperature.
        with torch.autocast(predictions.embeds.device.type, enabled=False):
            if targets.pair_labels is None:
                losses = {**self.interactiveness(*args), **self.mil(*args)}
            else:
                losses = self.pair_labels(*args)
            if self.contrast is not None:
                losses.update(self.contrast(*args))
        return {k: v * self.weights[k] for k, v in losses.items()}
