import torch
from torch import Tensor

from clhoi_mm.registry import MODELS

from ..heads import HOITargets, PhraseClassifier
from ..task_modules import PairBatch
from .label_bags import LabelBags
from .label_contrast_loss import LabelContrastLoss


@MODELS.register_module()
class BagContrastLoss(LabelContrastLoss):
    """InfoNCE between a label's phrase and the bags of a batch.

    The phrase is contrasted with the bags of its object in all images of the
    batch: the label's own image against those that are not labeled with the
    class. A bag's similarity is the mean of its pairs', weighted by a softmax
    over their scores and detection scores. Arguments are those of
    :class:`LabelContrastLoss`.
    """

    def contrast(
        self,
        labels: LabelBags,
        embeds: Tensor,
        pairs: PairBatch,
        targets: HOITargets,
        classifier: PhraseClassifier,
        unlabeled_weight: float,
    ) -> tuple[Tensor, Tensor]:
        """Contrast each label's phrase with the batch's bags."""
        similar = labels.attention * (labels.phrase @ embeds.T)
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
        negative = (is_bag > 0) & ~is_label & targets.is_labeled
        weight = torch.where(own, 1.0, unlabeled_weight * negative)
        loss = (logits + weight.log()).logsumexp(1) - logits[own]
        # Outside the vocabulary it is unknown which images have the label.
        return loss, labels.weight * (labels.hoi >= 0)
