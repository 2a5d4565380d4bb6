from typing import Union

import torch
from mmengine.dist import all_reduce
from torch import Tensor

from clhoi_mm.registry import MODELS

from .noisy_words import NoisyWords


@MODELS.register_module()
class TeacherNoise(NoisyWords):
    """What a teacher says where, learned without a label while training.

    Where a VLLM's errors are regular, one verb taken for another of the same
    object, a student that believes it ranks the wrong images first, and the
    longer it trains the more. Here words have a likelihood
    (:class:`NoisyWords`) whose rates are
    estimated by expectation-maximisation: a bag's class is guessed from what
    the student sees and what was said, and the words are counted that come
    with the guess. One class a bag is enough for the counts; the likelihood
    below knows of several.

    Counts are statistics of the training images, kept as buffers, summed over
    processes and forgotten exponentially.

    Args:
        vocabulary (str | dict): Name of a vocabulary, path to its file, or
            its content.
        warmup (int): Iterations of interaction distillation for which words
            are taken as they are; counts need a student that sees something.
            Some epochs' worth; DistillStageHook warns if it never ends.
        momentum (float): Share of the counts that an iteration keeps; one
            over its distance from 1 should not exceed an epoch by much.
        trust (float): Power of the student's odds in the guess. A student of
            noisy words is less sure than it is right. Defaults to 2.
        own_prior (tuple[float]): Images with the class of which it was and
            was not said, counted before any is seen. Whether a silent
            teacher missed something or nothing was done cannot be told from
            its words: this is a typical teacher's recall, held firmly.
        other_prior (tuple[float]): The same for another class of the object.
        chance_prior (tuple[float]): The same where nothing is done, held
            firmly for the same reason.
    """

    def __init__(
        self,
        vocabulary: Union[str, dict],
        warmup: int,
        momentum: float = 0.99,
        trust: float = 2.0,
        own_prior: tuple[float, float] = (60.0, 40.0),
        other_prior: tuple[float, float] = (0.5, 4.5),
        chance_prior: tuple[float, float] = (10.0, 490.0),
    ) -> None:
        super().__init__(vocabulary, warmup, momentum)
        self.trust = trust
        vocab = self.vocabulary
        own = self.is_own[:, None]
        chance = torch.tensor(chance_prior).repeat(vocab.num_hois, 1)
        link = torch.where(
            own, torch.tensor(own_prior), torch.tensor(other_prior)
        )
        for name, value in (('chance_prior', chance), ('link_prior', link)):
            self.register_buffer(name, value, persistent=False)
        # (said, not said) of each pair of classes of an object, and of each
        # class where the object is not used.
        self.register_buffer('links', torch.zeros(len(self.done), 2))
        self.register_buffer('chances', torch.zeros(vocab.num_hois, 2))

    def rates(self) -> tuple[Tensor, Tensor]:
        """As counted so far, see :meth:`NoisyWords.rates`."""
        rates = []
        for counts, prior in (
            (self.links, self.link_prior),
            (self.chances, self.chance_prior),
        ):
            said, unsaid = (counts + prior).unbind(1)
            rates.append((said / (said + unsaid)).clamp(0.003, 0.97))
        return rates[0], rates[1]

    @torch.no_grad()
    def observe(
        self, log_none: Tensor, said: Tensor, possible: Tensor
    ) -> Tensor:
        """Guess what is done, and count what was said of it.

        Args:
            log_none (Tensor): Log-probability that no pair of the image does
                the class, by the student, (B, C).
            said (Tensor): Teacher's scores, 0 where not mentioned, (B, C).
            possible (Tensor): Whether the image has a pair with the class's
                object and was looked at by the teacher, (B, C).

        Returns:
            Tensor: Probability that an object is used, (B, O).
        """
        possible = possible & self.sayable
        mentioned = (said > 0).to(said) * possible
        self.count_scores(said, mentioned)

        rates, chance = self.rates()
        word = mentioned[:, self.word]
        # Words that cannot be said, as of classes not to be learned, are no
        # evidence.
        log_words = (
            word * rates.log() + (1 - word) * torch.log1p(-rates)
        ) * possible[:, self.word]
        log_done = torch.zeros_like(said).index_add(1, self.done, log_words)
        log_done += mentioned * self._ratio(said).log()
        log_chance = (
            mentioned * chance.log() + (1 - mentioned) * torch.log1p(-chance)
        ) * possible
        shape = len(said), len(self.vocabulary.objects)
        log_idle = said.new_zeros(shape).index_add(1, self.objects, log_chance)
        # log(yes / no), of a student that is never quite sure.
        yes = (-torch.expm1(log_none)).clamp(1e-4, 1 - 1e-4)
        odds = self.trust * torch.logit(yes)
        odds = (odds + log_done - log_idle[:, self.objects]).clamp(-60, 60)
        odds = odds.exp() * possible
        idle = 1 / (1 + said.new_zeros(shape).index_add(1, self.objects, odds))
        guess = odds * idle[:, self.objects]

        link = guess[:, self.done]
        chance = idle[:, self.objects] * possible
        counts = torch.cat(
            [
                torch.stack([(x * y).sum(0), (x * (1 - y)).sum(0)], 1)
                for x, y in ((link, word), (chance, mentioned))
            ]
        )
        all_reduce(counts)
        links, chances = counts.split([len(self.links), len(self.chances)])
        self.links.mul_(self.momentum).add_(links)
        self.chances.mul_(self.momentum).add_(chances)
        self.iterations += 1
        return 1 - idle
