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
        hoi, is_class = classifier.trainable_classes(pairs.object_labels)
        labels = targets.pair_labels.gather(1, hoi)
        loss = F.binary_cross_entropy_with_logits(
            predictions.logits.gather(1, hoi).float(), labels, reduction='none'
        )
        logits, is_labeled = predictions.interactiveness, is_class
        if predictions.is_verbwise:
            logits = logits.gather(1, hoi)
        else:
            labels = (labels * is_class).amax(1, keepdim=True)
            # An object without a class has no label.
            is_labeled = is_class.any(1, keepdim=True)
        interactiveness = F.binary_cross_entropy_with_logits(
            logits, labels, reduction='none'
        )
        return dict(
            loss_interactiveness=distributed_weighted_mean(
                interactiveness, is_labeled
            ),
            loss_mil=distributed_weighted_mean(loss, is_class),
        )
