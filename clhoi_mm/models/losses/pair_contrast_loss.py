import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..heads import HOITargets, PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from .distributed import distributed_weighted_mean


@MODELS.register_module()
class PairContrastLoss(nn.Module):
    """InfoNCE between a label's bag of pairs and its phrase.

    The bag's pairs compete for the label (softmax over their scores and
    detection scores); their pooled embedding is contrasted with the phrases
    of the vocabulary (InfoNCE, arXiv 1807.03748). Other labels of the same
    object are no negatives, unlabeled classes of the same object are weighed
    down.

    Args:
        attention_temperature (float): Temperature of the pooling.
        contrast_temperature (float): Temperature of the contrast.
        unlabeled_weight (float): Weight of unlabeled classes of the label's
            object as negatives, unless the labels are exhaustive.
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
        # The batch's labels as a flat list, (W,).
        image, label = (targets.weights > 0).nonzero(as_tuple=True)
        hoi, obj = targets.hois[image, label], targets.objects[image, label]
        phrase = targets.phrases[image, label]
        scores = torch.where(
            hoi >= 0,
            predictions.logits[:, hoi.clamp(min=0)].float(),
            predictions.embeds @ phrase.T / self.contrast_temperature,
        )
        in_bag = (pairs.pair_inds[:, None] == image) & (
            pairs.object_labels[:, None] == obj
        )
        if targets.pair_labels is not None:
            in_bag &= targets.pair_labels[:, hoi.clamp(min=0)] > 0
        bag = F.normalize(
            self._attend(scores, in_bag, pairs).T @ predictions.embeds, dim=1
        )
        logits = bag @ classifier.hoi_embeds.T / self.contrast_temperature
        positive = (bag * phrase).sum(1, True) / self.contrast_temperature
        same_object = classifier.hoi_objects == obj[:, None]
        is_label = targets.image_targets[image] > 0
        unlabeled = 1.0 if targets.is_exhaustive else self.unlabeled_weight
        negative = torch.where(same_object, unlabeled, 1.0)
        negative = negative * ~(is_label & same_object)
        negative = negative * classifier.is_trainable
        loss = torch.cat([positive, logits + negative.log()], 1).logsumexp(1)
        weight = targets.weights[image, label] * in_bag.any(0)
        return dict(
            loss_contrast=distributed_weighted_mean(
                loss - positive[:, 0], weight, at_least=1e-6
            )
        )

    def _attend(
        self, scores: Tensor, in_bag: Tensor, pairs: PairBatch
    ) -> Tensor:
        """Softmax over the pairs of each label's bag.

        Args:
            scores (Tensor): Scores of P pairs for W labels, (P, W).
            in_bag (Tensor): (P, W), bool.
            pairs (PairBatch): The pairs.

        Returns:
            Tensor: Attention weights, 0 outside the bag, (P, W).
        """
        confidence = (pairs.human_scores * pairs.object_scores).clamp(min=1e-6)
        logits = (
            scores.detach() / self.attention_temperature
            + confidence.log()[:, None]
        )
        return logits.masked_fill(~in_bag, -1e4).softmax(0) * in_bag
