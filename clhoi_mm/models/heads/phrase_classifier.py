from typing import Optional, Sequence, Union

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clhoi_mm.teacher.text_encoders import TextEncoder, build_text_encoder
from clhoi_mm.vocabulary import HOIVocabulary, unseen_classes


def center_by_group(
    embeds: Tensor, group: Tensor, num_groups: int
) -> tuple[Tensor, Tensor]:
    """Take from each row its group's mean and bring it back to unit length.

    A row that is alone in its group keeps what tells it from the mean of all.

    Args:
        embeds (Tensor): (N, d).
        group (Tensor): Group of each row, (N,).
        num_groups (int): Number of groups G.

    Returns:
        tuple[Tensor, Tensor]: Centred rows (N, d) and group means (G, d).
    """
    count = torch.bincount(group, minlength=num_groups)
    total = embeds.new_zeros(num_groups, embeds.size(1))
    total.index_add_(0, group, embeds)
    overall = embeds.mean(0)
    means = torch.where(
        count[:, None] > 1, total / count.clamp(min=1)[:, None], overall
    )
    return F.normalize(embeds - means[group], dim=-1), means


def whiten(embeds: Tensor, known: Tensor, floor: float = 0.05) -> Tensor:
    """Stretch text space until known rows spread alike in all directions.

    Names of verbs crowd around what they have in common in any text encoder;
    few directions then tell most of them apart. Directions in which no known
    row lies are dropped: nothing was learned of them.

    Args:
        embeds (Tensor): (N, d).
        known (Tensor): Centred rows of unit length, (M, d).
        floor (float): Added to each direction's energy, as a share of their
            mean, so that directions of mere noise stay small. Defaults to
            0.05.

    Returns:
        Tensor: (N, d), unit length.
    """
    # Twice the precision, so that a row comes out alike in any batch.
    _, sizes, axes = torch.linalg.svd(known.double(), full_matrices=False)
    energy = sizes**2
    lies = energy > 1e-9 * len(known)
    scale = torch.where(
        lies, (energy + floor * energy[lies].mean()).rsqrt(), 0.0
    )
    return F.normalize(embeds.double() @ (axes.T * scale) @ axes, dim=-1).to(
        embeds
    )


def only_in(
    flags: np.ndarray, group: np.ndarray, num_groups: int
) -> np.ndarray:
    """Groups that have members, all of them flagged.

    Args:
        flags (np.ndarray): (N,), bool.
        group (np.ndarray): Group of each member, (N,).
        num_groups (int): Number of groups G.

    Returns:
        np.ndarray: (G,), bool.
    """
    others = np.bincount(group[~flags], minlength=num_groups)
    return (np.bincount(group, minlength=num_groups) > 0) & (others == 0)


class PhraseClassifier(nn.Module):
    """A vocabulary in text space: what pairs and images are compared with.

    Phrases of one object nearly coincide in any text encoder, so they are
    centred by object, and verbs by the mean of all verbs. The embeddings are
    frozen buffers that travel in the checkpoint: inference needs no text
    encoder unless the vocabulary is new.

    To training, unseen classes do not exist: their phrases are centred as
    those of a new vocabulary are, by means that know nothing of them.

    Args:
        vocabulary (str | dict | HOIVocabulary): A name, a path or content.
        text_encoder (dict): Config of the text encoder.
        text_dim (int): Width d of its embeddings.
        unseen (str | Sequence[int], optional): Classes that training must
            not see, see :func:`unseen_classes`. Defaults to None.
        whiten_verbs (bool): Whether verbs are told apart by :func:`whiten`
            of those that training sees. Defaults to False.

    Attributes:
        is_unseen (Tensor): Classes that training must not see, (C,), bool.
        is_trainable (Tensor): Classes that are trained: seen, and something
            else than the absence of others, (C,), bool.
    """

    def __init__(
        self,
        vocabulary: Union[str, dict, HOIVocabulary],
        text_encoder: dict,
        text_dim: int,
        unseen: Optional[Union[str, Sequence[int]]] = None,
        whiten_verbs: bool = False,
    ) -> None:
        super().__init__()
        self.vocabulary = HOIVocabulary.load(vocabulary)
        self.text_encoder = dict(text_encoder)
        self.text_dim = text_dim
        self.whiten_verbs = whiten_verbs
        vocab = self.vocabulary
        self._filled = False
        # Of the encoder that filled the table; a checkpoint does not tell.
        self.encoder_identity: Optional[str] = None
        self._has_absence = bool(vocab.no_interaction_mask.any())
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
                'unseen: nothing of the vocabulary '
                f'"{vocab.name}" is left to be learned'
            )
        for name, values in (
            ('hoi_verbs', vocab.hoi_verbs),
            ('hoi_objects', vocab.hoi_objects),
            ('hoi_lookup', vocab.hoi_lookup),
            ('is_no_interaction', vocab.no_interaction_mask),
            ('is_unseen', is_unseen),
            ('is_trainable', ~is_unseen & ~vocab.no_interaction_mask),
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
        """Embeddings of those texts that are kept."""
        if kept is not None:
            texts = [text for text, keep in zip(texts, kept.tolist()) if keep]
        if not texts:
            return self.hoi_phrases[:0]
        return torch.as_tensor(encoder.encode(list(texts))).to(
            self.hoi_phrases
        )

    def ensure_encoded(self) -> None:
        """Encode the phrases unless a checkpoint brought them."""
        if not self._filled:
            self.encode_phrases()

    @torch.no_grad()
    def with_vocabulary(self, vocabulary: HOIVocabulary) -> 'PhraseClassifier':
        """A table of other classes, centred as this one's are.

        Classes and verbs that this table knows keep their embeddings to the
        bit, and objects stay candidates, so that they score as before. Only
        others need the text encoder.

        Args:
            vocabulary (HOIVocabulary): Of the same objects, in their order.

        Returns:
            PhraseClassifier: Filled; on this one's device.

        Raises:
            ValueError: The objects are others, or the text encoder is not
                the one that filled this table.
        """
        own = self.vocabulary
        if vocabulary.objects != own.objects:
            raise ValueError(
                f'the objects of "{vocabulary.name}" are not '
                f'those of "{own.name}"'
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
        verbs = torch.tensor([own.verb_label(v) for v in vocabulary.verbs])
        hois = torch.tensor(
            [
                own.hoi_id(verbs[v], o)
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
            again = self._embed(encoder, own.phrases)
            if (
                again.shape != self.hoi_phrases.shape
                or F.cosine_similarity(again, self.hoi_phrases).min() < 0.99
            ):
                raise ValueError(
                    f'{encoder.identity} is not the text encoder that this '
                    'model learned with: it embeds the same phrases '
                    'otherwise. Give that one as '
                    'model.teacher_head.text_encoder'
                )
            known_verbs = self._embed(
                encoder, own.verb_phrases, ~self.verb_is_unseen
            )
            self._embed_new(encoder, table, hois < 0, verbs < 0, known_verbs)
        table._filled = True
        return table

    def _embed_new(
        self,
        encoder: TextEncoder,
        table: 'PhraseClassifier',
        new_hois: Tensor,
        new_verbs: Tensor,
        known_verbs: Tensor,
    ) -> None:
        """Embed what a table has beyond what this one was centred by."""
        phrases = self._embed(encoder, table.vocabulary.phrases, new_hois)
        table.hoi_phrases[new_hois] = phrases
        table.hoi_embeds[new_hois] = self.center(
            phrases, table.hoi_objects[new_hois]
        )
        verbs = self._embed(encoder, table.vocabulary.verb_phrases, new_verbs)
        table.verb_embeds[new_verbs] = self.normalize_verbs(verbs, known_verbs)

    def normalize_verbs(self, verbs: Tensor, known: Tensor) -> Tensor:
        """Verbs as pairs are compared with them, by those that are seen."""
        mean = known.mean(0)
        placed = F.normalize(verbs - mean, dim=-1)
        if not self.whiten_verbs:
            return placed
        return whiten(placed, F.normalize(known - mean, dim=-1))

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

    def center(self, embeds: Tensor, objects: Tensor) -> Tensor:
        """Centre phrases outside the vocabulary as its own are centred.

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

    def score_no_interaction(self, logits: Tensor, valid: Tensor) -> Tensor:
        """Score "no interaction" by the absence of all others.

        No VLLM ever says that nothing happens between two things; one minus
        the best verb's probability does. While training, the best of those
        that are seen.

        Args:
            logits (Tensor): (P, C).
            valid (Tensor): Classes that speak of the pair's object, (P, C).

        Returns:
            Tensor: Logits with those classes replaced, (P, C).
        """
        if not self._has_absence:
            return logits
        counts = (
            self.is_trainable if self.training else ~self.is_no_interaction
        )
        others = logits.masked_fill(~(valid & counts), -1e4)
        absence = -others.max(1, keepdim=True)[0]
        return torch.where(self.is_no_interaction[None], absence, logits)
