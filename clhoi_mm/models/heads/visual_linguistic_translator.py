from dataclasses import dataclass
from typing import Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from clhoi_mm.registry import MODELS

from ..layers import QueryDecoderLayer, average_pool, sine_encoding


@dataclass
class Context:
    """Context that the VLT extracts from images.

    Attributes:
        tokens (Tensor): Context tokens Z, (B, T, D).
        token_embeds (Tensor, optional): The tokens in text space, unit
            length, (B, T, d).
        image_embed (Tensor, optional): The image in text space, unit length,
            (B, d).
    """

    tokens: Tensor
    token_embeds: Optional[Tensor] = None
    image_embed: Optional[Tensor] = None


@MODELS.register_module(name=['VisualLinguisticTranslator', 'VLT'])
class VisualLinguisticTranslator(BaseModule):
    """Encodes images as context tokens in a text space.

    T learnable queries attend to the image's feature maps in a transformer
    decoder; linear maps project them to text space.

    Args:
        in_channels (int): Channels of the feature maps.
        text_dim (int): Width d of the text space.
        embed_dims (int): Width D of the tokens. Defaults to 256.
        num_tokens (int): Queries T. Defaults to 16.
        num_layers (int): Decoder layers. Defaults to 2.
        num_heads (int): Attention heads. Defaults to 8.
        ffn_ratio (float): Hidden width of feed-forward parts over D.
        levels (Sequence[int]): Indices of the feature maps to use. Defaults
            to the coarsest.
        max_tokens (int): Positions of a map above which it is average-pooled:
            attention to all levels of a large image would cost more than the
            detector.
        init_cfg (dict, optional): Initialization config.
    """

    def __init__(
        self,
        in_channels: int,
        text_dim: int,
        embed_dims: int = 256,
        num_tokens: int = 16,
        num_layers: int = 2,
        num_heads: int = 8,
        ffn_ratio: float = 4.0,
        levels: Sequence[int] = (-1,),
        max_tokens: int = 1024,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.levels = tuple(levels)
        self.max_tokens = max_tokens
        self.input_proj = nn.Conv2d(in_channels, embed_dims, 1)
        self.input_norm = nn.LayerNorm(embed_dims)
        self.level_embed = nn.Parameter(
            torch.randn(len(self.levels), embed_dims) * 0.02
        )
        self.queries = nn.Parameter(torch.randn(num_tokens, embed_dims) * 0.02)
        self.decoder = nn.TransformerDecoder(
            QueryDecoderLayer(
                embed_dims,
                num_heads,
                int(embed_dims * ffn_ratio),
                dropout=0.0,
                activation='gelu',
                batch_first=True,
                norm_first=True,
            ),
            num_layers,
            norm=nn.LayerNorm(embed_dims),
        )
        self.token_to_text = nn.Linear(embed_dims, text_dim)
        self.image_to_text = nn.Linear(embed_dims, text_dim)

    def read_size(self, height: int, width: int) -> tuple[int, int]:
        """Compute height and width to which a map is pooled."""
        if height * width <= self.max_tokens:
            return height, width
        shrink = (self.max_tokens / (height * width)) ** 0.5
        return max(1, int(height * shrink)), max(1, int(width * shrink))

    def positions(
        self, mask: Optional[Tensor], size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Compute sine encodings of both axes.

        Args:
            mask (Tensor, optional): True where a map is padded, at its bottom
                and right, (B, h, w).
            size (tuple[int, int]): Height h and width w of the map.

        Returns:
            tuple[Tensor, Tensor]: Encodings of rows, (B, h, D / 2), and of
            columns, (B, w, D / 2), with B = 1 without a mask; undefined where
            there is padding.
        """
        if mask is None:
            axes = [
                torch.arange(1.0, length + 1, device=self.queries.device)[None]
                for length in size
            ]
        else:
            # Beyond the image the position of its last cell is repeated.
            axes = [
                (~axis).cumsum(1, dtype=torch.float32)
                for axis in (mask[:, :, 0], mask[:, 0])
            ]
        rows, columns = sine_encoding(axes, self.queries.size(1) // 2)
        return rows, columns

    def read_maps(
        self, feats: Sequence[Tensor], padding: Optional[Tensor]
    ) -> tuple[Tensor, Optional[Tensor]]:
        """Flatten the selected maps into one sequence with positions.

        Args:
            feats (Sequence[Tensor]): Feature maps, each (B, C, h, w).
            padding (Tensor, optional): True where the batch is padded,
                (B, H, W).

        Returns:
            tuple: Memory (B, S, D), and its padding (B, S) where `padding` is
            given.
        """
        memory, masks = [], []
        for level_embed, level in zip(self.level_embed, self.levels):
            x = feats[level]
            size = self.read_size(*x.shape[-2:])
            if size != x.shape[-2:]:
                x = average_pool(x, size)
            mask = None
            if padding is not None:
                mask = (
                    F.interpolate(padding[:, None].to(torch.uint8), size=size)[
                        :, 0
                    ]
                    > 0
                )
                masks.append(mask.flatten(1))
            # A 1x1 convolution as a product, which is faster.
            x = self.input_norm(
                torch.baddbmm(
                    self.input_proj.bias,
                    x.flatten(2).transpose(1, 2),
                    self.input_proj.weight.flatten(1).T.expand(
                        x.size(0), -1, -1
                    ),
                )
            )
            rows, columns = self.positions(mask, size)
            half = rows.size(2)
            grid = x.unflatten(1, size)
            # In place: a map of encodings would cost as much as attention.
            grid[..., :half] += (rows + level_embed[:half])[:, :, None]
            grid[..., half:] += (columns + level_embed[half:])[:, None]
            memory.append(x)
        if len(memory) == 1:
            return memory[0], masks[0] if masks else None
        return torch.cat(memory, 1), torch.cat(masks, 1) if masks else None

    def forward(
        self,
        feats: Sequence[Tensor],
        padding: Optional[Tensor] = None,
        with_text: bool = True,
    ) -> Context:
        """Encode images as context.

        Args:
            feats (Sequence[Tensor]): Feature maps, each (B, C, h, w).
            padding (Tensor, optional): True where the batch is padded,
                (B, H, W). Defaults to None: nowhere.
            with_text (bool): Project tokens to text space, which losses and
                :class:`ContextScorer` need. Defaults to True.

        Returns:
            Context: Tokens and embeddings.
        """
        memory, mask = self.read_maps(feats, padding)
        queries = self.queries[None].expand(memory.size(0), -1, -1)
        tokens = self.decoder(queries, memory, memory_key_padding_mask=mask)
        if not with_text:
            return Context(tokens)
        return Context(
            tokens=tokens,
            token_embeds=F.normalize(
                self.token_to_text(tokens).float(), dim=-1
            ),
            image_embed=F.normalize(
                self.image_to_text(tokens.mean(1)).float(), dim=-1
            ),
        )
