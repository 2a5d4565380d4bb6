import math
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .pair_encoder import PairEncoder, PairFeatures


class Interactiveness(nn.Module):
    """Whether a human does something to an object, by the pair alone.

    After TIN (arXiv 1811.08264), in tokens of its own and without the image's
    context: whatever sees the context can explain words about the image by
    any of its pairs. One judgement for all verbs of all objects or, `by_verb`,
    one for each, since who is near an object may hold it and who is far away
    may have thrown it: that common judgement and how well the pair agrees
    with the verb in text space.

    Args:
        text_dim (int): Width d of the text space.
        embed_dims (int): Width D of the tokens.
        roi_shape (tuple[int, int, int], optional): Shape of RoI features.
        roi_channels (int): Channels to which RoI features are reduced.
        prior (float): Probability at the start.
        query_embed_channels (int, optional): Width of the instances' states.
        with_geometry (bool): Whether it is told where the pair is.
        by_verb (bool): Whether each verb is judged by itself. Defaults to
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

    def forward(self, evidence: PairFeatures, verb_embeds: Tensor) -> Tensor:
        """Judge pairs.

        Args:
            evidence (PairFeatures): Of P pairs.
            verb_embeds (Tensor): Verbs in text space, unit length, (V, d).

        Returns:
            Tensor: Logits, (P, V), or (P, 1) of any verb, float32.
        """
        x = self.head[:-1](self.encoder(evidence))
        logits = self.head[-1](x).float()
        if not self.by_verb:
            return logits
        verbs = F.normalize(self.to_verb(x).float(), dim=-1)
        with torch.autocast(x.device.type, enabled=False):
            return logits + self.log_scale.exp() * (verbs @ verb_embeds.T)
