from dataclasses import dataclass
from typing import Callable, Optional

import torch
from torch import Tensor

from ..heads import HOITargets, PhraseClassifier


@dataclass
class CorrectedTargets(HOITargets):
    """Targets whose labels a label noise model corrects.

    Attributes:
        corrects (Tensor, optional): Whether the correction is in use, a
            scalar bool; the labels are taken as they are until the noise
            model is warmed up.
        class_posterior (Tensor, optional): Posterior of each class, (B, C).
        object_posterior (Tensor, optional): Posterior that some pair of the
            image interacts with the object, (B, O).
        corrected_nll (Callable, optional): From log-probabilities that no
            pair of the image has the class, (B, C), to the corrected negative
            log-likelihood, (B, C).
    """

    corrects: Optional[Tensor] = None
    class_posterior: Optional[Tensor] = None
    object_posterior: Optional[Tensor] = None
    corrected_nll: Optional[Callable[[Tensor], Tensor]] = None

    def class_interactions(
        self, unlabeled_weight: float
    ) -> tuple[Tensor, Tensor]:
        """See :meth:`HOITargets.class_interactions`."""
        labels = super().class_interactions(unlabeled_weight)
        return self._correct(labels, self.class_posterior)

    def object_interactions(
        self, classifier: PhraseClassifier, unlabeled_weight: float
    ) -> tuple[Tensor, Tensor]:
        """See :meth:`HOITargets.object_interactions`."""
        labels = super().object_interactions(classifier, unlabeled_weight)
        return self._correct(labels, self.object_posterior)

    def class_nll(self, log_neg: Tensor, unlabeled_weight: float) -> Tensor:
        """See :meth:`HOITargets.class_nll`."""
        return torch.where(
            self.corrects,
            self.corrected_nll(log_neg),
            super().class_nll(log_neg, unlabeled_weight),
        )

    def _correct(
        self, labels: tuple[Tensor, Tensor], posterior: Optional[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Replace labels by the posterior, which weighs 1 throughout."""
        if posterior is None:
            return labels
        target, weight = labels
        return (
            torch.where(self.corrects, posterior, target),
            torch.where(self.corrects, 1.0, weight),
        )
