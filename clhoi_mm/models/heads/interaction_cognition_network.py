import math
from dataclasses import dataclass
from typing import Optional, Sequence, Union

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
    """Predictions of the ICN for P pairs.

    Attributes:
        embeds (Tensor): Pair embeddings in text space, unit length, (P, d).
        logits (Tensor): Logit of each HOI class, (P, C).
        valid (Tensor): Classes whose object is the pair's, (P, C), bool.
        interactiveness (Tensor, optional): Interactiveness logits, verb-wise,
            (P, C), or shared by all classes, (P, 1).
        class_logits (Tensor, optional): Class logits given that the pair
            interacts, (P, C).
    """

    embeds: Tensor
    logits: Tensor
    valid: Tensor
    interactiveness: Optional[Tensor] = None
    class_logits: Optional[Tensor] = None

    @property
    def is_verbwise(self) -> bool:
        """True if interactiveness is verb-wise, not common."""
        return self.interactiveness.size(1) > 1


def logit_and(one: Tensor, other: Tensor) -> Tensor:
    """Compute the logit that two independent events both occur."""
    return one + other - F.softplus(torch.logaddexp(one, other))


def _spread(
    values: Tensor, columns: Tensor, number: int, fill: float
) -> Tensor:
    """Put values (P, K) into these columns of a matrix (P, number)."""
    matrix = values.new_full((values.size(0), number), fill)
    return matrix.index_copy_(1, columns, values)


@MODELS.register_module(name=['InteractionCognitionNetwork', 'ICN'])
class InteractionCognitionNetwork(BaseModule):
    """Classifies human-object pairs by spatial, visual and context relations.

    A pair token is the sum of projected RoI features of human, object and
    union box, or of the detector's query embeddings, of the pair's geometry
    and of the object name's text embedding. :class:`PairDecoderLayer` layers
    refine it; linear maps project it to text space, where HOI classes are
    phrases.

    Image-level pseudo-labels do not localize an interaction, and a network
    with access to image context can fit them with any pair. Scores are
    therefore factorized: the probability of a class is the pair's
    interactiveness, which :class:`Interactiveness` predicts from the pair
    alone (TIN, arXiv 1811.08264), times the probability of the class given
    that the pair interacts.

    Args:
        text_dim (int): Width d of the text space.
        embed_dims (int): Width D of the tokens. Defaults to 256.
        num_layers (int): Number of decoder layers; 0 scores each pair
            independently. Defaults to 1.
        num_heads (int): Attention heads. Defaults to 8.
        ffn_ratio (float): Hidden width of feed-forward parts over D.
        roi_extractor (dict, optional): Config of mmdet's RoI extractor.
            Defaults to None: no RoI features.
        roi_channels (int): Channels to which RoI features are reduced.
        query_embed_channels (int, optional): Width of the query embeddings
            that DETR-like detectors attach to their detections. They cost a
            fraction of RoI pooling. Defaults to None: not used.
        with_context (bool): Whether pairs attend to the VLT's tokens.
        with_geometry (bool): Whether pair geometry is an input.
        with_pair_attention (bool): Whether an image's pairs attend to each
            other.
        verbwise_interactiveness (bool): Whether interactiveness is predicted
            for each verb rather than once for all. Defaults to False.
        interactiveness_prior (float): Initial interactiveness. Defaults to
            0.1.
        class_prior (float): Initial probability of a class for a pair that
            interacts. Defaults to 0.15.
        init_cfg (dict, optional): Initialization config.

    Attributes:
        roi_hash (str, optional): Hash of the RoI extractor's config, which
            identifies stored RoI features.
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
                'icn.num_layers=0 has no layer that attends to the VLT; '
                'set icn.num_layers to 1 or more, or vlt=None'
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
        """Collect the input features of pairs.

        Args:
            feats (Sequence[Tensor]): Feature maps, each (B, C, h, w).
            pairs (PairBatch): The pairs.
            phrases (PhraseClassifier): The vocabulary's phrases.

        Returns:
            PairFeatures: Geometry, object embeddings, RoI features and query
            embeddings.

        Raises:
            ValueError: If query embeddings are required and missing, or of
                another width.
        """
        query_embeds = None
        if self.query_embed_channels is not None:
            width = (
                None
                if pairs.query_embeds is None
                else pairs.query_embeds.size(1)
            )
            if width != self.query_embed_channels:
                given = (
                    f'query embeddings of {width} channels'
                    if width
                    else 'no query embeddings'
                )
                raise ValueError(
                    f'icn.query_embed_channels={self.query_embed_channels}, '
                    f'but the detections bring {given}: only detectors with '
                    'queries (DETR and its kin) give them. Set it to their '
                    'width, or set icn.query_embed_channels=None and give '
                    'icn.roi_extractor'
                )
            query_embeds = pairs.query_embeds
        roi_feats = None
        if self.roi_extractor is not None:
            first_pair, union_inds = pairs.distinct_unions()
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
                    (
                        'union',
                        pairs.union_bboxes[first_pair],
                        pairs.pair_inds[first_pair],
                    ),
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
            object_embeds=phrases.object_embeds[pairs.labels],
            human_inds=pairs.human_inds,
            object_inds=pairs.object_inds,
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
            phrases (PhraseClassifier): The vocabulary's phrases.
            context (Tensor, optional): The VLT's tokens, (B, T, D).

        Returns:
            PairPredictions: Embeddings and logits of the pairs.
        """
        pair_feats = self.gather(feats, pairs, phrases)
        x = self.encoder(pair_feats)
        x = x + self.fuse(x)
        grid = PairGrid.of(pairs) if self.layers else None
        for layer in self.layers:
            x = layer(x, grid, context)
        x = self.norm(x)
        interactiveness = self.interactiveness(pair_feats, phrases.verb_embeds)
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
        """Compare pair tokens with phrases in float32.

        Without gradients only classes with an object of the batch are scored;
        the logits of the others, which no pair can have, are -1e4.

        Args:
            x (Tensor): Pair tokens, (P, D).
            interactiveness (Tensor): Interactiveness logits, (P, C) or
                (P, 1).
            pairs (PairBatch): The pairs.
            phrases (PhraseClassifier): The vocabulary's phrases.

        Returns:
            PairPredictions: Embeddings and logits of the pairs.
        """
        embeds = F.normalize(self.to_phrase(x).float(), dim=-1)
        verbs = F.normalize(self.to_verb(x).float(), dim=-1)
        scale = self.log_scale.exp()
        hois: Union[slice, Tensor] = slice(None)
        if not (torch.is_grad_enabled() or torch.compiler.is_compiling()):
            hois = phrases.classes_with(pairs.labels)
            if not len(hois):
                hois = slice(None)
        common = interactiveness.size(-1) == 1
        with torch.autocast(x.device.type, enabled=False):
            # One product of both parts: most of the time is spent here.
            classes = torch.cat(
                [
                    phrases.hoi_embeds[hois],
                    phrases.verb_embeds[phrases.hoi_verbs[hois]],
                ],
                1,
            )
            tokens = torch.cat([scale[0] * embeds, scale[1] * verbs], 1)
            class_logits = tokens @ classes.T + self.bias
            logits = logit_and(
                interactiveness if common else interactiveness[:, hois],
                class_logits,
            )
        valid = phrases.hoi_objects[hois] == pairs.object_labels[:, None]
        logits = phrases.score_no_interaction(logits, valid, hois)
        if isinstance(hois, Tensor):
            number = phrases.hoi_objects.numel()
            valid = _spread(valid, hois, number, False)
            logits = _spread(logits, hois, number, -1e4)
            class_logits = _spread(class_logits, hois, number, -1e4)
        return PairPredictions(
            embeds=embeds,
            logits=logits,
            valid=valid,
            interactiveness=interactiveness,
            class_logits=class_logits,
        )
