from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class QueryDecoderLayer(nn.TransformerDecoderLayer):
    """Decoder layer for few queries and a long memory.

    Arguments, weights and results are those of the base class with
    ``batch_first`` and without dropout, but keys and values of the memory are
    not computed: queries are projected to the memory's space by the key
    weights, and the attended memory is projected by the value weights. That
    costs H * T products for each position of the memory instead of 2 * D,
    twice.

    Args:
        d_model (int): Width D.
        nhead (int): Number of heads H.
        dim_feedforward (int): See the base class. Defaults to 2048.
        dropout (float): Must be 0, since attention weights are not dropped.
            Defaults to 0.
        **kwargs: See the base class; ``batch_first`` must be True.

    Raises:
        ValueError: If ``dropout`` is not 0 or ``batch_first`` is not True.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.0,
        *,
        batch_first: bool = True,
        **kwargs,
    ) -> None:
        if dropout != 0 or not batch_first:
            raise ValueError(
                f'QueryDecoderLayer(dropout={dropout}, '
                f'batch_first={batch_first}): '
                'it works without dropout and with batch_first=True only'
            )
        super().__init__(
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            batch_first=True,
            **kwargs,
        )

    def _mha_block(
        self,
        x: Tensor,
        mem: Tensor,
        attn_mask: Optional[Tensor],
        key_padding_mask: Optional[Tensor],
        is_causal: bool = False,
    ) -> Tensor:
        """Compute cross-attention.

        Args:
            x (Tensor): Queries, (B, T, D).
            mem (Tensor): Memory, (B, S, D).
            attn_mask (Tensor, optional): Not used.
            key_padding_mask (Tensor, optional): True where the memory is
                padding, (B, S).
            is_causal (bool): Not used.

        Returns:
            Tensor: (B, T, D).
        """
        attn = self.multihead_attn
        batch, length, dims = x.shape
        heads, width = attn.num_heads, attn.head_dim
        to_q, to_k, to_v = attn.in_proj_weight.chunk(3)
        bias_q, _, bias_v = attn.in_proj_bias.chunk(3)
        query = F.linear(x, to_q, bias_q) * width**-0.5
        # (B, H, T, D); the key bias would shift all logits alike.
        query = torch.einsum(
            'bthk,hkd->bhtd',
            query.view(batch, length, heads, width),
            to_k.view(heads, width, dims),
        )
        logits = query.flatten(1, 2) @ mem.transpose(1, 2)
        if key_padding_mask is not None:
            logits = logits.masked_fill(key_padding_mask[:, None], -torch.inf)
        attended = (logits.softmax(-1) @ mem).view(batch, heads, length, dims)
        value = torch.einsum(
            'bhtd,hkd->bthk', attended, to_v.view(heads, width, dims)
        )
        return self.dropout2(
            attn.out_proj(value.reshape(batch, length, dims) + bias_v)
        )
