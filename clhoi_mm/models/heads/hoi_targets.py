from dataclasses import dataclass
from typing import Optional, Union

import torch
from torch import Tensor

from ..task_modules.mil import bce_from_log_probs
from .phrase_classifier import PhraseClassifier


@dataclass
class HOITargets:
    """Training targets of a batch of B images.

    Attributes:
        captions (Tensor): Caption embeddings, (B, d).
        has_caption (Tensor): Images that have one, (B,), bool.
        sentences (Tensor): Sentence embeddings, padded, (B, K, d).
        has_sentence (Tensor): Sentences that are not padding, (B, K), bool.
        phrases (Tensor): Phrase embeddings of the image's labels, centered as
            the vocabulary's, padded, (B, M, d).
        hois (Tensor): HOI classes of the labels, -1 outside the vocabulary
            or for padding, (B, M).
        objects (Tensor): Object categories of the labels, -1 if unknown,
            (B, M).
        weights (Tensor): Confidences of the labels, 0 for padding, (B, M).
        image_targets (Tensor): Confidence that a class is in the image, 0
            where unlabeled, (B, C).
        is_labeled (Tensor): Images that have any annotation or answer, (B,),
            bool.
        is_exhaustive (bool): Whether an unlabeled class is absent, as with
            annotations, rather than unknown, as with pseudo-labels.
        unlabeled_factors (Tensor, optional): Factors of the weight of
            unlabeled classes, (C,); None: all 1.
        pair_labels (Tensor, optional): Classes of each pair with
            instance-level supervision, (P, C), float.
        pointed (Tensor, optional): Number of answers that match a pair for
            a label's class, (P, C); None where no teacher was asked.
        pair_log_ratio (Tensor, optional): Log-likelihood ratio of the
            pointing, given that the pair interacts, as the interactiveness
            logits: (P, C) or (P, 1). Set by :class:`PointingPrior`.
    """

    captions: Tensor
    has_caption: Tensor
    sentences: Tensor
    has_sentence: Tensor
    phrases: Tensor
    hois: Tensor
    objects: Tensor
    weights: Tensor
    image_targets: Tensor
    is_labeled: Tensor
    is_exhaustive: bool = False
    unlabeled_factors: Optional[Tensor] = None
    pair_labels: Optional[Tensor] = None
    pointed: Optional[Tensor] = None
    pair_log_ratio: Optional[Tensor] = None

    def labeled_objects(
        self, is_counted: Tensor, classifier: PhraseClassifier
    ) -> Tensor:
        """Find object categories for which a label states an interaction.

        A verb outside the vocabulary is an interaction too; no_interaction
        is none.

        Args:
            is_counted (Tensor): Labels that count, (B, M), bool.
            classifier (PhraseClassifier): The vocabulary's phrases.

        Returns:
            Tensor: 1 or 0, (B, O).
        """
        counted = is_counted & (self.weights > 0)
        counted &= (self.hois < 0) | ~classifier.is_no_interaction[self.hois]
        # Objects outside the vocabulary go to a last, dropped column.
        num_objects = len(classifier.object_embeds)
        column = torch.where(self.objects >= 0, self.objects, num_objects)
        flags = self.weights.new_zeros(len(counted), num_objects + 1)
        return flags.scatter_reduce(1, column, counted.to(flags), 'amax')[
            :, :-1
        ]

    def class_interactions(
        self, unlabeled_weight: float
    ) -> tuple[Tensor, Tensor]:
        """Return targets of verb-wise interactiveness.

        Args:
            unlabeled_weight (float): Weight of unlabeled classes.

        Returns:
            tuple[Tensor, Tensor]: Probability that some pair of the image has
            the class, and its weight, (B, C).
        """
        return self.image_targets, self._weigh_classes(unlabeled_weight)

    def object_interactions(
        self, classifier: PhraseClassifier, unlabeled_weight: float
    ) -> tuple[Tensor, Tensor]:
        """Return targets of the interactiveness with object categories.

        Args:
            classifier (PhraseClassifier): The vocabulary's phrases.
            unlabeled_weight (float): Weight of unlabeled objects.

        Returns:
            tuple[Tensor, Tensor]: Probability that some pair of the image
            interacts with the object, and its weight, (B, O).
        """
        target = self.labeled_objects(self.weights > 0, classifier)
        return target, self._weigh(target, unlabeled_weight)

    def class_nll(self, log_neg: Tensor, unlabeled_weight: float) -> Tensor:
        """Negative log-likelihood of the image-level labels.

        Args:
            log_neg (Tensor): Log-probability that no pair of the image has
                the class, (B, C).
            unlabeled_weight (float): Weight of unlabeled classes.

        Returns:
            Tensor: (B, C).
        """
        loss = bce_from_log_probs(log_neg, self.image_targets)
        return loss * self._weigh_classes(unlabeled_weight)

    def _weigh_classes(self, unlabeled_weight: float) -> Tensor:
        """Weigh classes as :meth:`_weigh`, by verb where that is given."""
        if self.unlabeled_factors is not None:
            unlabeled_weight = unlabeled_weight * self.unlabeled_factors
        return self._weigh(self.image_targets, unlabeled_weight)

    def _weigh(
        self, target: Tensor, unlabeled_weight: Union[float, Tensor]
    ) -> Tensor:
        """Weigh labeled entries by 1, unlabeled ones by the weight."""
        unlabeled = 1.0 if self.is_exhaustive else unlabeled_weight
        return torch.where(target > 0, 1.0, unlabeled)
