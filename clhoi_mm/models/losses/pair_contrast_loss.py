import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..heads import HOITargets, PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from .distributed import distributed_weighted_mean
from .label_bags import LabelBags


@MODELS.register_module()
class PairContrastLoss(nn.Module):
    """InfoNCE between a label's bag of pairs and phrases.

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
        same_object_only (bool): Whether only phrases of the label's object
            are negatives. Defaults to False.
    """

    def __init__(
        self,
        attention_temperature: float = 1.0,
        contrast_temperature: float = 0.1,
        unlabeled_weight: float = 0.3,
        same_object_only: bool = False,
    ) -> None:
        super().__init__()
        self.attention_temperature = attention_temperature
        self.contrast_temperature = contrast_temperature
        self.unlabeled_weight = unlabeled_weight
        self.same_object_only = same_object_only

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
        attention = labels.attention * labels.in_bag
        bag = F.normalize(attention @ predictions.embeds, dim=1)
        logits = bag @ classifier.hoi_embeds.T / self.contrast_temperature
        positive = (bag * labels.phrase).sum(1, True)
        positive = positive / self.contrast_temperature
        same_object = classifier.hoi_objects == labels.obj[:, None]
        is_label = targets.image_targets[labels.image] > 0
        unlabeled = 1.0 if targets.is_exhaustive else self.unlabeled_weight
        others = 0.0 if self.same_object_only else 1.0
        negative = torch.where(same_object, unlabeled, others)
        negative = negative * ~(is_label & same_object)
        negative = negative * classifier.is_trainable
        loss = torch.cat([positive, logits + negative.log()], 1).logsumexp(1)
        return dict(
            loss_contrast=distributed_weighted_mean(
                loss - positive[:, 0], labels.weight, at_least=1e-6
            )
        )
