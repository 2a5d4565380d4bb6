from typing import Optional

from torch import Tensor, nn

from .pair_attention import PairAttention


class ICNLayer(nn.Module):
    """Pairs look at each other, then at the context, then think.

    Args:
        embed_dims (int): Width D.
        num_heads (int): Attention heads.
        ffn_ratio (float): Hidden width of the feed-forward part over D.
        with_context (bool): Whether there is a context to look at.
    """

    def __init__(self, embed_dims: int, num_heads: int, ffn_ratio: float,
                 with_context: bool) -> None:
        super().__init__()
        hidden = int(embed_dims * ffn_ratio)
        self.norm_pairs = nn.LayerNorm(embed_dims)
        self.pair_attn = PairAttention(embed_dims, num_heads)
        if with_context:
            self.norm_context = nn.LayerNorm(embed_dims)
            self.context_attn = nn.MultiheadAttention(
                embed_dims, num_heads, batch_first=True)
        self.norm_ffn = nn.LayerNorm(embed_dims)
        self.ffn = nn.Sequential(
            nn.Linear(embed_dims, hidden), nn.GELU(),
            nn.Linear(hidden, embed_dims))

    def forward(self, x: Tensor, humans: Tensor, objects: Tensor,
                context: Optional[Tensor]) -> Tensor:
        """One round.

        Args:
            x (Tensor): Pair tokens, (B, Q, D).
            humans (Tensor): Human of each pair, -1 for padding, (B, Q).
            objects (Tensor): Object of each pair, -1 for padding, (B, Q).
            context (Tensor, optional): Context tokens of the VLT, (B, T, D).

        Returns:
            Tensor: (B, Q, D).
        """
        x = x + self.pair_attn(self.norm_pairs(x), humans, objects)
        if context is not None:
            x = x + self.context_attn(
                self.norm_context(x), context, context,
                need_weights=False)[0]
        return x + self.ffn(self.norm_ffn(x))
