from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..heads import HOITargets, PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from .class_bags import class_bags
from .distributed import distributed_weighted_mean


@MODELS.register_module()
class MILLoss(nn.Module):
    """Multiple-instance loss from image-level labels to pair classes.

    Noisy-or over the pairs of an image that could have the class, weighted by
    relative interactiveness (:func:`class_bags`), against the label's
    confidence. An unlabeled class is unknown rather than false and has less
    weight. Targets with a label noise model bring its corrected likelihood
    (:meth:`HOITargets.class_nll`).

    Args:
        instance_weight_power (float): Power of a pair's relative weight; 0
            weighs all pairs alike.
        unlabeled_weight (float): Weight of unlabeled classes, unless the
            labels are exhaustive.
    """

    def __init__(
        self, instance_weight_power: float = 4.0, unlabeled_weight: float = 0.3
    ) -> None:
        super().__init__()
        self.instance_weight_power = instance_weight_power
        self.unlabeled_weight = unlabeled_weight

    def forward(
        self,
        predictions: PairPredictions,
        pairs: PairBatch,
        targets: HOITargets,
        classifier: PhraseClassifier,
    ) -> dict[str, Tensor]:
        """Compute the loss of a batch's bags.

        Args:
            predictions (PairPredictions): Predictions for P pairs.
            pairs (PairBatch): The pairs of B images.
            targets (HOITargets): Image-level labels.
            classifier (PhraseClassifier): The vocabulary's phrases.

        Returns:
            dict[str, Tensor]: ``loss_mil``.
        """
        log_neg, is_bag = class_bags(
            predictions, pairs, classifier, self.instance_weight_power
        )
        loss = targets.class_nll(log_neg, self.unlabeled_weight)
        bag_mask = is_bag & targets.is_labeled[:, None]
        return dict(loss_mil=distributed_weighted_mean(loss, bag_mask))
