from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..heads import Interactions, PhraseTable, TeacherTargets
from ..task_modules import PairBatch
from .bags import log_none, log_some, soft_cross_entropy
from .gather import mean_over_all


@MODELS.register_module()
class InteractionDistillLoss(nn.Module):
    """From words about whole images to pairs of boxes.

    The pairs of an image whose object a word names are its bag, and it is
    learned in two steps which pair the word is about. Interactiveness: what
    is said is done by pairs of its bag, rather by one than by many
    (:func:`log_some`), so that bystanders are idle even where all objects are
    used. Where the ICN judges all verbs alike, an object of which any verb is
    said is used; teachers confuse verbs far more often than objects. Image
    part: the probability that any pair of the bag does what was said against
    the teacher's confidence, where pairs count by how their interactiveness
    compares with the bag's best, so that a scene full of idle bystanders
    explains nothing. What the teacher left unsaid is unlabelled rather than
    false and is weighed down.

    Contrastive part: the bag's pairs compete (softmax over their scores and
    detection scores) for the word, and the winner's embedding is contrasted
    with the phrases of the vocabulary; verbs that the teacher mentions for
    the object are no negatives, unmentioned ones of the same object are
    weighed down.

    With instance-level labels the first two are losses on pairs and the bag
    is its labelled pairs.

    A model of the teacher's noise, if there is one, takes over both from the
    moment it is trusted: pairs interact as probably as is to be believed
    (where all verbs are alike: as probably as it finds that the object is
    used, if it looks for that), and what was said has its likelihood. Where
    an elder student has looked at the pairs, too, what was said is replaced
    by what is to be believed of it, of classes and objects alike.

    Classes that are not to be learned (``PhraseTable.is_learned``) take part
    in nothing, not even as negatives.

    Args:
        interactive_weight (float): Weight of the interactiveness.
        further_pairs (float): How likely each further pair of a bag that
            interacts is against the first, in (0, 1]; 1 is a noisy-or, which
            never tells a used object's pairs that they are idle.
        image_weight (float): Weight of the image part. Defaults to 1.
        contrast_weight (float): Weight of the contrastive part; 0 leaves it
            out. It takes a noisy teacher at its word, and rare classes
            suffer: small if at all.
        unmentioned_weight (float): Weight of what the teacher did not
            mention. Defaults to 0.3.
        competition (float): Power to which a pair's interactiveness, relative
            to its bag's best, is raised; 0 would let all pairs count alike.
        attention_temperature (float): Temperature of the competition for a
            contrasted word.
        contrast_temperature (float): Temperature of the contrast.
        noise (dict, optional): Config of a :class:`TeacherNoise` or a
            :class:`LearnedTeacherNoise`; annotations have none. Defaults to
            None.
    """

    def __init__(
        self,
        interactive_weight: float = 1.0,
        further_pairs: float = 0.3,
        image_weight: float = 1.0,
        contrast_weight: float = 0.005,
        unmentioned_weight: float = 0.3,
        competition: float = 4.0,
        attention_temperature: float = 1.0,
        contrast_temperature: float = 0.1,
        noise: Optional[dict] = None,
    ) -> None:
        super().__init__()
        if not 0 < further_pairs <= 1:
            raise ValueError(
                f'further_pairs={further_pairs} must be above 0 and at most 1'
            )
        self.interactive_weight = interactive_weight
        self.further_pairs = further_pairs
        self.image_weight = image_weight
        self.contrast_weight = contrast_weight
        self.unmentioned_weight = unmentioned_weight
        self.competition = competition
        self.attention_temperature = attention_temperature
        self.contrast_temperature = contrast_temperature
        self.noise = None if noise is None else MODELS.build(noise)

    def forward(
        self,
        interactions: Interactions,
        pairs: PairBatch,
        targets: TeacherTargets,
        phrases: PhraseTable,
        elder: Optional[Interactions] = None,
    ) -> dict[str, Tensor]:
        """Compare.

        Args:
            interactions (Interactions): What the ICN thinks of the pairs.
            pairs (PairBatch): The pairs.
            targets (TeacherTargets): What the teacher said.
            phrases (PhraseTable): The vocabulary's embeddings.
            elder (Interactions, optional): What an elder student thinks of
                the pairs; words need a model of their noise then.

        Returns:
            dict[str, Tensor]: ``loss_interactive``, ``loss_interaction`` and,
            unless its weight is 0, ``loss_contrast``.
        """
        # Half precision is too coarse for similarities over a temperature.
        with torch.autocast(interactions.embeds.device.type, enabled=False):
            if targets.pair_labels is None:
                interactive, loss = self._bag_losses(
                    interactions, pairs, targets, phrases, elder
                )
            else:
                interactive, loss = self._pair_losses(
                    interactions, targets.pair_labels, phrases
                )
            if self.noise is not None:
                in_use = (
                    self.noise.trusted
                    & (elder is None)
                    & (not targets.complete)
                )
                loss = loss + in_use * self.noise.prior_loss()
            losses = dict(
                loss_interactive=self.interactive_weight * interactive,
                loss_interaction=self.image_weight * loss,
            )
            if self.contrast_weight:
                losses['loss_contrast'] = (
                    self.contrast_weight
                    * self._contrast(interactions, pairs, targets, phrases)
                )
        return losses

    def _unmentioned(self, targets: TeacherTargets) -> float:
        """Weight of what is not mentioned: annotations leave nothing out."""
        return 1.0 if targets.complete else self.unmentioned_weight

    @staticmethod
    def _pair_losses(
        interactions: Interactions, labels: Tensor, phrases: PhraseTable
    ) -> tuple[Tensor, Tensor]:
        scored = interactions.valid & phrases.is_learned
        loss = F.binary_cross_entropy_with_logits(
            interactions.logits.float(), labels, reduction='none'
        )
        logits, labelled = interactions.interactiveness, scored
        if logits.size(1) == 1:
            labels = (labels * scored).amax(1, keepdim=True)
            # Of an object without a class nothing is labelled.
            labelled = scored.any(1, keepdim=True)
        interactive = F.binary_cross_entropy_with_logits(
            logits, labels, reduction='none'
        )
        return mean_over_all(interactive, labelled), mean_over_all(
            loss, scored
        )

    def _bag_losses(
        self,
        interactions: Interactions,
        pairs: PairBatch,
        targets: TeacherTargets,
        phrases: PhraseTable,
        elder: Optional[Interactions],
    ) -> tuple[Tensor, Tensor]:
        """Who interacts by what was said, then classes by what was said."""
        by_class = interactions.interactiveness.size(1) > 1
        scored = interactions.valid & phrases.is_learned
        said = targets.image_scores
        possible = said.new_zeros(said.shape).index_add(
            0, pairs.pair_inds, scored.to(said)
        )
        askable = self._askable(possible, targets)

        def log_not_done(student: Interactions) -> Tensor:
            """Log-probability that no pair of an image has a class, (B, C)."""
            share = (
                student.interactiveness.detach().sigmoid()
                * (pairs.human_scores * pairs.object_scores)[:, None]
                * scored
            )
            image = pairs.pair_inds[:, None].expand_as(share)
            best = share.new_zeros(said.shape).scatter_reduce(
                0, image, share, 'amax'
            )
            share = share / best[pairs.pair_inds].clamp(min=1e-30)
            none = log_none(
                student.class_logits,
                share**self.competition * scored,
                pairs.pair_inds,
                len(said),
            )
            # Pairs that count nothing leave rounding errors.
            return none.masked_fill(possible == 0, 0.0)

        none = log_not_done(interactions)
        if by_class:
            asked = askable
            idle, busy = self._class_bags(interactions, pairs, scored)
        else:
            asked, idle, busy = self._object_bags(
                interactions, pairs, scored, targets, phrases
            )
        if elder is not None:
            done, used = self._revise(
                log_not_done(elder), askable, targets, phrases
            )
            interactive = soft_cross_entropy(
                idle, done if by_class else used, busy
            )
            return mean_over_all(interactive, asked), mean_over_all(
                soft_cross_entropy(none, done), askable
            )
        heard = (
            said
            if by_class
            else self._used(targets.weights > 0, targets, phrases)
        )
        unsaid = self._unmentioned(targets)
        interactive = soft_cross_entropy(idle, heard, busy) * torch.where(
            heard > 0, 1.0, unsaid
        )
        loss = soft_cross_entropy(none, said) * torch.where(
            said > 0, 1.0, unsaid
        )
        if self.noise is not None and not targets.complete:
            guess = self.noise.observe(none.detach(), said, askable)
            trusted = self.noise.trusted
            if by_class:
                guess = self.noise.believe(none.detach(), said, askable)
            elif guess is not None:
                # Of words outside the vocabulary nothing is known.
                guess = torch.maximum(
                    guess, self._used(targets.hois < 0, targets, phrases)
                )
            if guess is not None:
                interactive = torch.where(
                    trusted, soft_cross_entropy(idle, guess, busy), interactive
                )
            loss = torch.where(trusted, self.noise.loss(none, said), loss)
        return mean_over_all(interactive, asked), mean_over_all(loss, askable)

    def _class_bags(
        self, interactions: Interactions, pairs: PairBatch, scored: Tensor
    ) -> tuple[Tensor, Tensor]:
        """That pairs of an image do nothing or something of a class.

        Args:
            interactions (Interactions): What the ICN thinks of P pairs.
            pairs (PairBatch): The pairs.
            scored (Tensor): Classes that a pair could do, (P, C), bool.

        Returns:
            tuple[Tensor, Tensor]: Log-likelihoods, (B, C).
        """
        weight = (pairs.human_scores * pairs.object_scores)[:, None] * scored
        # Rounding errors of what counts nothing must not teach.
        logits = interactions.interactiveness.masked_fill(~scored, 0.0)
        bags = logits, weight, pairs.pair_inds
        idle = log_none(*bags, pairs.num_images)
        return idle, log_some(*bags, idle, self.further_pairs)

    def _object_bags(
        self,
        interactions: Interactions,
        pairs: PairBatch,
        scored: Tensor,
        targets: TeacherTargets,
        phrases: PhraseTable,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """That pairs of an image do nothing or anything to an object.

        Args:
            interactions (Interactions): What the ICN thinks of P pairs.
            pairs (PairBatch): The pairs.
            scored (Tensor): Classes that a pair could do, (P, C), bool.
            targets (TeacherTargets): What the teacher said.
            phrases (PhraseTable): The vocabulary's embeddings.

        Returns:
            tuple[Tensor, Tensor, Tensor]: Which objects could be used, and
            log-likelihoods, (B, O).
        """
        weight = pairs.human_scores * pairs.object_scores
        num_objects = len(phrases.object_embeds)
        bag = pairs.pair_inds * num_objects + pairs.object_labels
        num_bags = pairs.num_images * num_objects
        possible = weight.new_zeros(num_bags).scatter_reduce(
            0, bag, scored.any(1).to(weight), 'amax'
        )
        bags = interactions.interactiveness.squeeze(1), weight, bag
        idle = log_none(*bags, num_bags)
        busy = log_some(*bags, idle, self.further_pairs)
        asked, idle, busy = (
            x.view(-1, num_objects) for x in (possible, idle, busy)
        )
        return self._askable(asked, targets), idle, busy

    def _revise(
        self,
        none: Tensor,
        askable: Tensor,
        targets: TeacherTargets,
        phrases: PhraseTable,
    ) -> tuple[Tensor, Tensor]:
        """What an elder makes of the words.

        Args:
            none (Tensor): Its log-probability that a class is not done,
                (B, C).
            askable (Tensor): What a pair could do, (B, C), bool.
            targets (TeacherTargets): What the teacher said.
            phrases (PhraseTable): The vocabulary's embeddings.

        Returns:
            tuple[Tensor, Tensor]: Probabilities that a class is done, (B, C),
            and that an object is used, (B, O).
        """
        said = targets.image_scores
        self.noise.observe(none, said, askable)
        done = self.noise.believe(none, said, askable)
        used = self._used(targets.hois < 0, targets, phrases)
        log_idle = torch.zeros_like(used).index_add(
            1, phrases.hoi_objects, torch.log1p(-done.clamp(max=1 - 1e-6))
        )
        return done, torch.maximum(used, -torch.expm1(log_idle))

    @staticmethod
    def _used(
        counts: Tensor, targets: TeacherTargets, phrases: PhraseTable
    ) -> Tensor:
        """Objects of which some of the words say that they are used.

        Args:
            counts (Tensor): Words that count, (B, M).
            targets (TeacherTargets): What the teacher said.
            phrases (PhraseTable): The vocabulary's embeddings.

        Returns:
            Tensor: 1 or 0, (B, O).
        """
        # A verb outside the vocabulary is a use, too; to be there is none.
        uses = counts & (targets.weights > 0)
        uses &= (targets.hois < 0) | ~phrases.is_absence[targets.hois]
        # Objects outside the vocabulary go to a last, dropped column.
        num_objects = len(phrases.object_embeds)
        column = torch.where(
            targets.objects >= 0, targets.objects, num_objects
        )
        used = targets.weights.new_zeros(len(uses), num_objects + 1)
        return used.scatter_reduce(1, column, uses.to(used), 'amax')[:, :-1]

    @staticmethod
    def _askable(possible: Tensor, targets: TeacherTargets) -> Tensor:
        """What a pair could do in images of which anything is known, bool."""
        return (possible > 0) & targets.known[:, None]

    def _contrast(
        self,
        interactions: Interactions,
        pairs: PairBatch,
        targets: TeacherTargets,
        phrases: PhraseTable,
    ) -> Tensor:
        # Flat list of what was said, (W,): image, class or -1, object, weight.
        image, word = (targets.weights > 0).nonzero(as_tuple=True)
        hoi, obj = targets.hois[image, word], targets.objects[image, word]
        phrase = targets.phrases[image, word]
        weight = targets.weights[image, word]
        embeds = interactions.embeds
        scores = torch.where(
            hoi >= 0,
            interactions.logits[:, hoi.clamp(min=0)].float(),
            embeds @ phrase.T / self.contrast_temperature,
        )
        in_bag = (pairs.pair_inds[:, None] == image) & (
            pairs.object_labels[:, None] == obj
        )
        if targets.pair_labels is not None:
            in_bag &= targets.pair_labels[:, hoi.clamp(min=0)] > 0
        confidence = (pairs.human_scores * pairs.object_scores).clamp(min=1e-6)
        compete = (
            scores.detach() / self.attention_temperature
            + confidence.log()[:, None]
        )
        share = compete.masked_fill(~in_bag, -1e4).softmax(0) * in_bag
        bag = F.normalize(share.T @ embeds, dim=1)

        logits = bag @ phrases.hoi_embeds.T / self.contrast_temperature
        own = (bag * phrase).sum(1, True) / self.contrast_temperature
        same_object = phrases.hoi_objects == obj[:, None]
        said = targets.image_scores[image] > 0
        negative = torch.where(same_object, self._unmentioned(targets), 1.0)
        negative = negative * ~(said & same_object) * phrases.is_learned
        loss = (
            torch.cat([own, logits + negative.log()], 1).logsumexp(1)
            - own[:, 0]
        )
        weight = weight * in_bag.any(0)
        return mean_over_all(loss, weight, at_least=1e-6)
