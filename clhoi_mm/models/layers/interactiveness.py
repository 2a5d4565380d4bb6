import math
from typing import Optional

from torch import Tensor, nn

from .pair_encoder import PairEncoder, PairEvidence


class Interactiveness(nn.Module):
    """Whether a human does anything at all to an object.

    One judgement for all verbs of all objects (after TIN, arXiv 1811.08264),
    in tokens of its own and without the image's context: whatever sees the
    context can explain words about the image by any of its pairs.

    Args:
        text_dim (int): Width d of the text space.
        embed_dims (int): Width D of the tokens.
        roi_shape (tuple[int, int, int], optional): Shape of RoI features.
        roi_channels (int): Channels to which RoI features are reduced.
        prior (float): Probability at the start.
        state_channels (int, optional): Width of the instances' states.
        with_geometry (bool): Whether it is told where the pair is.
    """

    def __init__(self, text_dim: int, embed_dims: int,
                 roi_shape: Optional[tuple[int, int, int]], roi_channels: int,
                 prior: float, state_channels: Optional[int] = None,
                 with_geometry: bool = True) -> None:
        super().__init__()
        self.encoder = PairEncoder(text_dim, embed_dims, roi_shape,
                                   roi_channels, state_channels,
                                   with_geometry)
        self.head = nn.Sequential(
            nn.LayerNorm(embed_dims), nn.Linear(embed_dims, embed_dims),
            nn.ReLU(inplace=True), nn.Linear(embed_dims, 1))
        nn.init.constant_(self.head[-1].bias, math.log(prior / (1 - prior)))

    def forward(self, evidence: PairEvidence) -> Tensor:
        """Judge pairs.

        Args:
            evidence (PairEvidence): Of P pairs.

        Returns:
            Tensor: Logits, (P,).
        """
        return self.head(self.encoder(evidence)).squeeze(1)
