from torch import Tensor

from ..heads import PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from ..task_modules.mil import log_prob_negative_bag


def class_bags(
    predictions: PairPredictions,
    pairs: PairBatch,
    classifier: PhraseClassifier,
    instance_weight_power: float,
) -> tuple[Tensor, Tensor]:
    """Pool an image's pairs into class bags, weighted by interactiveness.

    A pair's weight is the product of its interactiveness and its detection
    scores, relative to the best pair of the bag, so that a bag of
    non-interacting pairs still explains its label.

    Args:
        predictions (PairPredictions): Predictions for P pairs.
        pairs (PairBatch): The pairs of B images.
        classifier (PhraseClassifier): The vocabulary's phrases.
        instance_weight_power (float): Power of the relative weight; 0 weighs
            all pairs alike.

    Returns:
        tuple[Tensor, Tensor]: Log-probability that no pair of the image has
        the class, (B, C), and non-empty bags, (B, C), bool.
    """
    scored = predictions.valid & classifier.is_trainable
    weight = (
        predictions.interactiveness.detach().sigmoid()
        * (pairs.human_scores * pairs.object_scores)[:, None]
        * scored
    )
    shape = pairs.num_images, weight.size(1)
    count = weight.new_zeros(shape).index_add(
        0, pairs.pair_inds, scored.to(weight)
    )
    best = weight.new_zeros(shape).scatter_reduce(
        0, pairs.pair_inds[:, None].expand_as(weight), weight, 'amax'
    )
    weight = weight / best[pairs.pair_inds].clamp(min=1e-30)
    log_neg = log_prob_negative_bag(
        predictions.class_logits,
        weight**instance_weight_power * scored,
        pairs.pair_inds,
        pairs.num_images,
    )
    # Zero weights leave rounding errors.
    return log_neg.masked_fill(count == 0, 0.0), count > 0
