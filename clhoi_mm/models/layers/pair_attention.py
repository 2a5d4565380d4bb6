import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..task_modules import PairGrid


class PairAttention(nn.Module):
    """Self-attention among an image's pairs with a shared-instance bias.

    The bias is factorized: one learned number per head for pairs with the
    same human and one for pairs with the same object. This relates competing
    pairs without an MLP over all pairs of pairs.

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

    def forward(self, x: Tensor, grid: PairGrid) -> Tensor:
        """Attend to the image's pairs; padding is masked.

        Args:
            x (Tensor): Pair tokens, (P, D).
            grid (PairGrid): Layout of the P pairs.

        Returns:
            Tensor: (P, D).
        """
        qkv = self.qkv(x)
        if not grid.parts:
            return self.out(self._attend(qkv, grid))
        inds = torch.cat([inds for inds, _ in grid.parts])
        y = torch.cat([self._attend(qkv[i], part) for i, part in grid.parts])
        return self.out(torch.empty_like(y).index_copy(0, inds, y))

    def _attend(self, qkv: Tensor, grid: PairGrid) -> Tensor:
        """Attend within an undivided grid, (P, 3 * D) to (P, D)."""
        q, k, v = (
            grid.pad(qkv)
            .unflatten(2, (3, self.num_heads, -1))
            .permute(2, 0, 3, 1, 4)
        )
        same_human, same_object = (
            ids[:, :, None] == ids[:, None]
            for ids in (grid.humans, grid.objects)
        )
        is_padding = (grid.humans < 0)[:, None].expand_as(same_human)
        cases = torch.stack([same_human, same_object, is_padding], 1)
        # A finite value: a row of padding alone must not become NaN.
        values = torch.cat([self.bias, torch.full_like(self.bias[:1], -1e4)])
        # One product in the mask's layout, which is not copied then.
        bias = values.T.to(q.dtype) @ cases.flatten(2).to(q.dtype)
        bias = bias.unflatten(2, same_human.shape[1:])
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return grid.unpad(y.transpose(1, 2).flatten(2))
