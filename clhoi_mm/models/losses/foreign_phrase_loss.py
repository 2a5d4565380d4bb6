import torch.nn.functional as F
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..heads import HOITargets, PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from .distributed import distributed_weighted_mean


@MODELS.register_module()
class ForeignPhraseLoss(nn.Module):
    """Sigmoid contrast of pairs with the phrases of other objects.

    :class:`MILLoss` is a sigmoid contrastive loss (SigLIP, arXiv 2303.15343)
    whose negatives are the other phrases of a pair's object. This loss adds
    the phrases of all other objects, which are negatives without doubt.
    """

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
            targets (HOITargets): Not used.
            classifier (PhraseClassifier): The vocabulary's phrases.

        Returns:
            dict[str, Tensor]: ``loss_contrast``, summed over classes, mean
            over pairs.
        """
        same_object = classifier.hoi_objects == pairs.object_labels[:, None]
        foreign = ~same_object & classifier.is_trainable
        loss = (F.softplus(predictions.class_logits) * foreign).sum(1)
        weight = pairs.human_scores * pairs.object_scores
        return dict(loss_contrast=distributed_weighted_mean(loss, weight))
