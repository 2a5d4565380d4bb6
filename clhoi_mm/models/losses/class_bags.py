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
    hoi, is_class = classifier.trainable_classes(pairs.object_labels)
    interactiveness = predictions.interactiveness.detach()
    if predictions.is_verbwise:
        interactiveness = interactiveness.gather(1, hoi)
    scores = (pairs.human_scores * pairs.object_scores)[:, None]
    weight = (interactiveness.sigmoid() * scores).expand(hoi.shape).flatten()
    num_classes = predictions.valid.size(1)
    num_bags = pairs.num_images * num_classes
    # Padding has a bag of its own, the last one.
    bag = pairs.pair_inds[:, None] * num_classes + hoi
    bag = bag.masked_fill(~is_class, num_bags).flatten()
    best = weight.new_full((num_bags + 1,), -1.0)
    best = best.scatter_reduce(0, bag, weight, 'amax')
    weight = weight / best[bag].clamp(min=1e-30)
    log_neg = log_prob_negative_bag(
        predictions.class_logits.gather(1, hoi).flatten(),
        weight**instance_weight_power,
        bag,
        num_bags + 1,
    )
    return (
        log_neg[:-1].view(-1, num_classes),
        (best[:-1] >= 0).view(-1, num_classes),
    )
