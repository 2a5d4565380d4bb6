import math
from dataclasses import dataclass
from typing import Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from clhoi_mm.registry import MODELS
from clhoi_mm.utils.config_hash import config_hash

from ..layers import (
    Interactiveness,
    PairDecoderLayer,
    PairEncoder,
    PairFeatures,
    extract_roi_feats,
    pair_geometry,
)
from ..task_modules import PairBatch, PairGrid
from .phrase_classifier import PhraseClassifier


@dataclass
class PairPredictions:
    """What the ICN thinks of P pairs.

    Attributes:
        embeds (Tensor): Pairs in text space, unit length, (P, d).
        logits (Tensor): Score of each HOI class before the sigmoid, (P, C).
        valid (Tensor): Whether the class speaks of the pair's object, (P, C).
        interactiveness (Tensor, optional): Logits that it is this pair that
            does something, for each class, (P, C), or whatever it is, (P, 1).
        class_logits (Tensor, optional): Logits of the classes if it is, (P,
            C).
    """

    embeds: Tensor
    logits: Tensor
    valid: Tensor
    interactiveness: Optional[Tensor] = None
    class_logits: Optional[Tensor] = None

    @property
    def is_verbwise(self) -> bool:
        """Whether interactiveness is predicted for each class."""
        return self.interactiveness.size(1) > 1


def logit_and(one: Tensor, other: Tensor) -> Tensor:
    """Logit of two independent things being true, from their logits."""
    return -torch.logsumexp(
        torch.stack(torch.broadcast_tensors(-one, -other, -one - other)), 0
    )


@MODELS.register_module(name=['InteractionCognitionNetwork', 'ICN'])
class InteractionCognitionNetwork(BaseModule):
    """Reasons over spatial, visual and context relations of pairs.

    A pair's token is made of RoI features of human, object and their union
    or of what the detector's decoder says of both, the pair's geometry and
    the object's name; layers of :class:`PairDecoderLayer`
    refine it; linear maps bring it to text space, where classes are phrases.

    Words about whole images do not tell which pair they are about, and a
    network that sees the image can explain them by any. So a class is scored
    as the product of two probabilities: that it is this pair that does the
    verb, if any does, which :class:`Interactiveness` judges by the pair alone,
    and that it is this class if it is.

    Args:
        text_dim (int): Width d of the text space.
        embed_dims (int): Width D of the tokens. Defaults to 256.
        num_layers (int): Layers; 0 judges each pair by itself. Defaults to 1.
        num_heads (int): Attention heads. Defaults to 8.
        ffn_ratio (float): Hidden width of feed-forward parts over D.
        roi_extractor (dict, optional): Config of mmdet's RoI extractor; the
            pairs' appearance is not used without. Defaults to None.
        roi_channels (int): Channels to which RoI features are reduced.
        query_embed_channels (int, optional): Width of the decoder states that
            a detector with queries gives to its detections; they are read
            then. They cost a fraction of pooling. Defaults to None.
        with_context (bool): Whether there is a VLT to listen to.
        with_geometry (bool): Whether it is told where the pairs are.
        with_pair_attention (bool): Whether pairs look at each other.
        verbwise_interactiveness (bool): Whether the interactiveness of a pair
            is judged for each verb rather than for all alike. Defaults to
            False.
        interactiveness_prior (float): Probability that a pair interacts, at
            the start. Defaults to 0.1.
        class_prior (float): Probability of a class for a pair that
            interacts, at the start. Defaults to 0.15.
        init_cfg (dict, optional): Initialisation config.

    Attributes:
        roi_hash (str, optional): Hash of the RoI extractor's config, by
            which stored RoI features are known.
    """

    def __init__(
        self,
        text_dim: int,
        embed_dims: int = 256,
        num_layers: int = 1,
        num_heads: int = 8,
        ffn_ratio: float = 4.0,
        roi_extractor: Optional[dict] = None,
        roi_channels: int = 64,
        query_embed_channels: Optional[int] = None,
        with_context: bool = True,
        with_geometry: bool = True,
        with_pair_attention: bool = True,
        verbwise_interactiveness: bool = False,
        interactiveness_prior: float = 0.1,
        class_prior: float = 0.15,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if with_context and not num_layers:
            raise ValueError(
                'icn.num_layers=0 leaves nobody to listen to the '
                'VLT; give it a layer, or set vlt=None'
            )
        self.roi_extractor = roi_shape = None
        self.roi_hash = config_hash(roi_extractor)
        if roi_extractor is not None:
            self.roi_extractor = MODELS.build(roi_extractor)
            roi_shape = (
                self.roi_extractor.out_channels,
                *self.roi_extractor.roi_layers[0].output_size,
            )
        self.interactiveness = Interactiveness(
            text_dim,
            embed_dims,
            roi_shape,
            roi_channels,
            interactiveness_prior,
            query_embed_channels,
            with_geometry,
            verbwise_interactiveness,
        )
        self.encoder = PairEncoder(
            text_dim,
            embed_dims,
            roi_shape,
            roi_channels,
            query_embed_channels,
            with_geometry,
        )
        self.query_embed_channels = query_embed_channels
        self.fuse = nn.Sequential(
            nn.LayerNorm(embed_dims),
            nn.Linear(embed_dims, 2 * embed_dims),
            nn.ReLU(inplace=True),
            nn.Linear(2 * embed_dims, embed_dims),
        )
        self.layers = nn.ModuleList(
            PairDecoderLayer(
                embed_dims,
                num_heads,
                ffn_ratio,
                with_context,
                with_pair_attention,
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(embed_dims)
        self.to_phrase = nn.Linear(embed_dims, text_dim)
        self.to_verb = nn.Linear(embed_dims, text_dim)
        self.log_scale = nn.Parameter(torch.full((2,), math.log(10.0)))
        self.bias = nn.Parameter(
            torch.tensor(math.log(class_prior / (1 - class_prior)))
        )

    def gather(
        self,
        feats: Sequence[Tensor],
        pairs: PairBatch,
        phrases: PhraseClassifier,
    ) -> PairFeatures:
        """What can be known of the pairs themselves.

        Args:
            feats (Sequence[Tensor]): Feature maps, each (B, C, h, w).
            pairs (PairBatch): The pairs.
            phrases (PhraseClassifier): The vocabulary's embeddings.

        Returns:
            PairFeatures: Geometry, names, RoI features and states.

        Raises:
            ValueError: If the ICN reads states and the pairs bring none, or
                some of another width.
        """
        query_embeds = None
        if self.query_embed_channels is not None:
            width = (
                None
                if pairs.query_embeds is None
                else pairs.query_embeds.size(1)
            )
            if width != self.query_embed_channels:
                found = (
                    f'query embeddings of {width} channels'
                    if width
                    else 'no query embeddings'
                )
                raise ValueError(
                    f'icn.query_embed_channels={self.query_embed_channels}, '
                    f'but the detections bring {found}: only detectors with '
                    'queries (DETR and its kin) give them. Set it to their '
                    'width, or set icn.query_embed_channels=None and give '
                    'icn.roi_extractor'
                )
            query_embeds = dict(
                human=(pairs.query_embeds, pairs.human_inds),
                object=(pairs.query_embeds, pairs.object_inds),
            )
        roi_feats = None
        if self.roi_extractor is not None:
            one, union_inds = pairs.distinct_unions()
            instances, unions = (
                extract_roi_feats(
                    self.roi_extractor,
                    feats,
                    torch.cat([image[:, None].to(boxes), boxes], 1),
                    self.roi_hash,
                    part,
                )
                for part, boxes, image in (
                    ('instance', pairs.boxes, pairs.image_inds),
                    ('union', pairs.union_bboxes[one], pairs.pair_inds[one]),
                )
            )
            roi_feats = {}
            for part, inds in (
                ('human', pairs.human_inds),
                ('object', pairs.object_inds),
            ):
                used, inds = inds.unique(return_inverse=True)
                roi_feats[part] = instances[used], inds
            roi_feats['union'] = unions, union_inds
        return PairFeatures(
            geometry=pair_geometry(
                pairs.human_bboxes,
                pairs.object_bboxes,
                pairs.image_sizes[pairs.pair_inds],
            ),
            object_embeds=phrases.object_embeds[pairs.object_labels],
            roi_feats=roi_feats,
            query_embeds=query_embeds,
        )

    def forward(
        self,
        feats: Sequence[Tensor],
        pairs: PairBatch,
        phrases: PhraseClassifier,
        context: Optional[Tensor] = None,
    ) -> PairPredictions:
        """Score the pairs of a batch.

        Args:
            feats (Sequence[Tensor]): Feature maps, each (B, C, h, w).
            pairs (PairBatch): The pairs.
            phrases (PhraseClassifier): The vocabulary's embeddings.
            context (Tensor, optional): The VLT's tokens, (B, T, D).

        Returns:
            PairPredictions: Embeddings and logits of the pairs.
        """
        evidence = self.gather(feats, pairs, phrases)
        x = self.encoder(evidence)
        x = x + self.fuse(x)
        grid = PairGrid.of(pairs) if self.layers else None
        for layer in self.layers:
            x = layer(x, grid, context)
        x = self.norm(x)
        interactiveness = self.interactiveness(evidence, phrases.verb_embeds)
        if interactiveness.size(1) > 1:
            interactiveness = interactiveness[:, phrases.hoi_verbs]
        return self.score(x, interactiveness, pairs, phrases)

    def score(
        self,
        x: Tensor,
        interactiveness: Tensor,
        pairs: PairBatch,
        phrases: PhraseClassifier,
    ) -> PairPredictions:
        """Compare tokens with phrases, in float32 whatever the rest.

        Args:
            x (Tensor): Pair tokens, (P, D).
            interactiveness (Tensor): Logits of being the pair that does it,
                (P, C) or (P, 1).
            pairs (PairBatch): The pairs.
            phrases (PhraseClassifier): The vocabulary's embeddings.

        Returns:
            PairPredictions: Embeddings and logits of the pairs.
        """
        embeds = F.normalize(self.to_phrase(x).float(), dim=-1)
        verbs = F.normalize(self.to_verb(x).float(), dim=-1)
        scale = self.log_scale.exp()
        with torch.autocast(x.device.type, enabled=False):
            by_phrase = embeds @ phrases.hoi_embeds.T
            by_verb = (verbs @ phrases.verb_embeds.T)[:, phrases.hoi_verbs]
            logits = scale[0] * by_phrase + scale[1] * by_verb + self.bias
            scores = logit_and(interactiveness, logits)
        valid = phrases.hoi_objects[None] == pairs.object_labels[:, None]
        return PairPredictions(
            embeds=embeds,
            logits=phrases.score_no_interaction(scores, valid),
            valid=valid,
            interactiveness=interactiveness,
            class_logits=logits,
        )
