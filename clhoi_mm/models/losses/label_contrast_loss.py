from abc import ABC, abstractmethod

from torch import Tensor, nn

from ..heads import HOITargets, PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from .distributed import distributed_weighted_mean
from .label_bags import LabelBags


class LabelContrastLoss(nn.Module, ABC):
    """InfoNCE loss of a batch's labels (arXiv 1807.03748), by confidence.

    Args:
        attention_temperature (float): Temperature of the pooling of pairs.
        contrast_temperature (float): Temperature of the contrast.
        unlabeled_weight (float): Weight of negatives that are merely
            unlabeled, unless the labels are exhaustive.
    """

    def __init__(
        self,
        attention_temperature: float = 1.0,
        contrast_temperature: float = 0.1,
        unlabeled_weight: float = 0.3,
    ) -> None:
        super().__init__()
        self.attention_temperature = attention_temperature
        self.contrast_temperature = contrast_temperature
        self.unlabeled_weight = unlabeled_weight

    def forward(
        self,
        predictions: PairPredictions,
        pairs: PairBatch,
        targets: HOITargets,
        classifier: PhraseClassifier,
    ) -> dict[str, Tensor]:
        """Compute the loss of a batch's labels.

        Args:
            predictions (PairPredictions): Predictions for P pairs.
            pairs (PairBatch): The pairs of B images.
            targets (HOITargets): Image-level labels with phrases.
            classifier (PhraseClassifier): The vocabulary's phrases.

        Returns:
            dict[str, Tensor]: ``loss_contrast``.
        """
        labels = LabelBags.of(
            predictions,
            pairs,
            targets,
            self.attention_temperature,
            self.contrast_temperature,
        )
        unlabeled = 1.0 if targets.is_exhaustive else self.unlabeled_weight
        loss, weight = self.contrast(
            labels, predictions.embeds, pairs, targets, classifier, unlabeled
        )
        return dict(
            loss_contrast=distributed_weighted_mean(
                loss, weight, at_least=1e-6
            )
        )

    @abstractmethod
    def contrast(
        self,
        labels: LabelBags,
        embeds: Tensor,
        pairs: PairBatch,
        targets: HOITargets,
        classifier: PhraseClassifier,
        unlabeled_weight: float,
    ) -> tuple[Tensor, Tensor]:
        """Contrast each label with its negatives.

        Args:
            labels (LabelBags): W labels and their pairs.
            embeds (Tensor): Pair embeddings, (P, d).
            pairs (PairBatch): The pairs of B images.
            targets (HOITargets): Image-level labels.
            classifier (PhraseClassifier): The vocabulary's phrases.
            unlabeled_weight (float): Weight of unlabeled negatives.

        Returns:
            tuple[Tensor, Tensor]: Losses of the labels and their weights,
            (W,).
        """
