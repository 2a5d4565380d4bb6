import torch
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
    # Few classes have a pair's object; the others cost no time.
    pair, hoi = (predictions.valid & classifier.is_trainable).nonzero(
        as_tuple=True
    )
    num_classes = predictions.valid.size(1)
    num_bags = pairs.num_images * num_classes
    bag = pairs.pair_inds[pair] * num_classes + hoi
    interactiveness = predictions.interactiveness.detach()
    weight = (
        interactiveness[pair, hoi if predictions.is_verbwise else 0].sigmoid()
        * (pairs.human_scores * pairs.object_scores)[pair]
    )
    best = weight.new_zeros(num_bags).scatter_reduce(0, bag, weight, 'amax')
    is_bag = torch.zeros_like(best, dtype=torch.bool)
    is_bag[bag] = True
    weight = weight / best[bag].clamp(min=1e-30)
    log_neg = log_prob_negative_bag(
        predictions.class_logits[pair, hoi],
        weight**instance_weight_power,
        bag,
        num_bags,
    )
    return log_neg.view(-1, num_classes), is_bag.view(-1, num_classes)
