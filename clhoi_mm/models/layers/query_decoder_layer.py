from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class QueryDecoderLayer(nn.TransformerDecoderLayer):
    """A decoder's layer in which a few queries read a long memory.

    Its arguments, weights and results are those of its base class with
    ``batch_first`` and without dropout. But neither keys nor values of the
    memory are computed: a query is brought to the memory's space by the
    keys' weights, and what it reads there goes through the values' weights.
    That costs H * T products with each place of the memory in place of
    2 * D, twice.

    Args:
        d_model (int): D.
        nhead (int): H.
        dim_feedforward (int): As of the base class. Defaults to 2048.
        dropout (float): 0; weights of places that are read are not dropped.
            Defaults to 0.
        **kwargs: As of the base class; ``batch_first`` is True.

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
        """Cross-attention.

        Args:
            x (Tensor): Queries, (B, T, D).
            mem (Tensor): What they read, (B, S, D).
            attn_mask (Tensor, optional): Is not used.
            key_padding_mask (Tensor, optional): True where the memory is
                padding, (B, S).
            is_causal (bool): Is not used.

        Returns:
            Tensor: (B, T, D).
        """
        attn = self.multihead_attn
        batch, length, dims = x.shape
        heads, width = attn.num_heads, attn.head_dim
        to_q, to_k, to_v = attn.in_proj_weight.chunk(3)
        bias_q, _, bias_v = attn.in_proj_bias.chunk(3)
        query = F.linear(x, to_q, bias_q) * width**-0.5
        # (B, H, T, D); the keys' bias would shift all logits alike.
        query = torch.einsum(
            'bthk,hkd->bhtd',
            query.view(batch, length, heads, width),
            to_k.view(heads, width, dims),
        )
        logits = query.flatten(1, 2) @ mem.transpose(1, 2)
        if key_padding_mask is not None:
            logits = logits.masked_fill(key_padding_mask[:, None], -torch.inf)
        read = (logits.softmax(-1) @ mem).view(batch, heads, length, dims)
        value = torch.einsum(
            'bhtd,hkd->bthk', read, to_v.view(heads, width, dims)
        )
        return self.dropout2(
            attn.out_proj(value.reshape(batch, length, dims) + bias_v)
        )
