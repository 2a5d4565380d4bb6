import math

from torch import Tensor, nn

from .pair_geometry import NUM_PAIR_GEOMETRY


class Interactiveness(nn.Module):
    """Whether a human does anything at all to an object, from their places.

    One judgement for all verbs of all objects (after TIN, arXiv 1811.08264).
    It sees geometry and the object's name and nothing of the image: whoever
    sees the image can explain words about it by any of its pairs.

    Args:
        text_dim (int): Width d of the text space.
        embed_dims (int): Width D of the hidden layers.
        prior (float): Probability at the start.
    """

    def __init__(self, text_dim: int, embed_dims: int, prior: float) -> None:
        super().__init__()
        self.geometry = nn.Sequential(
            nn.LayerNorm(NUM_PAIR_GEOMETRY),
            nn.Linear(NUM_PAIR_GEOMETRY, embed_dims), nn.ReLU(inplace=True),
            nn.Linear(embed_dims, embed_dims), nn.LayerNorm(embed_dims))
        self.object_name = nn.Linear(text_dim, embed_dims)
        self.head = nn.Sequential(
            nn.LayerNorm(embed_dims), nn.Linear(embed_dims, embed_dims),
            nn.ReLU(inplace=True), nn.Linear(embed_dims, 1))
        nn.init.constant_(self.head[-1].bias, math.log(prior / (1 - prior)))

    def forward(self, geometry: Tensor, names: Tensor) -> Tensor:
        """Judge pairs.

        Args:
            geometry (Tensor): What :func:`pair_geometry` gives, (P, 36).
            names (Tensor): Embeddings of the objects' names, (P, d).

        Returns:
            Tensor: Logits, (P,).
        """
        return self.head(self.geometry(geometry) +
                         self.object_name(names)).squeeze(1)
