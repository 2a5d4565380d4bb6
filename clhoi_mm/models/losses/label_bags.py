from dataclasses import dataclass

import torch
from torch import Tensor

from ..heads import HOITargets, PairPredictions
from ..task_modules import PairBatch


@dataclass
class LabelBags:
    """A batch's labels as a flat list, with the pairs that may be meant.

    Attributes:
        image (Tensor): Image of each label, (W,).
        hoi (Tensor): HOI class, -1 outside the vocabulary, (W,).
        obj (Tensor): Object category, (W,).
        phrase (Tensor): Centered phrase embedding, (W, d).
        weight (Tensor): Confidence, 0 for labels without a pair, (W,).
        attention (Tensor): Softmax of the label's pairs over their scores and
            detection scores, in each image apart, 0 for pairs of other
            objects, (W, P).
        in_bag (Tensor): Pairs of the label's own image, (W, P), bool.
    """

    image: Tensor
    hoi: Tensor
    obj: Tensor
    phrase: Tensor
    weight: Tensor
    attention: Tensor
    in_bag: Tensor

    @classmethod
    def of(
        cls,
        predictions: PairPredictions,
        pairs: PairBatch,
        targets: HOITargets,
        attention_temperature: float,
        contrast_temperature: float,
    ) -> 'LabelBags':
        """Collect the labels of a batch.

        Args:
            predictions (PairPredictions): Predictions for P pairs.
            pairs (PairBatch): The pairs of B images.
            targets (HOITargets): Image-level labels with phrases.
            attention_temperature (float): Temperature of the attention.
            contrast_temperature (float): Temperature of similarities, by
                which pairs are scored for labels outside the vocabulary.

        Returns:
            LabelBags: Of W labels.
        """
        image, label = (targets.weights > 0).nonzero(as_tuple=True)
        hoi, obj = targets.hois[image, label], targets.objects[image, label]
        phrase = targets.phrases[image, label]
        known = hoi.clamp(min=0)
        scores = torch.where(
            hoi >= 0,
            predictions.logits[:, known].float(),
            predictions.embeds @ phrase.T / contrast_temperature,
        ).T
        has_object = obj[:, None] == pairs.object_labels
        in_bag = has_object & (image[:, None] == pairs.pair_inds)
        if targets.pair_labels is not None:
            in_bag &= targets.pair_labels[:, known].T > 0
            has_object = in_bag
        confidence = (pairs.human_scores * pairs.object_scores).clamp(min=1e-6)
        logits = scores.detach() / attention_temperature + confidence.log()
        return cls(
            image,
            hoi,
            obj,
            phrase,
            targets.weights[image, label] * in_bag.any(1),
            _softmax_by_image(logits, has_object, pairs),
            in_bag,
        )


def _softmax_by_image(
    logits: Tensor, mask: Tensor, pairs: PairBatch
) -> Tensor:
    """Softmax over the masked pairs of each image, (W, P)."""
    logits = logits.masked_fill(~mask, -1e4)
    index = pairs.pair_inds.expand_as(logits)
    shape = len(logits), pairs.num_images
    top = logits.new_full(shape, -1e4).scatter_reduce(1, index, logits, 'amax')
    exp = (logits - top.gather(1, index)).exp() * mask
    total = exp.new_zeros(shape).scatter_add(1, index, exp)
    return exp / total.gather(1, index).clamp(min=1e-30)
