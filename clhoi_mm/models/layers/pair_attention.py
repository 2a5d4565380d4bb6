import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PairAttention(nn.Module):
    """Self-attention among an image's pairs that knows who shares what.

    The bias is factorised: one learned number a head for pairs with the same
    human and one for pairs with the same object, so that competing pairs find
    each other without an MLP over all pairs of pairs.

    Args:
        embed_dims (int): Width D.
        num_heads (int): Heads H.
    """

    def __init__(self, embed_dims: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(embed_dims, 3 * embed_dims)
        self.out = nn.Linear(embed_dims, embed_dims)
        self.bias = nn.Parameter(torch.zeros(2, num_heads))

    def forward(self, x: Tensor, humans: Tensor, objects: Tensor) -> Tensor:
        """Attend.

        Args:
            x (Tensor): Pair tokens, padded, (B, Q, D).
            humans (Tensor): Instance id of each pair's human, -1 where the
                slot is padding, (B, Q).
            objects (Tensor): Likewise for the object, (B, Q).

        Returns:
            Tensor: (B, Q, D).
        """
        batch, length, dims = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.num_heads,
                                   -1).permute(2, 0, 3, 1, 4)
        same = torch.stack([
            humans[:, :, None] == humans[:, None],
            objects[:, :, None] == objects[:, None]
        ], -1).to(q.dtype)
        bias = (same @ self.bias.to(q.dtype)).permute(0, 3, 1, 2)
        # A finite floor: a row of padding alone must not become NaN.
        bias = bias.masked_fill((humans < 0)[:, None, None], -1e4)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.out(y.transpose(1, 2).reshape(batch, length, dims))
