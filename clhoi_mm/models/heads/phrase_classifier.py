from typing import Optional, Sequence, Union

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clhoi_mm.teacher.text_encoders import TextEncoder, build_text_encoder
from clhoi_mm.vocabulary import HOIVocabulary, unseen_classes

from .phrase_tables import center_by_group, group_members, only_in, whiten


class PhraseClassifier(nn.Module):
    """Classifier whose weights are text embeddings of HOI phrases.

    Phrases of one object nearly coincide in any text encoder, so they are
    centered by object, and verbs by the mean of all verbs. The embeddings are
    frozen buffers that are stored in the checkpoint: inference needs no text
    encoder unless the vocabulary is new.

    Unseen classes do not influence training: they are centered by the
    statistics of seen classes, as those of a new vocabulary are.

    Args:
        vocabulary (str | dict | HOIVocabulary): A name, a path or content.
        text_encoder (str | dict): See :func:`build_text_encoder`.
        text_dim (int): Width d of its embeddings.
        unseen (str | Sequence[int], optional): Classes held out of training,
            see :func:`unseen_classes`. Defaults to None.
        whiten_verbs (bool): Whether to :func:`whiten` verbs by the seen ones.
            Defaults to False.

    Attributes:
        is_unseen (Tensor): Classes held out of training, (C,), bool.
        is_trainable (Tensor): Seen classes other than no_interaction, (C,),
            bool.
    """

    def __init__(
        self,
        vocabulary: Union[str, dict, HOIVocabulary],
        text_encoder: Union[str, dict],
        text_dim: int,
        unseen: Optional[Union[str, Sequence[int]]] = None,
        whiten_verbs: bool = False,
    ) -> None:
        super().__init__()
        self.vocabulary = HOIVocabulary.load(vocabulary)
        self.text_encoder = text_encoder
        self.text_dim = text_dim
        self.whiten_verbs = whiten_verbs
        vocab = self.vocabulary
        self._filled = False
        # Identity of the text encoder used; a checkpoint does not store it.
        self.encoder_identity: Optional[str] = None
        self._has_no_interaction = bool(vocab.no_interaction_mask.any())
        for name, rows in (
            ('hoi_phrases', vocab.num_hois),
            ('hoi_embeds', vocab.num_hois),
            ('verb_embeds', vocab.num_verbs),
            ('object_embeds', vocab.num_objects),
            ('object_means', vocab.num_objects),
        ):
            self.register_buffer(name, torch.zeros(rows, text_dim))
        is_unseen = unseen_classes(unseen, vocab)
        if is_unseen is None:
            is_unseen = np.zeros(vocab.num_hois, bool)
        if is_unseen.all():
            raise ValueError(
                'unseen holds out every class of the vocabulary '
                f'"{vocab.name}"; leave some to train on'
            )
        is_trainable = ~is_unseen & ~vocab.no_interaction_mask
        for name, values in (
            ('hoi_verbs', vocab.hoi_verbs),
            ('hoi_objects', vocab.hoi_objects),
            ('hoi_lookup', vocab.hoi_lookup),
            ('is_no_interaction', vocab.no_interaction_mask),
            ('is_unseen', is_unseen),
            ('is_trainable', is_trainable),
            (
                'trainable_hois',
                group_members(
                    vocab.hoi_objects, is_trainable, vocab.num_objects
                ),
            ),
            ('seen_hois', np.flatnonzero(~is_unseen)),
            (
                'verb_is_unseen',
                only_in(is_unseen, vocab.hoi_verbs, vocab.num_verbs),
            ),
            (
                'object_is_unseen',
                only_in(is_unseen, vocab.hoi_objects, vocab.num_objects),
            ),
        ):
            self.register_buffer(name, torch.tensor(values), persistent=False)
        is_candidate = torch.zeros(vocab.num_objects, dtype=torch.bool)
        is_candidate[self.hoi_objects] = True
        self.register_buffer('is_candidate', is_candidate, persistent=False)

    @torch.no_grad()
    def encode_phrases(self) -> None:
        """Embed the vocabulary's phrases with the text encoder.

        Raises:
            ValueError: If the encoder's width is not ``text_dim``.
        """
        encoder = build_text_encoder(self.text_encoder)
        if encoder.dim != self.text_dim:
            raise ValueError(
                f'text_dim={self.text_dim}, but {encoder.identity} gives '
                f'embeddings of {encoder.dim}; set text_dim to that'
            )
        self.encoder_identity = encoder.identity
        vocab = self.vocabulary
        unseen, unseen_verbs = self.is_unseen, self.verb_is_unseen
        self.object_embeds.copy_(self._embed(encoder, vocab.object_phrases))
        phrases = self._embed(encoder, vocab.phrases, ~unseen)
        verbs = self._embed(encoder, vocab.verb_phrases, ~unseen_verbs)
        embeds, means = center_by_group(
            phrases, self.hoi_objects[~unseen], vocab.num_objects
        )
        self.object_means.copy_(means)
        self.hoi_phrases[~unseen] = phrases
        self.hoi_embeds[~unseen] = embeds
        self.verb_embeds[~unseen_verbs] = self.normalize_verbs(verbs, verbs)
        if unseen.any():
            self._embed_new(encoder, self, unseen, unseen_verbs, verbs)
        self._filled = True

    def _embed(
        self,
        encoder: TextEncoder,
        texts: Sequence[str],
        kept: Optional[Tensor] = None,
    ) -> Tensor:
        """Embed the texts selected by `kept`, all by default."""
        if kept is not None:
            texts = [text for text, keep in zip(texts, kept.tolist()) if keep]
        if not texts:
            return self.hoi_phrases[:0]
        return torch.as_tensor(encoder.encode(list(texts))).to(
            self.hoi_phrases
        )

    def ensure_encoded(self) -> None:
        """Encode the phrases unless a checkpoint contained them."""
        if not self._filled:
            self.encode_phrases()

    @torch.no_grad()
    def with_vocabulary(self, vocabulary: HOIVocabulary) -> 'PhraseClassifier':
        """Build a classifier for other classes, centered like this one.

        Classes and verbs that this vocabulary contains keep exactly their
        embeddings, and its objects stay candidates, so that they score as
        before. The text encoder is needed for the others only.

        Args:
            vocabulary (HOIVocabulary): Classes of the same objects, in the
                same order.

        Returns:
            PhraseClassifier: With encoded phrases, on this one's device.

        Raises:
            ValueError: If the objects differ, or the text encoder is not the
                one that encoded this classifier's phrases.
        """
        old_vocab = self.vocabulary
        if vocabulary.objects != old_vocab.objects:
            raise ValueError(
                f'the objects of vocabulary "{vocabulary.name}" differ from '
                f'those of "{old_vocab.name}"'
            )
        table = PhraseClassifier(
            vocabulary,
            self.text_encoder,
            self.text_dim,
            whiten_verbs=self.whiten_verbs,
        ).to(self.hoi_embeds.device)
        for name in ('object_embeds', 'object_means', 'is_candidate'):
            getattr(table, name).copy_(getattr(self, name))
        table.is_candidate[table.hoi_objects] = True
        verbs = torch.tensor(
            [old_vocab.verb_label(v) for v in vocabulary.verbs]
        )
        hois = torch.tensor(
            [
                old_vocab.hoi_id(verbs[v], o)
                for v, o in zip(vocabulary.hoi_verbs, vocabulary.hoi_objects)
            ]
        )
        for rows, names in (
            (hois, ('hoi_phrases', 'hoi_embeds')),
            (verbs, ('verb_embeds',)),
        ):
            for name in names:
                getattr(table, name)[rows >= 0] = getattr(self, name)[
                    rows[rows >= 0]
                ]
        if (hois < 0).any() or (verbs < 0).any():
            encoder = build_text_encoder(self.text_encoder)
            embeds = self._embed(encoder, old_vocab.phrases)
            if (
                embeds.shape != self.hoi_phrases.shape
                or F.cosine_similarity(embeds, self.hoi_phrases).min() < 0.99
            ):
                raise ValueError(
                    f'{encoder.identity} is not the text encoder that this '
                    'model was trained with: it embeds the same phrases '
                    'differently. Set that one as '
                    'model.teacher_head.text_encoder'
                )
            seen_verbs = self._embed(
                encoder, old_vocab.verb_phrases, ~self.verb_is_unseen
            )
            self._embed_new(encoder, table, hois < 0, verbs < 0, seen_verbs)
        table._filled = True
        return table

    def _embed_new(
        self,
        encoder: TextEncoder,
        table: 'PhraseClassifier',
        new_hois: Tensor,
        new_verbs: Tensor,
        seen_verbs: Tensor,
    ) -> None:
        """Embed new rows of `table`, centered by this one's classes."""
        phrases = self._embed(encoder, table.vocabulary.phrases, new_hois)
        table.hoi_phrases[new_hois] = phrases
        table.hoi_embeds[new_hois] = self.center(
            phrases, table.hoi_objects[new_hois]
        )
        verbs = self._embed(encoder, table.vocabulary.verb_phrases, new_verbs)
        table.verb_embeds[new_verbs] = self.normalize_verbs(verbs, seen_verbs)

    def normalize_verbs(self, verbs: Tensor, seen_verbs: Tensor) -> Tensor:
        """Center verbs by the seen ones and optionally whiten them."""
        mean = seen_verbs.mean(0)
        centered = F.normalize(verbs - mean, dim=-1)
        if not self.whiten_verbs:
            return centered
        return whiten(centered, F.normalize(seen_verbs - mean, dim=-1))

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args
    ) -> None:
        key = prefix + 'hoi_phrases'
        if (
            key in state_dict
            and state_dict[key].shape != self.hoi_phrases.shape
        ):
            raise ValueError(
                f'the checkpoint holds {tuple(state_dict[key].shape)} phrase '
                f'embeddings, the config vocabulary '
                f'"{self.vocabulary.name}" needs '
                f'{tuple(self.hoi_phrases.shape)}; use the vocabulary and '
                'text_dim that the checkpoint was trained with'
            )
        self._filled |= key in state_dict
        super()._load_from_state_dict(state_dict, prefix, *args)

    def trainable_classes(self, objects: Tensor) -> tuple[Tensor, Tensor]:
        """List the trainable classes of objects.

        Few classes have an object: losses cost less on these than on all,
        and a table, rather than nonzero(), lets a GPU run ahead.

        Args:
            objects (Tensor): Object labels, (N,).

        Returns:
            tuple[Tensor, Tensor]: Classes, padded with 0, (N, K), and whether
            each is one rather than padding, (N, K), bool.
        """
        hois = self.trainable_hois[objects]
        return hois.clamp(min=0), hois >= 0

    def center(self, embeds: Tensor, objects: Tensor) -> Tensor:
        """Center phrases outside the vocabulary like the vocabulary's own.

        Args:
            embeds (Tensor): Phrase embeddings, (..., d).
            objects (Tensor): Object label of each, -1 where unknown, (...).

        Returns:
            Tensor: (..., d), unit length.
        """
        means = self.object_means[objects.clamp(min=0)]
        means = torch.where(
            (objects >= 0)[..., None],
            means,
            self.hoi_phrases[self.seen_hois].mean(0),
        )
        return F.normalize(embeds - means, dim=-1)

    def classes_with(self, objects: Tensor) -> Tensor:
        """Find the classes that have one of these objects.

        Args:
            objects (Tensor): Object labels, (N,).

        Returns:
            Tensor: Ascending classes, (K,).
        """
        is_present = torch.zeros_like(self.is_candidate)
        is_present[objects] = True
        return is_present[self.hoi_objects].nonzero(as_tuple=True)[0]

    def score_no_interaction(
        self,
        logits: Tensor,
        valid: Tensor,
        hois: Union[slice, Tensor] = slice(None),
    ) -> Tensor:
        """Score no_interaction as one minus the best other class's score.

        Pseudo-labels never contain no_interaction, so it is not trained.
        While training, the maximum is taken over trainable classes.

        Args:
            logits (Tensor): (P, C).
            valid (Tensor): Classes whose object is the pair's, (P, C), bool.
            hois (slice | Tensor): The C classes. Defaults to all.

        Returns:
            Tensor: Logits with those of no_interaction replaced, (P, C).
        """
        if not self._has_no_interaction:
            return logits
        is_scored = (
            self.is_trainable if self.training else ~self.is_no_interaction
        )
        is_scored = is_scored[hois]
        other_logits = logits.masked_fill(~(valid & is_scored), -1e4)
        no_interaction = -other_logits.max(1, keepdim=True)[0]
        return torch.where(
            self.is_no_interaction[hois], no_interaction, logits
        )
