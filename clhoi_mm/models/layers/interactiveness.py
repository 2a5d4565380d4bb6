import math
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .pair_encoder import PairEncoder, PairFeatures


class Interactiveness(nn.Module):
    """Interactiveness head that sees a pair without image context.

    After TIN (arXiv 1811.08264), with a pair encoder of its own: a head with
    access to the context could fit image-level labels with any pair of the
    image. It predicts one logit for all verbs or, with `by_verb`, one for
    each: the common logit plus the scaled similarity of pair and verb in text
    space, since different verbs hold at different distances.

    Args:
        text_dim (int): Width d of the text space.
        embed_dims (int): Width D of the tokens.
        roi_shape (tuple[int, int, int], optional): Channels, height and width
            of RoI features.
        roi_channels (int): Channels to which RoI features are reduced.
        prior (float): Initial probability.
        query_embed_channels (int, optional): Width of query embeddings.
        with_geometry (bool): Whether pair geometry is an input.
        by_verb (bool): Whether each verb has its own logit. Defaults to
            False.
    """

    def __init__(
        self,
        text_dim: int,
        embed_dims: int,
        roi_shape: Optional[tuple[int, int, int]],
        roi_channels: int,
        prior: float,
        query_embed_channels: Optional[int] = None,
        with_geometry: bool = True,
        by_verb: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = PairEncoder(
            text_dim,
            embed_dims,
            roi_shape,
            roi_channels,
            query_embed_channels,
            with_geometry,
        )
        self.head = nn.Sequential(
            nn.LayerNorm(embed_dims),
            nn.Linear(embed_dims, embed_dims),
            nn.ReLU(inplace=True),
            nn.Linear(embed_dims, 1),
        )
        nn.init.constant_(self.head[-1].bias, math.log(prior / (1 - prior)))
        self.by_verb = by_verb
        if by_verb:
            self.to_verb = nn.Linear(embed_dims, text_dim)
            self.log_scale = nn.Parameter(torch.tensor(math.log(5.0)))

    def forward(self, pair_feats: PairFeatures, verb_embeds: Tensor) -> Tensor:
        """Predict interactiveness logits.

        Args:
            evidence (PairFeatures): Features of P pairs.
            verb_embeds (Tensor): Verbs in text space, unit length, (V, d).

        Returns:
            Tensor: Verb-wise logits, (P, V), or common ones, (P, 1), float32.
        """
        x = self.head[:-1](self.encoder(pair_feats))
        logits = self.head[-1](x).float()
        if not self.by_verb:
            return logits
        pair_embeds = F.normalize(self.to_verb(x).float(), dim=-1)
        with torch.autocast(x.device.type, enabled=False):
            return logits + self.log_scale.exp() * (
                pair_embeds @ verb_embeds.T
            )
