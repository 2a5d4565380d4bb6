import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clhoi_mm.registry import MODELS
from ..heads import Interactions, PhraseTable, TeacherTargets
from ..task_modules import PairBatch


@MODELS.register_module()
class InteractionDistillLoss(nn.Module):
    """From words about whole images to pairs of boxes.

    The pairs of an image whose object a word names are its bag. Image part:
    the probability that any pair of the bag does it (noisy-or) against the
    teacher's confidence; what the teacher left unsaid is unlabelled rather
    than false and is weighed down. Contrastive part: the bag's pairs compete
    (softmax over their scores and detection scores) for the word, and the
    winner's embedding is contrasted with the phrases of the vocabulary; verbs
    that the teacher mentions for the object are no negatives, unmentioned
    ones of the same object are weighed down. With instance-level labels the
    image part becomes a loss on pairs and the bag its labelled pairs.

    Args:
        image_weight (float): Weight of the image part. Defaults to 1.
        contrast_weight (float): Weight of the contrastive part.
        unmentioned_weight (float): Weight of classes that the teacher did
            not mention. Defaults to 0.3.
        attention_temperature (float): Temperature of the competition.
        contrast_temperature (float): Temperature of the contrast.
        score_power (float): Exponent of detection scores in a pair's
            probability. Defaults to 1.
    """

    def __init__(self,
                 image_weight: float = 1.0,
                 contrast_weight: float = 0.5,
                 unmentioned_weight: float = 0.3,
                 attention_temperature: float = 1.0,
                 contrast_temperature: float = 0.1,
                 score_power: float = 1.0) -> None:
        super().__init__()
        self.image_weight = image_weight
        self.contrast_weight = contrast_weight
        self.unmentioned_weight = unmentioned_weight
        self.attention_temperature = attention_temperature
        self.contrast_temperature = contrast_temperature
        self.score_power = score_power

    def forward(self, interactions: Interactions, pairs: PairBatch,
                targets: TeacherTargets,
                phrases: PhraseTable) -> dict[str, Tensor]:
        """Compare.

        Args:
            interactions (Interactions): What the ICN thinks of the pairs.
            pairs (PairBatch): The pairs.
            targets (TeacherTargets): What the teacher said.
            phrases (PhraseTable): The vocabulary's embeddings.

        Returns:
            dict[str, Tensor]: ``loss_interaction`` and ``loss_contrast``.
        """
        # Half precision is too coarse for similarities over a temperature.
        with torch.autocast(interactions.embeds.device.type, enabled=False):
            if targets.pair_labels is None:
                loss = self._image_loss(interactions, pairs, targets, phrases)
            else:
                loss = self._pair_loss(interactions, targets.pair_labels,
                                       phrases)
            contrast = self._contrast(interactions, pairs, targets, phrases)
        return dict(
            loss_interaction=self.image_weight * loss,
            loss_contrast=self.contrast_weight * contrast)

    def _unmentioned(self, targets: TeacherTargets) -> float:
        """Weight of what is not mentioned: annotations leave nothing out."""
        return 1. if targets.complete else self.unmentioned_weight

    def _pair_loss(self, interactions: Interactions, labels: Tensor,
                   phrases: PhraseTable) -> Tensor:
        scored = interactions.valid & ~phrases.is_absence
        loss = F.binary_cross_entropy_with_logits(
            interactions.logits.float(), labels, reduction='none')
        return (loss * scored).sum() / scored.sum().clamp(min=1)

    def _image_loss(self, interactions: Interactions, pairs: PairBatch,
                    targets: TeacherTargets, phrases: PhraseTable) -> Tensor:
        weight = (pairs.human_scores * pairs.object_scores)**self.score_power
        logits = interactions.logits.float()
        scored = interactions.valid & ~phrases.is_absence
        # log(1 - weight * sigmoid(logit)), exact and with a gradient however
        # sure the model is.
        miss = torch.logaddexp(
            F.logsigmoid(-logits),
            torch.log1p(-weight)[:, None] + F.logsigmoid(logits)) * scored
        shape = targets.image_scores.shape
        log_none = miss.new_zeros(shape).index_add(0, pairs.pair_inds, miss)
        possible = log_none.new_zeros(shape).index_add(
            0, pairs.pair_inds, scored.to(log_none)) > 0
        possible &= targets.known[:, None]
        log_any = torch.log((-torch.expm1(log_none)).clamp(min=1e-30))
        target = targets.image_scores
        loss = -(target * log_any + (1 - target) * log_none)
        loss = loss * torch.where(target > 0, 1., self._unmentioned(targets))
        return (loss * possible).sum() / possible.sum().clamp(min=1)

    def _contrast(self, interactions: Interactions, pairs: PairBatch,
                  targets: TeacherTargets, phrases: PhraseTable) -> Tensor:
        # Flat list of what was said, (W,): image, class or -1, object, weight.
        image, word = (targets.weights > 0).nonzero(as_tuple=True)
        hoi, obj = targets.hois[image, word], targets.objects[image, word]
        phrase = targets.phrases[image, word]
        weight = targets.weights[image, word]
        embeds = interactions.embeds
        scores = torch.where(
            hoi >= 0, interactions.logits[:, hoi.clamp(min=0)].float(),
            embeds @ phrase.T / self.contrast_temperature)
        in_bag = (pairs.pair_inds[:, None] == image) & (
            pairs.object_labels[:, None] == obj)
        if targets.pair_labels is not None:
            in_bag &= targets.pair_labels[:, hoi.clamp(min=0)] > 0
        confidence = (pairs.human_scores * pairs.object_scores).clamp(min=1e-6)
        compete = (scores.detach() / self.attention_temperature +
                   confidence.log()[:, None])
        share = compete.masked_fill(~in_bag, -1e4).softmax(0) * in_bag
        bag = F.normalize(share.T @ embeds, dim=1)

        logits = bag @ phrases.hoi_embeds.T / self.contrast_temperature
        own = (bag * phrase).sum(1, True) / self.contrast_temperature
        same_object = phrases.hoi_objects == obj[:, None]
        said = targets.image_scores[image] > 0
        negative = torch.where(same_object, self._unmentioned(targets), 1.)
        negative = negative * ~(said & same_object) * ~phrases.is_absence
        loss = torch.cat([own, logits + negative.log()],
                         1).logsumexp(1) - own[:, 0]
        weight = weight * in_bag.any(0)
        return (loss * weight).sum() / weight.sum().clamp(min=1e-6)
