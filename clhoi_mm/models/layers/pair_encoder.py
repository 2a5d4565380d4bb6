from typing import NamedTuple, Optional

from torch import Tensor, nn

from .pair_geometry import NUM_PAIR_GEOMETRY


class PairFeatures(NamedTuple):
    """What is known of P pairs.

    Attributes:
        geometry (Tensor): What :func:`pair_geometry` gives, (P, 36).
        object_embeds (Tensor): Embeddings of the objects' names, (P, d).
        roi_feats (dict, optional): By part, 'human', 'object' and 'union': RoI
            features of its boxes, each once, (R, C, h, w), and which of them
            are the pairs', (P,).
        query_embeds (dict, optional): By part, 'human' and 'object': what the
            detector's decoder says of each instance, (N, C), and which
            instance is the pairs', (P,).
    """

    geometry: Tensor
    object_embeds: Tensor
    roi_feats: Optional[dict[str, tuple[Tensor, Tensor]]] = None
    query_embeds: Optional[dict[str, tuple[Tensor, Tensor]]] = None


class PairEncoder(nn.Module):
    """A token for each pair: where it is, what it is, what it looks like.

    Args:
        text_dim (int): Width d of the text space.
        embed_dims (int): Width D.
        roi_shape (tuple[int, int, int], optional): Channels, height and width
            of RoI features; without them pairs have no looks.
        roi_channels (int): Channels to which RoI features are reduced.
        query_embed_channels (int, optional): Width of the instances' states.
        with_geometry (bool): Whether it is told where the pair is.
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
            # Every second position: as good as all of them in the mini world,
            # at a third of the cost.
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

    def forward(self, evidence: PairFeatures) -> Tensor:
        """Encode; an instance is looked at once, however many pairs it is in.

        Args:
            evidence (PairFeatures): Of P pairs.

        Returns:
            Tensor: (P, D).
        """
        x = self.object_name(evidence.object_embeds)
        if self.geometry is not None:
            x = self.geometry(evidence.geometry) + x
        for reduce, seen in (
            (self.query_embed_reduce, evidence.query_embeds),
            (self.roi_reduce, evidence.roi_feats),
        ):
            if reduce is not None:
                for part, (feats, inds) in seen.items():
                    x = x + reduce[part](feats)[inds]
        return x
