import torch
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..heads import HOITargets, PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from .distributed import distributed_weighted_mean
from .label_bags import LabelBags


@MODELS.register_module()
class BagContrastLoss(nn.Module):
    """InfoNCE between a label's phrase and the bags of a batch.

    The phrase is contrasted (arXiv 1807.03748) with the bags of its object in
    all images of the batch: the label's own image against those that are not
    labeled with the class. A bag's similarity is the mean of its pairs',
    weighted by a softmax over their scores and detection scores.

    Args:
        attention_temperature (float): Temperature of the pooling.
        contrast_temperature (float): Temperature of the contrast.
        unlabeled_weight (float): Weight of other images as negatives, unless
            the labels are exhaustive.
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
        similar = labels.attention * (labels.phrase @ predictions.embeds.T)
        index = pairs.pair_inds.expand_as(similar)
        shape = len(similar), pairs.num_images
        logits = similar.new_zeros(shape).scatter_add(1, index, similar)
        logits = logits / self.contrast_temperature
        is_bag = similar.new_zeros(shape).scatter_reduce(
            1, index, labels.attention, 'amax'
        )
        own = labels.image[:, None] == torch.arange(
            pairs.num_images, device=similar.device
        )
        is_label = targets.image_targets[:, labels.hoi.clamp(min=0)].T > 0
        unlabeled = 1.0 if targets.is_exhaustive else self.unlabeled_weight
        negative = (is_bag > 0) & ~is_label & targets.is_labeled
        weight = torch.where(own, 1.0, unlabeled * negative)
        loss = (logits + weight.log()).logsumexp(1) - logits[own]
        # Outside the vocabulary it is unknown which images have the label.
        return dict(
            loss_contrast=distributed_weighted_mean(
                loss, labels.weight * (labels.hoi >= 0), at_least=1e-6
            )
        )
