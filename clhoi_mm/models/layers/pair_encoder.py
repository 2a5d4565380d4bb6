from typing import NamedTuple, Optional

from torch import Tensor, nn

from .pair_geometry import NUM_PAIR_GEOMETRY


class PairEvidence(NamedTuple):
    """What is known of P pairs.

    Attributes:
        geometry (Tensor): What :func:`pair_geometry` gives, (P, 36).
        names (Tensor): Embeddings of the objects' names, (P, d).
        looks (dict, optional): By part, 'human', 'object' and 'union': RoI
            features of its boxes, each once, (R, C, h, w), and which of them
            are the pairs', (P,).
        states (dict, optional): By part, 'human' and 'object': what the
            detector's decoder says of each instance, (N, C), and which
            instance is the pairs', (P,).
    """

    geometry: Tensor
    names: Tensor
    looks: Optional[dict[str, tuple[Tensor, Tensor]]] = None
    states: Optional[dict[str, tuple[Tensor, Tensor]]] = None


class PairEncoder(nn.Module):
    """A token for each pair: where it is, what it is, what it looks like.

    Args:
        text_dim (int): Width d of the text space.
        embed_dims (int): Width D.
        roi_shape (tuple[int, int, int], optional): Channels, height and width
            of RoI features; without them pairs have no looks.
        roi_channels (int): Channels to which RoI features are reduced.
        state_channels (int, optional): Width of the instances' states.
        with_geometry (bool): Whether it is told where the pair is.
    """

    def __init__(
        self,
        text_dim: int,
        embed_dims: int,
        roi_shape: Optional[tuple[int, int, int]],
        roi_channels: int,
        state_channels: Optional[int] = None,
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
        self.state_reduce = None
        if state_channels is not None:
            self.state_reduce = nn.ModuleDict(
                {
                    part: nn.Sequential(
                        nn.LayerNorm(state_channels),
                        nn.Linear(state_channels, embed_dims),
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

    def forward(self, evidence: PairEvidence) -> Tensor:
        """Encode; an instance is looked at once, however many pairs it is in.

        Args:
            evidence (PairEvidence): Of P pairs.

        Returns:
            Tensor: (P, D).
        """
        x = self.object_name(evidence.names)
        if self.geometry is not None:
            x = self.geometry(evidence.geometry) + x
        for reduce, seen in (
            (self.state_reduce, evidence.states),
            (self.roi_reduce, evidence.looks),
        ):
            if reduce is not None:
                for part, (feats, inds) in seen.items():
                    x = x + reduce[part](feats)[inds]
        return x
