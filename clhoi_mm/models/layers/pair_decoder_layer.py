from typing import Optional

from torch import Tensor, nn

from ..task_modules import PairGrid
from .context_cross_attention import ContextCrossAttention
from .pair_attention import PairAttention


class PairDecoderLayer(nn.Module):
    """Pair self-attention, cross-attention to context tokens, feed-forward.

    Args:
        embed_dims (int): Width D.
        num_heads (int): Attention heads.
        ffn_ratio (float): Hidden width of the feed-forward part over D.
        with_context (bool): Whether there is cross-attention.
        with_pair_attention (bool): Whether there is pair self-attention.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        ffn_ratio: float,
        with_context: bool,
        with_pair_attention: bool = True,
    ) -> None:
        super().__init__()
        hidden = int(embed_dims * ffn_ratio)
        self.pair_attn = None
        if with_pair_attention:
            self.norm_pairs = nn.LayerNorm(embed_dims)
            self.pair_attn = PairAttention(embed_dims, num_heads)
        if with_context:
            self.norm_context = nn.LayerNorm(embed_dims)
            self.context_attn = ContextCrossAttention(embed_dims, num_heads)
        self.norm_ffn = nn.LayerNorm(embed_dims)
        self.ffn = nn.Sequential(
            nn.Linear(embed_dims, hidden),
            nn.GELU(),
            nn.Linear(hidden, embed_dims),
        )

    def forward(
        self, x: Tensor, grid: PairGrid, context: Optional[Tensor]
    ) -> Tensor:
        """Refine pair tokens.

        Args:
            x (Tensor): Pair tokens, (P, D).
            grid (PairGrid): Layout of the P pairs.
            context (Tensor, optional): Context tokens of the VLT, (B, T, D).

        Returns:
            Tensor: (P, D).
        """
        if self.pair_attn is not None:
            x = x + self.pair_attn(self.norm_pairs(x), grid)
        if context is not None:
            x = x + self.context_attn(self.norm_context(x), grid, context)
        return x + self.ffn(self.norm_ffn(x))
