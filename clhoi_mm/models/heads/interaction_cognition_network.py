import math
from dataclasses import dataclass
from typing import Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from clhoi_mm.registry import MODELS
from ..layers import NUM_PAIR_GEOMETRY, ICNLayer, pair_geometry
from ..task_modules import PairBatch
from .phrase_table import PhraseTable


@dataclass
class Interactions:
    """What the ICN thinks of P pairs.

    Attributes:
        embeds (Tensor): Pairs in text space, unit length, (P, d).
        logits (Tensor): Score of each HOI class before the sigmoid, (P, C).
        valid (Tensor): Whether the class speaks of the pair's object, (P, C).
    """
    embeds: Tensor
    logits: Tensor
    valid: Tensor


@MODELS.register_module(name=['InteractionCognitionNetwork', 'ICN'])
class InteractionCognitionNetwork(BaseModule):
    """Reasons over spatial, visual and context relations of pairs.

    A pair's token is made of RoI features of human, object and their union,
    the pair's geometry and the object's name; layers of :class:`ICNLayer`
    refine it; linear maps bring it to text space, where classes are phrases.

    With words about whole images a pair that reads the context can score
    what the image shows, whether or not it is the one that does it. So the
    context may be kept from the pairs and speak for all of them alike: it
    shifts the logits of an image's classes, and which pair it is must be seen
    in the pair.

    Args:
        text_dim (int): Width d of the text space.
        embed_dims (int): Width D of the tokens. Defaults to 256.
        num_layers (int): Layers. Defaults to 2.
        num_heads (int): Attention heads. Defaults to 8.
        ffn_ratio (float): Hidden width of feed-forward parts over D.
        roi_extractor (dict, optional): Config of mmdet's RoI extractor; the
            pairs' appearance is not used without. Defaults to None.
        roi_channels (int): Channels to which RoI features are reduced.
        with_context (bool): Whether there is a VLT to listen to.
        context_use (str): 'shift': the context shifts the logits of all the
            image's pairs alike; 'attend': the pairs attend to its tokens.
            Defaults to 'attend'.
        dropout (float): Share of appearance features and of fused token
            features left out in training; noisy words are learnt by heart
            otherwise. Defaults to 0.
        prior (float): Probability of a class at the start. Defaults to 0.02.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(self,
                 text_dim: int,
                 embed_dims: int = 256,
                 num_layers: int = 2,
                 num_heads: int = 8,
                 ffn_ratio: float = 4.0,
                 roi_extractor: Optional[dict] = None,
                 roi_channels: int = 64,
                 with_context: bool = True,
                 context_use: str = 'attend',
                 dropout: float = 0.,
                 prior: float = 0.02,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg)
        if context_use not in ('shift', 'attend'):
            raise ValueError(f"context_use={context_use!r} is neither 'shift' "
                             "nor 'attend'")
        self.shifts = with_context and context_use == 'shift'
        self.attends = with_context and context_use == 'attend'
        self.roi_extractor = None
        if roi_extractor is not None:
            self.roi_extractor = MODELS.build(roi_extractor)
            size = self.roi_extractor.roi_layers[0].output_size
            width = roi_channels * size[0] * size[1]
            self.roi_reduce = nn.ModuleDict({
                part: nn.Sequential(
                    nn.Conv2d(self.roi_extractor.out_channels, roi_channels,
                              3, padding=1),
                    nn.ReLU(inplace=True), nn.Flatten(),
                    nn.Dropout(dropout), nn.Linear(width, embed_dims),
                    nn.LayerNorm(embed_dims))
                for part in ('human', 'object', 'union')
            })
        self.geometry = nn.Sequential(
            nn.LayerNorm(NUM_PAIR_GEOMETRY),
            nn.Linear(NUM_PAIR_GEOMETRY, embed_dims), nn.ReLU(inplace=True),
            nn.Linear(embed_dims, embed_dims), nn.LayerNorm(embed_dims))
        self.object_name = nn.Linear(text_dim, embed_dims)
        self.fuse = nn.Sequential(
            nn.LayerNorm(embed_dims), nn.Linear(embed_dims, embed_dims),
            nn.ReLU(inplace=True), nn.Linear(embed_dims, embed_dims))
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            ICNLayer(embed_dims, num_heads, ffn_ratio, self.attends)
            for _ in range(num_layers))
        self.norm = nn.LayerNorm(embed_dims)
        self.to_phrase = nn.Linear(embed_dims, text_dim)
        self.to_verb = nn.Linear(embed_dims, text_dim)
        if self.shifts:
            self.to_shift = nn.Sequential(
                nn.LayerNorm(embed_dims), nn.Linear(embed_dims, text_dim))
            # Says nothing at the start, so that the prior holds.
            nn.init.zeros_(self.to_shift[1].weight)
            nn.init.zeros_(self.to_shift[1].bias)
        self.log_scale = nn.Parameter(torch.full((2, ), math.log(10.)))
        self.bias = nn.Parameter(torch.tensor(math.log(prior / (1 - prior))))

    def look(self, feats: Sequence[Tensor], pairs: PairBatch) -> Tensor:
        """Appearance of pairs from RoI features, (P, D).

        An instance is pooled once, however many pairs it is in.
        """
        # The extractor casts boxes to the maps' type, and half precision
        # knows no single pixel at the far side of an image.
        feats = [f.float() for f in feats[:self.roi_extractor.num_inputs]]

        def pool(boxes: Tensor, image: Tensor) -> Tensor:
            return self.roi_extractor(
                feats, torch.cat([image[:, None].to(boxes), boxes], 1))

        instances = pool(pairs.boxes, pairs.image_inds)
        unions = pool(pairs.union_boxes, pairs.pair_inds)
        human = self.roi_reduce['human'](instances)[pairs.human_inds]
        obj = self.roi_reduce['object'](instances)[pairs.object_inds]
        return human + obj + self.roi_reduce['union'](unions)

    def forward(self,
                feats: Sequence[Tensor],
                pairs: PairBatch,
                phrases: PhraseTable,
                context: Optional[Tensor] = None) -> Interactions:
        """Score the pairs of a batch.

        Args:
            feats (Sequence[Tensor]): Feature maps, each (B, C, h, w).
            pairs (PairBatch): The pairs.
            phrases (PhraseTable): The vocabulary's embeddings.
            context (Tensor, optional): The VLT's tokens, (B, T, D).

        Returns:
            Interactions: Embeddings and logits of the pairs.
        """
        names = phrases.object_embeds[pairs.object_labels]
        x = self.geometry(
            pair_geometry(pairs.human_boxes, pairs.object_boxes,
                          pairs.image_sizes[pairs.pair_inds]))
        x = x + self.object_name(names)
        if self.roi_extractor is not None:
            x = x + self.look(feats, pairs)
        x = self.dropout(x + self.fuse(x))

        slots, width = pairs.slots()
        shape = (pairs.num_images, width)
        grid = x.new_zeros(shape[0] * width, x.size(1))
        grid = grid.index_copy(0, slots, x).view(*shape, -1)
        humans, objects = (
            slots.new_full((shape[0] * width, ),
                           -1).index_copy(0, slots, inds).view(shape)
            for inds in (pairs.human_inds, pairs.object_inds))
        for layer in self.layers:
            grid = layer(grid, humans, objects,
                         context if self.attends else None)
        x = self.norm(grid.flatten(0, 1)[slots])
        shift = None
        if self.shifts and context is not None:
            shift = self.to_shift(context).mean(1)
        return self.score(x, pairs, phrases, shift)

    def score(self,
              x: Tensor,
              pairs: PairBatch,
              phrases: PhraseTable,
              shift: Optional[Tensor] = None) -> Interactions:
        """Compare tokens with phrases, in float32 whatever the rest.

        Args:
            x (Tensor): Pair tokens, (P, D).
            pairs (PairBatch): The pairs.
            phrases (PhraseTable): The vocabulary's embeddings.
            shift (Tensor, optional): What the images' context says of all
                their pairs alike, in text space, (B, d).

        Returns:
            Interactions: Embeddings and logits of the pairs.
        """
        embeds = F.normalize(self.to_phrase(x).float(), dim=-1)
        verbs = F.normalize(self.to_verb(x).float(), dim=-1)
        scale = self.log_scale.exp()
        with torch.autocast(x.device.type, enabled=False):
            by_phrase = embeds @ phrases.hoi_embeds.T
            by_verb = (verbs @ phrases.verb_embeds.T)[:, phrases.hoi_verbs]
            logits = scale[0] * by_phrase + scale[1] * by_verb + self.bias
            if shift is not None:
                by_image = shift.float() @ phrases.hoi_embeds.T
                logits = logits + by_image[pairs.pair_inds]
        valid = phrases.hoi_objects[None] == pairs.object_labels[:, None]
        return Interactions(
            embeds=embeds,
            logits=phrases.score_absence(logits, valid),
            valid=valid)
