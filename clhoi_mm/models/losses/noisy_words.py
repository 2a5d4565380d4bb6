from abc import ABCMeta, abstractmethod
from typing import Optional, Union

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from clhoi_mm.vocabulary import HOIVocabulary


class NoisyWords(nn.Module, metaclass=ABCMeta):
    """The likelihood of a teacher's words; subclasses find the rates.

    A word is said of an image because its class is done there, because
    another class of the object is done and taken for it, or by chance
    (noisy-or of the three). The teacher's score of a word counts as the odds
    that the word is its own class's rather than another's, against the mean
    score's odds.

    Args:
        vocabulary (str | dict): Name of a vocabulary, path to its file, or
            its content.
        warmup (int): Iterations of interaction distillation for which words
            are taken as they are.
        momentum (float): Share of its counts that an iteration keeps.
    """

    # Scores of 0 and 1 prove nothing.
    _SCORES = 0.05, 0.97
    # Words are never impossible.
    _RARE = 1e-9

    def __init__(
        self, vocabulary: Union[str, dict], warmup: int, momentum: float
    ) -> None:
        super().__init__()
        self.vocabulary = vocab = HOIVocabulary.load(vocabulary)
        self.warmup = warmup
        self.momentum = momentum
        objects = torch.tensor(vocab.hoi_objects)
        sayable = ~torch.tensor(vocab.no_interaction_mask)
        same = objects[:, None] == objects
        done, word = (same & sayable & sayable[:, None]).nonzero(as_tuple=True)
        for name, value in (
            ('objects', objects),
            ('sayable', sayable),
            ('done', done),
            ('word', word),
            ('is_own', done == word),
        ):
            self.register_buffer(name, value, persistent=False)
        self.register_buffer('scores', torch.zeros(2))
        self.register_buffer('iterations', torch.zeros((), dtype=torch.long))

    @property
    def trusted(self) -> Tensor:
        """Whether the rates are to be used by now, a scalar bool."""
        return self.iterations > self.warmup

    @abstractmethod
    def rates(self) -> tuple[Tensor, Tensor]:
        """Probabilities that a word is said.

        Returns:
            tuple[Tensor, Tensor]: For each link from a class that is done to
            a word, (E,), and of each word by chance, (C,).
        """

    @abstractmethod
    def observe(
        self, log_none: Tensor, said: Tensor, possible: Tensor
    ) -> Optional[Tensor]:
        """See a batch, before its :meth:`loss`.

        Args:
            log_none (Tensor): Log-probability that no pair of the image does
                the class, by the student, (B, C).
            said (Tensor): Teacher's scores, 0 where not mentioned, (B, C).
            possible (Tensor): Whether the image has a pair with the class's
                object and was looked at by the teacher, (B, C).

        Returns:
            Tensor, optional: Probability that an object is used, (B, O);
            None to take the teacher at its word.
        """

    def belief_rates(self) -> tuple[Tensor, Tensor]:
        """Rates by which :meth:`believe` weighs words, see :meth:`rates`."""
        return self.rates()

    def prior_loss(self) -> Tensor:
        """What the rates themselves cost, a scalar."""
        return self.scores.new_zeros(())

    def confusion(self) -> Tensor:
        """The rates as a matrix.

        Returns:
            Tensor: Probability that a class's word (column) is said of an
            image in which another is done (row), (C, C).
        """
        rates = self.rates()[0].detach()
        matrix = rates.new_zeros(len(self.objects), len(self.objects))
        matrix[self.done, self.word] = rates
        return matrix

    def _ratio(self, said: Tensor) -> Tensor:
        """How much likelier a word's score is if the word is right."""
        score = said.clamp(*self._SCORES)
        mean = (self.scores[0] / self.scores[1].clamp(min=1e-6)).clamp(
            *self._SCORES
        )
        ratio = score / (1 - score) * (1 - mean) / mean
        return torch.where(said > 0, ratio, 1.0)

    @torch.no_grad()
    def count_scores(self, said: Tensor, mentioned: Tensor) -> None:
        """Follow the mean score of words.

        Args:
            said (Tensor): Teacher's scores, 0 where not mentioned, (B, C).
            mentioned (Tensor): 1 for words that count, (B, C).
        """
        batch = torch.stack([(said * mentioned).sum(), mentioned.sum()])
        all_reduce(batch)
        self.scores.mul_(self.momentum).add_(batch)

    def loss(self, log_none: Tensor, said: Tensor) -> Tensor:
        """Negative log-likelihood of what was said and what was not.

        Args:
            log_none (Tensor): Log-probability that no pair of the image does
                the class, by the student, (B, C).
            said (Tensor): Teacher's scores, 0 where not mentioned, (B, C).

        Returns:
            Tensor: Of each image and class, (B, C).
        """
        yes = -torch.expm1(log_none)
        own, _, log_silent = self._silences(yes, *self.rates())
        by_own = own * yes
        by_other = -torch.expm1(log_silent)
        log_said = torch.log(
            (by_own * self._ratio(said) + (1 - by_own) * by_other).clamp(
                min=self._RARE
            )
        )
        log_unsaid = torch.log1p(-by_own) + log_silent
        return -torch.where(said > 0, log_said, log_unsaid)

    @torch.no_grad()
    def believe(
        self, log_none: Tensor, said: Tensor, possible: Tensor
    ) -> Tensor:
        """What is done, by who has looked and by what was said.

        Bayes' rule for each class, the others of its object done as probably
        as was seen.

        Args:
            log_none (Tensor): Log-probability that no pair of the image does
                the class, by an elder, (B, C).
            said (Tensor): Teacher's scores, 0 where not mentioned, (B, C).
            possible (Tensor): Whether the image has a pair with the class's
                object and was looked at by the teacher, (B, C).

        Returns:
            Tensor: Probability that a class is done, 0 where it is not
            possible, (B, C).
        """
        possible = possible & self.sayable
        said = said * possible
        # Who has looked is never quite sure.
        yes = (-torch.expm1(log_none)).clamp(1e-4, 1 - 1e-4)
        rates, chance = self.belief_rates()
        own, links, log_silent = self._silences(yes, rates, chance)
        # The word of the class itself.
        other = -torch.expm1(log_silent)
        log_odds = torch.logit(yes) + self._evidence(
            said, own, other, self._ratio(said)
        )
        # Words of others for which the class may be taken; words that cannot
        # be said, as of classes not to be learned, are no evidence.
        word = said[:, self.word]
        other = -torch.expm1(
            (log_silent + torch.log1p(-own * yes))[:, self.word] - links
        )
        evidence = self._evidence(word, rates, other, torch.ones_like(word))
        evidence = evidence * (possible[:, self.word] & ~self.is_own)
        log_odds = log_odds.index_add(1, self.done, evidence)
        return log_odds.sigmoid() * possible

    def _silences(
        self, yes: Tensor, rates: Tensor, chance: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What keeps a teacher from words that are not of their own class.

        Args:
            yes (Tensor): Probability that a class is done, (B, C).
            rates (Tensor): Of links, (E,).
            chance (Tensor): Of words, (C,).

        Returns:
            tuple[Tensor, Tensor, Tensor]: Rate of each class's own word,
            (C,); log-probability that a link says nothing, (B, E), and that
            all links to a word and chance say nothing, (B, C).
        """
        own = torch.zeros_like(chance).index_add(
            0, self.done, rates * self.is_own
        )
        links = torch.log1p(-rates * ~self.is_own * yes[:, self.done])
        log_silent = torch.log1p(-chance) + torch.zeros_like(yes).index_add(
            1, self.word, links
        )
        return own, links, log_silent

    def _evidence(
        self, said: Tensor, rate: Tensor, other: Tensor, ratio: Tensor
    ) -> Tensor:
        """Log-likelihood ratio of a word or silence, if a class is done.

        Args:
            said (Tensor): Above 0 where it was said.
            rate (Tensor): How often the class makes the teacher say it.
            other (Tensor): Probability that it is said all the same.
            ratio (Tensor): How much likelier its score is if the class is
                its reason.
        """
        word = (
            (rate * ratio + (1 - rate) * other).clamp(min=self._RARE)
            / other.clamp(min=self._RARE)
        ).log()
        return torch.where(said > 0, word, torch.log1p(-rate))
