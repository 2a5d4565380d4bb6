from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from clhoi_mm.registry import MODELS

from ..heads import HOITargets, PhraseClassifier
from ..task_modules import PairBatch
from .label_bags import LabelBags
from .label_contrast_loss import LabelContrastLoss


@MODELS.register_module()
class PairContrastLoss(LabelContrastLoss):
    """InfoNCE between a label's bag of pairs and phrases.

    The bag's pairs compete for the label (softmax over their scores and
    detection scores); their pooled embedding is contrasted with the phrases
    of the vocabulary. Other labels of the same object are no negatives,
    unlabeled classes of the same object are weighed down.

    Args:
        same_object_only (bool): Whether only phrases of the label's object
            are negatives. Defaults to False.
        **kwargs: Those of :class:`LabelContrastLoss`.
    """

    def __init__(self, same_object_only: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.same_object_only = same_object_only

    def contrast(
        self,
        labels: LabelBags,
        embeds: Tensor,
        pairs: PairBatch,
        targets: HOITargets,
        classifier: PhraseClassifier,
        unlabeled_weight: float,
    ) -> tuple[Tensor, Tensor]:
        """Contrast each label's bag with the vocabulary's phrases."""
        attention = labels.attention * labels.in_bag
        bag = F.normalize(attention @ embeds, dim=1)
        logits = bag @ classifier.hoi_embeds.T / self.contrast_temperature
        positive = (bag * labels.phrase).sum(1, True)
        positive = positive / self.contrast_temperature
        same_object = classifier.hoi_objects == labels.obj[:, None]
        is_label = targets.image_targets[labels.image] > 0
        others = 0.0 if self.same_object_only else 1.0
        negative = torch.where(same_object, unlabeled_weight, others)
        negative = negative * ~(is_label & same_object)
        negative = negative * classifier.is_trainable
        loss = torch.cat([positive, logits + negative.log()], 1).logsumexp(1)
        return loss - positive[:, 0], labels.weight
