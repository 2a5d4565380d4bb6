import torch.nn.functional as F
from torch import Tensor, nn

from ..task_modules import PairGrid


class ContextCrossAttention(nn.Module):
    """Cross-attention of pairs to the context tokens of their image.

    Linear maps run on the pairs alone, not on the grid's padding.

    Args:
        embed_dims (int): Width D.
        num_heads (int): Heads H.
    """

    def __init__(self, embed_dims: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(embed_dims, embed_dims)
        self.key_value = nn.Linear(embed_dims, 2 * embed_dims)
        self.out = nn.Linear(embed_dims, embed_dims)

    def _split(self, x: Tensor) -> Tensor:
        """Split the heads of (B, L, D)."""
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, grid: PairGrid, context: Tensor) -> Tensor:
        """Attend to the context tokens.

        Args:
            x (Tensor): Pair tokens, (P, D).
            grid (PairGrid): Layout of the P pairs.
            context (Tensor): Context tokens, (B, T, D).

        Returns:
            Tensor: (P, D).
        """
        key, value = self.key_value(context).chunk(2, -1)
        y = F.scaled_dot_product_attention(
            self._split(grid.pad(self.query(x))),
            self._split(key),
            self._split(value),
        )
        return self.out(grid.unpad(y.transpose(1, 2).flatten(2)))

    def weights(self, x: Tensor, grid: PairGrid, context: Tensor) -> Tensor:
        """Compute attention weights, averaged over heads.

        Args:
            x (Tensor): Pair tokens, (P, D).
            grid (PairGrid): Layout of the P pairs.
            context (Tensor): Context tokens, (B, T, D).

        Returns:
            Tensor: Weights that sum to one, (P, T).
        """
        query = self._split(grid.pad(self.query(x)))
        key = self._split(self.key_value(context).chunk(2, -1)[0])
        logits = query @ key.transpose(2, 3) * query.size(-1) ** -0.5
        return grid.unpad(logits.softmax(-1).mean(1))
