from typing import NamedTuple, Optional

from torch import Tensor, nn

from .pair_geometry import NUM_PAIR_GEOMETRY


class PairEvidence(NamedTuple):
    """What is known of P pairs among N instances.

    Attributes:
        geometry (Tensor): What :func:`pair_geometry` gives, (P, 36).
        names (Tensor): Embeddings of the objects' names, (P, d).
        human_inds (Tensor): Instance of each pair's human, (P,).
        object_inds (Tensor): Instance of each pair's object, (P,).
        instances (Tensor, optional): RoI features, (N, C, h, w).
        unions (Tensor, optional): RoI features of the smallest boxes around
            both, (P, C, h, w).
    """
    geometry: Tensor
    names: Tensor
    human_inds: Tensor
    object_inds: Tensor
    instances: Optional[Tensor] = None
    unions: Optional[Tensor] = None


class PairEncoder(nn.Module):
    """A token for each pair: where it is, what it is, what it looks like.

    Args:
        text_dim (int): Width d of the text space.
        embed_dims (int): Width D.
        roi_shape (tuple[int, int, int], optional): Channels, height and width
            of RoI features; without them pairs have no looks.
        roi_channels (int): Channels to which RoI features are reduced.
    """

    def __init__(self, text_dim: int, embed_dims: int,
                 roi_shape: Optional[tuple[int, int, int]],
                 roi_channels: int) -> None:
        super().__init__()
        self.geometry = nn.Sequential(
            nn.LayerNorm(NUM_PAIR_GEOMETRY),
            nn.Linear(NUM_PAIR_GEOMETRY, embed_dims), nn.ReLU(inplace=True),
            nn.Linear(embed_dims, embed_dims), nn.LayerNorm(embed_dims))
        self.object_name = nn.Linear(text_dim, embed_dims)
        self.roi_reduce = None
        if roi_shape is not None:
            channels, height, width = roi_shape
            self.roi_reduce = nn.ModuleDict({
                part: nn.Sequential(
                    nn.Conv2d(channels, roi_channels, 3, padding=1),
                    nn.ReLU(inplace=True), nn.Flatten(),
                    nn.Linear(roi_channels * height * width, embed_dims),
                    nn.LayerNorm(embed_dims))
                for part in ('human', 'object', 'union')
            })

    def forward(self, evidence: PairEvidence) -> Tensor:
        """Encode; an instance is looked at once, however many pairs it is in.

        Args:
            evidence (PairEvidence): Of P pairs.

        Returns:
            Tensor: (P, D).
        """
        x = self.geometry(evidence.geometry) + self.object_name(evidence.names)
        if self.roi_reduce is None:
            return x
        human = self.roi_reduce['human'](evidence.instances)
        obj = self.roi_reduce['object'](evidence.instances)
        return (x + human[evidence.human_inds] + obj[evidence.object_inds] +
                self.roi_reduce['union'](evidence.unions))
