from abc import ABCMeta, abstractmethod
from functools import partial
from typing import Optional, Union

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from clhoi_mm.vocabulary import HOIVocabulary

from ..heads import HOITargets, PairPredictions, PhraseClassifier
from ..losses.class_bags import class_bags
from ..task_modules import PairBatch
from ..task_modules.mil import bce_from_log_probs
from .corrected_targets import CorrectedTargets


class LabelNoiseModel(nn.Module, metaclass=ABCMeta):
    """Label noise model of image-level pseudo-labels (arXiv 1406.2080).

    A label is emitted by its own class (recall), by another class of the same
    object that is confused with it (transition probability), or as a false
    positive: noisy-or of the three. A label's score counts as the odds that
    its own class emitted it, relative to the odds of the mean score.
    Subclasses estimate the probabilities.

    Args:
        vocabulary (str | dict): Name of a vocabulary, path to its file, or
            its content.
        warmup (int): Iterations of interaction distillation in which labels
            are taken as they are.
        momentum (float): Share of its statistics that an iteration keeps.
        instance_weight_power (float): As :class:`MILLoss`'s.
    """

    # Bounds that keep a score's odds finite.
    _SCORES = 0.05, 0.97
    # Lower bound that keeps logarithms finite.
    _TINY = 1e-9

    def __init__(
        self,
        vocabulary: Union[str, dict],
        warmup: int,
        momentum: float,
        instance_weight_power: float,
    ) -> None:
        super().__init__()
        self.vocabulary = vocab = HOIVocabulary.load(vocabulary)
        self.warmup = warmup
        self.momentum = momentum
        self.instance_weight_power = instance_weight_power
        objects = torch.tensor(vocab.hoi_objects)
        can_emit = ~torch.tensor(vocab.no_interaction_mask)
        same = objects[:, None] == objects
        source, label = (same & can_emit & can_emit[:, None]).nonzero(
            as_tuple=True
        )
        for name, value in (
            ('objects', objects),
            ('can_emit', can_emit),
            # Transitions from a class to a label, (E,).
            ('source', source),
            ('label', label),
            ('is_own', source == label),
        ):
            self.register_buffer(name, value, persistent=False)
        self.register_buffer('scores', torch.zeros(2))
        self.register_buffer('iterations', torch.zeros((), dtype=torch.long))

    @property
    def is_warmed_up(self) -> Tensor:
        """True once the model corrects labels, a scalar bool."""
        return self.iterations > self.warmup

    def forward(
        self,
        targets: HOITargets,
        predictions: PairPredictions,
        pairs: PairBatch,
        classifier: PhraseClassifier,
        self_teacher: Optional[PairPredictions] = None,
    ) -> CorrectedTargets:
        """Correct image-level labels by the student's predictions.

        Args:
            targets (HOITargets): Image-level labels.
            predictions (PairPredictions): The student's, of P pairs.
            pairs (PairBatch): The pairs of B images.
            classifier (PhraseClassifier): The vocabulary's phrases.
            self_teacher (PairPredictions, optional): Predictions of the frozen
                earlier student of a self-distillation round; its posteriors
                then replace the labels.

        Returns:
            CorrectedTargets: The same targets with their correction.
        """
        with (
            torch.no_grad(),
            torch.autocast(predictions.embeds.device.type, enabled=False),
        ):
            log_neg, is_bag = class_bags(
                self_teacher or predictions,
                pairs,
                classifier,
                self.instance_weight_power,
            )
            labels = targets.image_targets
            bag_mask = is_bag & targets.is_labeled[:, None]
            object_posterior = self.update(log_neg, labels, bag_mask)
            # Labels outside the vocabulary cannot be corrected.
            out_of_vocab = targets.labeled_objects(
                targets.hois < 0, classifier
            )
            posterior = None
            if predictions.is_verbwise or self_teacher is not None:
                posterior = self.posterior(log_neg, labels, bag_mask)
            if self_teacher is not None:
                object_posterior = self._any_of_object(posterior)
            if object_posterior is not None:
                object_posterior = torch.maximum(
                    object_posterior, out_of_vocab
                )
        if self_teacher is None:
            corrects, nll = self.is_warmed_up, partial(self.nll, labels=labels)
        else:
            corrects = torch.ones_like(self.is_warmed_up)
            nll = partial(bce_from_log_probs, target=posterior)
        return CorrectedTargets(
            **vars(targets),
            corrects=corrects,
            class_posterior=posterior,
            object_posterior=object_posterior,
            corrected_nll=nll,
        )

    def _any_of_object(self, posterior: Tensor) -> Tensor:
        """Compute the probability of any class of an object, (B, O)."""
        log_none = posterior.new_zeros(
            len(posterior), len(self.vocabulary.objects)
        ).index_add(
            1, self.objects, torch.log1p(-posterior.clamp(max=1 - 1e-6))
        )
        return -torch.expm1(log_none)

    @abstractmethod
    def transition_probs(self) -> tuple[Tensor, Tensor]:
        """Return the probabilities that a label is emitted.

        Returns:
            tuple[Tensor, Tensor]: By a present class through each transition
            (recall where it is the label's own), (E,), and of each label as a
            false positive, (C,).
        """

    @abstractmethod
    def update(
        self, log_neg: Tensor, labels: Tensor, bag_mask: Tensor
    ) -> Optional[Tensor]:
        """Update the statistics with a batch, before its :meth:`nll`.

        Args:
            log_neg (Tensor): Log-probability that no pair of the image has
                the class, (B, C).
            labels (Tensor): Scores of the labels, 0 where unlabeled, (B, C).
            bag_mask (Tensor): Whether the image has an answer and a pair that
                could have the class, (B, C), bool.

        Returns:
            Tensor, optional: Posterior that some pair of the image interacts
            with the object, (B, O); None to take the labels as they are.
        """

    def posterior_probs(self) -> tuple[Tensor, Tensor]:
        """Return the probabilities by which :meth:`posterior` weighs labels.

        Returns:
            tuple[Tensor, Tensor]: As :meth:`transition_probs`, its default.
        """
        return self.transition_probs()

    def prior_losses(self, is_used: Tensor) -> dict[str, Tensor]:
        """Compute losses of the learned probabilities themselves.

        Args:
            is_used (Tensor): Whether :meth:`nll` corrects the labels, a
                scalar bool.

        Returns:
            dict[str, Tensor]: Empty where nothing is learned by gradient.
        """
        return {}

    def transition_matrix(self) -> Tensor:
        """Arrange the transition probabilities as a matrix.

        Returns:
            Tensor: Probability that a label (column) is emitted by a present
            class (row), (C, C).
        """
        probs = self.transition_probs()[0].detach()
        matrix = probs.new_zeros(len(self.objects), len(self.objects))
        matrix[self.source, self.label] = probs
        return matrix

    def _likelihood_ratio(self, labels: Tensor) -> Tensor:
        """Compute the likelihood ratio of a label's score."""
        score = labels.clamp(*self._SCORES)
        mean = (self.scores[0] / self.scores[1].clamp(min=1e-6)).clamp(
            *self._SCORES
        )
        ratio = score / (1 - score) * (1 - mean) / mean
        return torch.where(labels > 0, ratio, 1.0)

    @torch.no_grad()
    def update_scores(self, labels: Tensor, is_label: Tensor) -> None:
        """Update the mean score of labels.

        Args:
            labels (Tensor): Scores of the labels, 0 where unlabeled, (B, C).
            is_label (Tensor): 1 for labels that count, (B, C).
        """
        batch = torch.stack([(labels * is_label).sum(), is_label.sum()])
        all_reduce(batch)
        self.scores.mul_(self.momentum).add_(batch)

    def nll(self, log_neg: Tensor, labels: Tensor) -> Tensor:
        """Negative log-likelihood of labels and of their absence.

        Forward correction (arXiv 1609.03683) with the transition
        probabilities of all classes of an object.

        Args:
            log_neg (Tensor): Log-probability that no pair of the image has
                the class, (B, C).
            labels (Tensor): Scores of the labels, 0 where unlabeled, (B, C).

        Returns:
            Tensor: Of each image and class, (B, C).
        """
        present = -torch.expm1(log_neg)
        recall, _, log_no_other = self._log_no_emission(
            present, *self.transition_probs()
        )
        by_own = recall * present
        by_other = -torch.expm1(log_no_other)
        ratio = self._likelihood_ratio(labels)
        log_label = torch.log(
            (by_own * ratio + (1 - by_own) * by_other).clamp(min=self._TINY)
        )
        log_no_label = torch.log1p(-by_own) + log_no_other
        return -torch.where(labels > 0, log_label, log_no_label)

    @torch.no_grad()
    def posterior(
        self, log_neg: Tensor, labels: Tensor, bag_mask: Tensor
    ) -> Tensor:
        """Posterior of each class given predictions and labels.

        Bayes' rule class by class, with the other classes of the object
        present as probably as predicted.

        Args:
            log_neg (Tensor): Log-probability that no pair of the image has
                the class, (B, C).
            labels (Tensor): Scores of the labels, 0 where unlabeled, (B, C).
            bag_mask (Tensor): Whether the image has an answer and a pair that
                could have the class, (B, C), bool.

        Returns:
            Tensor: Probability of each class, 0 outside the mask, (B, C).
        """
        bag_mask = bag_mask & self.can_emit
        labels = labels * bag_mask
        # Clamp to keep logits finite.
        present = (-torch.expm1(log_neg)).clamp(1e-4, 1 - 1e-4)
        probs, false_positive = self.posterior_probs()
        recall, log_miss, log_no_other = self._log_no_emission(
            present, probs, false_positive
        )
        # The class's own label.
        by_other = -torch.expm1(log_no_other)
        log_odds = torch.logit(present) + self._evidence(
            labels, recall, by_other, self._likelihood_ratio(labels)
        )
        # Labels with which the class may be confused, where they can occur.
        label = labels[:, self.label]
        by_other = -torch.expm1(
            (log_no_other + torch.log1p(-recall * present))[:, self.label]
            - log_miss
        )
        evidence = self._evidence(
            label, probs, by_other, torch.ones_like(label)
        )
        evidence = evidence * (bag_mask[:, self.label] & ~self.is_own)
        log_odds = log_odds.index_add(1, self.source, evidence)
        return log_odds.sigmoid() * bag_mask

    def _log_no_emission(
        self, present: Tensor, probs: Tensor, false_positive: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probability that a label's own class alone can emit it.

        Args:
            present (Tensor): Probability of each class, (B, C).
            probs (Tensor): Probabilities of transitions, (E,).
            false_positive (Tensor): Probabilities of labels, (C,).

        Returns:
            tuple[Tensor, Tensor, Tensor]: Recall of each class, (C,);
            log-probability that a transition emits nothing, (B, E), and that
            neither transitions nor a false positive emit a label, (B, C).
        """
        recall = torch.zeros_like(false_positive).index_add(
            0, self.source, probs * self.is_own
        )
        log_miss = torch.log1p(-probs * ~self.is_own * present[:, self.source])
        log_no_other = torch.log1p(-false_positive) + torch.zeros_like(
            present
        ).index_add(1, self.label, log_miss)
        return recall, log_miss, log_no_other

    def _evidence(
        self, labels: Tensor, prob: Tensor, by_other: Tensor, ratio: Tensor
    ) -> Tensor:
        """Compute a label's log-likelihood ratio, given a class.

        Args:
            labels (Tensor): Above 0 where the label is there.
            prob (Tensor): Probability that the class emits it.
            by_other (Tensor): Probability that another source emits it.
            ratio (Tensor): Likelihood ratio of its score.

        Returns:
            Tensor: Of the shape of `labels`.
        """
        label = (
            (prob * ratio + (1 - prob) * by_other).clamp(min=self._TINY)
            / by_other.clamp(min=self._TINY)
        ).log()
        return torch.where(labels > 0, label, torch.log1p(-prob))
