import math
from typing import Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from .noisy_words import NoisyWords


@MODELS.register_module()
class LearnedTeacherNoise(NoisyWords):
    """The teacher's noise, its rates learned along with the student.

    Words have the likelihood that :class:`NoisyWords` gives them, but how
    often a verb is taken for another of its object is learned by gradient
    descent on this likelihood: a word that comes with another verb's
    images whatever the pairs look like is cheaper to explain by a rate than
    by pairs. It needs no guess of one verb an object, and so fits images in
    which people do several things to one object; where verbs exclude each
    other, counting finds more.

    Args:
        vocabulary (str | dict): Name of a vocabulary, path to its file, or
            its content.
        warmup (int): Iterations of interaction distillation for which words
            are taken as they are.
        own_rate (float): Probability that a class that is done is said. Held:
            whether a silent teacher missed something or nothing was done
            cannot be told from words. Defaults to 0.8.
        other_rate (float): Probability at the start that another class of
            the object is taken for it. Defaults to 0.05.
        chance_rate (float): Probability at the start that a word is said by
            chance, learned for all classes alike. Defaults to 0.05.
        other_prior (tuple[float]): Parameters of the Beta distribution that
            rates of confusion are thought to come from: most are small, some
            large.
        prior_weight (float): Weight of this belief against the mean loss of
            a class in an image; about one over the number of images and
            compatible classes of an epoch.
        belief_rates (tuple[float]): What :meth:`believe` takes for the
            probability that a class that is done is said, and for the least
            one of a word by chance. Learned rates are of words that the same
            student has learned to see a reason for: next to none is left to
            chance, and to believe them would be to believe every word.
        speed (float): How many logits a rate moves where a weight of the
            network moves by one.
        momentum (float): Share that an iteration keeps of the sum from which
            the mean score of words is taken.
    """

    def __init__(
        self,
        vocabulary: Union[str, dict],
        warmup: int,
        own_rate: float = 0.8,
        other_rate: float = 0.05,
        chance_rate: float = 0.05,
        other_prior: tuple[float, float] = (0.8, 2.2),
        prior_weight: float = 1.6e-5,
        belief_rates: tuple[float, float] = (0.6, 0.1),
        speed: float = 30.0,
        momentum: float = 0.99,
    ) -> None:
        super().__init__(vocabulary, warmup, momentum)
        self.own_rate = own_rate
        self.other_prior = other_prior
        self.prior_weight = prior_weight
        self.own_belief, self.least_chance = belief_rates
        self.speed = speed
        for name, rate, count in (
            ('other', other_rate, len(self.done)),
            ('chance', chance_rate, 1),
        ):
            logit = math.log(rate / (1 - rate)) / speed
            setattr(self, name, nn.Parameter(torch.full((count,), logit)))

    def rates(self) -> tuple[Tensor, Tensor]:
        """As learned so far, see :meth:`NoisyWords.rates`."""
        # Short of certainty, of which no logarithm is left.
        other = (self.other * self.speed).sigmoid().clamp(max=0.97)
        chance = (self.chance * self.speed).sigmoid().clamp(max=0.97)
        return torch.where(self.is_own, self.own_rate, other), chance.expand(
            len(self.objects)
        )

    def belief_rates(self) -> tuple[Tensor, Tensor]:
        """With a typical recall and some chance, see :meth:`rates`."""
        rates, chance = self.rates()
        return torch.where(self.is_own, self.own_belief, rates), chance.clamp(
            min=self.least_chance
        )

    def observe(
        self, log_none: Tensor, said: Tensor, possible: Tensor
    ) -> None:
        """Count the iteration; which objects are used, is not doubted.

        Args:
            log_none (Tensor): Log-probability that no pair of the image does
                the class, by the student, (B, C).
            said (Tensor): Teacher's scores, 0 where not mentioned, (B, C).
            possible (Tensor): Whether the image has a pair with the class's
                object and was looked at by the teacher, (B, C).
        """
        mentioned = (said > 0) & possible & self.sayable
        self.count_scores(said, mentioned.to(said))
        self.iterations += 1

    def prior_loss(self) -> Tensor:
        """Negative logarithm of the belief in the rates, a scalar."""
        alpha, beta = self.other_prior
        logit = self.other * self.speed
        belief = (alpha - 1) * F.logsigmoid(logit) + (beta - 1) * F.logsigmoid(
            -logit
        )
        # Own classes' rates are held; their parameter says nothing. Of chance
        # nothing is believed, but it has a gradient wherever the others do.
        return (
            -self.prior_weight * (belief * ~self.is_own).sum()
            + 0.0 * self.chance.sum()
        )
