import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..heads import HOITargets, PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from .distributed import distributed_weighted_mean


@MODELS.register_module()
class PairLabelLoss(nn.Module):
    """Binary cross-entropy of pairs against instance-level labels."""

    def forward(
        self,
        predictions: PairPredictions,
        pairs: PairBatch,
        targets: HOITargets,
        classifier: PhraseClassifier,
    ) -> dict[str, Tensor]:
        """Compute the loss of a batch's pairs.

        Args:
            predictions (PairPredictions): Predictions for P pairs.
            pairs (PairBatch): The pairs of B images.
            targets (HOITargets): With ``pair_labels``.
            classifier (PhraseClassifier): The vocabulary's phrases.

        Returns:
            dict[str, Tensor]: ``loss_interactiveness`` and ``loss_mil``, under
            the same keys as the bag losses they replace.
        """
        labels = targets.pair_labels
        scored = predictions.valid & classifier.is_trainable
        # Few classes have a pair's object; the others cost no time.
        index = scored.nonzero(as_tuple=True)
        loss = F.binary_cross_entropy_with_logits(
            predictions.logits[index].float(), labels[index], reduction='none'
        )
        logits, is_labeled = predictions.interactiveness, scored
        if not predictions.is_verbwise:
            labels = (labels * scored).amax(1, keepdim=True)
            # An object without a class has no label.
            is_labeled = scored.any(1, keepdim=True)
        interactiveness = F.binary_cross_entropy_with_logits(
            logits, labels, reduction='none'
        )
        return dict(
            loss_interactiveness=distributed_weighted_mean(
                interactiveness, is_labeled
            ),
            loss_mil=distributed_weighted_mean(loss, torch.ones_like(loss)),
        )
