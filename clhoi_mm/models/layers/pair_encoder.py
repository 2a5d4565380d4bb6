from typing import NamedTuple, Optional

from torch import Tensor, nn

from .pair_geometry import NUM_PAIR_GEOMETRY


class PairFeatures(NamedTuple):
    """Input features of P pairs.

    Attributes:
        geometry (Tensor): Result of :func:`pair_geometry`, (P, 36).
        object_embeds (Tensor): Embeddings of the names of the N instances,
            (N, d).
        human_inds (Tensor): Instance of each pair's human, (P,).
        object_inds (Tensor): Instance of each pair's object, (P,).
        roi_feats (dict, optional): For 'human', 'object' and 'union': RoI
            features of R distinct boxes, (R, C, h, w), and the index of each
            pair's box, (P,).
        query_embeds (Tensor, optional): Query embeddings of the instances,
            (N, C).
    """

    geometry: Tensor
    object_embeds: Tensor
    human_inds: Tensor
    object_inds: Tensor
    roi_feats: Optional[dict[str, tuple[Tensor, Tensor]]] = None
    query_embeds: Optional[Tensor] = None


class PairEncoder(nn.Module):
    """Encodes geometry, object name and appearance of pairs as tokens.

    Args:
        text_dim (int): Width d of the text space.
        embed_dims (int): Width D.
        roi_shape (tuple[int, int, int], optional): Channels, height and width
            of RoI features. Defaults to None: no appearance.
        roi_channels (int): Channels to which RoI features are reduced.
        query_embed_channels (int, optional): Width of query embeddings.
        with_geometry (bool): Whether pair geometry is an input.
    """

    def __init__(
        self,
        text_dim: int,
        embed_dims: int,
        roi_shape: Optional[tuple[int, int, int]],
        roi_channels: int,
        query_embed_channels: Optional[int] = None,
        with_geometry: bool = True,
    ) -> None:
        super().__init__()
        self.geometry = None
        if with_geometry:
            self.geometry = nn.Sequential(
                nn.LayerNorm(NUM_PAIR_GEOMETRY),
                nn.Linear(NUM_PAIR_GEOMETRY, embed_dims),
                nn.ReLU(inplace=True),
                nn.Linear(embed_dims, embed_dims),
                nn.LayerNorm(embed_dims),
            )
        self.object_name = nn.Linear(text_dim, embed_dims)
        self.query_embed_reduce = None
        if query_embed_channels is not None:
            self.query_embed_reduce = nn.ModuleDict(
                {
                    part: nn.Sequential(
                        nn.LayerNorm(query_embed_channels),
                        nn.Linear(query_embed_channels, embed_dims),
                        nn.ReLU(inplace=True),
                        nn.Linear(embed_dims, embed_dims),
                        nn.LayerNorm(embed_dims),
                    )
                    for part in ('human', 'object')
                }
            )
        self.roi_reduce = None
        if roi_shape is not None:
            channels, height, width = roi_shape
            # Stride 2: as accurate as stride 1 on the mini world, at a
            # third of the cost.
            cells = -(-height // 2) * -(-width // 2)
            self.roi_reduce = nn.ModuleDict(
                {
                    part: nn.Sequential(
                        nn.Conv2d(
                            channels, roi_channels, 3, stride=2, padding=1
                        ),
                        nn.ReLU(inplace=True),
                        nn.Flatten(),
                        nn.Linear(roi_channels * cells, embed_dims),
                        nn.LayerNorm(embed_dims),
                    )
                    for part in ('human', 'object', 'union')
                }
            )

    def forward(self, pair_feats: PairFeatures) -> Tensor:
        """Encode pairs; each distinct box or instance is encoded once.

        Args:
            evidence (PairFeatures): Features of P pairs.

        Returns:
            Tensor: (P, D).
        """
        human, obj = None, self.object_name(pair_feats.object_embeds)
        if self.query_embed_reduce is not None:
            human = self.query_embed_reduce['human'](pair_feats.query_embeds)
            obj = obj + self.query_embed_reduce['object'](
                pair_feats.query_embeds
            )
        x = obj[pair_feats.object_inds]
        if human is not None:
            x = x + human[pair_feats.human_inds]
        if self.geometry is not None:
            x = x + self.geometry(pair_feats.geometry)
        if self.roi_reduce is not None:
            for part, (feats, inds) in pair_feats.roi_feats.items():
                x = x + self.roi_reduce[part](feats)[inds]
        return x
