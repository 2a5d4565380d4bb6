from typing import Any, List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clhoi_mm.structures import HOIDataSample

from ..task_modules import PairBatch, PairGrid

# Number of cells along the longer side of a map.
LONGER_SIDE = 48


class ContextAttention:
    """Attention maps of pairs over the image, through the VLT's tokens.

    A pair's attention to each token of the VLT times the token's attention to
    each place of the feature maps, averaged over heads and layers. Inside a
    ``with`` block the layers' inputs are kept, and the weights are computed
    from them on demand: the layers themselves do not compute any.

    RoI features and attention among tokens are not included.

    Args:
        vlt (nn.Module, optional): The model's VLT.
        icn (nn.Module, optional): The model's ICN.

    Raises:
        ValueError: If pairs of the model do not attend to any context.
    """

    def __init__(
        self, vlt: Optional[nn.Module], icn: Optional[nn.Module]
    ) -> None:
        if vlt is None or not getattr(icn, 'layers', None):
            raise ValueError(
                'no attention can be shown: that of pairs to '
                'their context needs a model with vlt and icn'
            )
        self.vlt = vlt
        self.icn = icn

    def __enter__(self) -> 'ContextAttention':
        self._queries: List[Tensor] = []
        self._context_layers: List[Tuple[Tensor, PairGrid, Tensor]] = []

        def on_vlt(module: nn.Module, args: tuple) -> None:
            self._feats, self._padding = args

        def on_decoder(module: nn.Module, args: tuple, kwargs: dict) -> None:
            self._memory = args[1], kwargs['memory_key_padding_mask']

        def on_query(module: nn.Module, args: tuple, output: Tensor) -> None:
            self._queries.append(output)

        def on_icn(module: nn.Module, args: tuple) -> None:
            self._pairs = args[1]

        def on_context_layer(module: nn.Module, args: tuple) -> None:
            self._context_layers.append(args)

        self._handles = [
            self.vlt.register_forward_pre_hook(on_vlt),
            self.vlt.decoder.register_forward_pre_hook(
                on_decoder, with_kwargs=True
            ),
            self.icn.register_forward_pre_hook(on_icn),
        ]
        self._handles += [
            layer.norm2.register_forward_hook(on_query)
            for layer in self.vlt.decoder.layers
        ]
        self._handles += [
            layer.context_attn.register_forward_pre_hook(on_context_layer)
            for layer in self.icn.layers
        ]
        return self

    def __exit__(self, *exception: Any) -> None:
        for handle in self._handles:
            handle.remove()

    def explain(self, samples: List[HOIDataSample]) -> None:
        """Add ``attention`` to the predictions made in the block.

        Args:
            samples (List[HOIDataSample]): With ``pred_hois``, which get
                ``attention`` (N, h, w): shares of the places of the image,
                which sum to one, or are 0 for rows without an object.
        """
        pairs: PairBatch = self._pairs
        levels = self._densities()
        for image, sample in enumerate(samples):
            mine = pairs.pair_inds == image
            shape = sample.img_shape[:2]
            if self._padding is not None:
                shape = self._padding.shape[-2:]
            maps = _crop(
                [level[mine] for level in levels],
                pairs.image_sizes[image].tolist(),
                shape,
            )
            hois = sample.pred_hois
            scale = pairs.boxes.new_ones(4)
            if 'scale_factor' in sample:
                scale = scale.new_tensor(sample.scale_factor).repeat(2)
            rows, boxes = (
                torch.cat(both, 1)
                for both in (
                    (hois.human_bboxes, hois.object_bboxes),
                    (
                        pairs.human_bboxes[mine] / scale,
                        pairs.object_bboxes[mine] / scale,
                    ),
                )
            )
            # Boxes of pairs are copied into predictions as they are.
            same = (rows[:, None] == boxes).all(-1).to(maps)
            same = same / same.sum(1, keepdim=True).clamp(min=1)
            hois.attention = torch.einsum('np,phw->nhw', same, maps)

    def _densities(self) -> List[Tensor]:
        """Compute the attention of pairs by level, each (P, h, w)."""
        pairs = self._pairs
        memory, mask = self._memory
        with torch.no_grad():
            places = sum(
                layer.multihead_attn(x, memory, memory, key_padding_mask=mask)[
                    1
                ]
                for layer, x in zip(self.vlt.decoder.layers, self._queries)
            )
            tokens = sum(
                layer.context_attn.weights(*args)
                for layer, args in zip(self.icn.layers, self._context_layers)
            )
        shares = (tokens[:, None] @ places[pairs.pair_inds])[:, 0].float()
        sizes = [
            self.vlt.read_size(*self._feats[level].shape[-2:])
            for level in self.vlt.levels
        ]
        return [
            part.unflatten(1, size) * (size[0] * size[1])
            for size, part in zip(
                sizes, shares.split([h * w for h, w in sizes], 1)
            )
        ]


def _crop(
    levels: List[Tensor], size: List[float], batch_shape: Tuple[int, int]
) -> Tensor:
    """Add densities of all levels over the image, (p, h, w)."""
    width, height = size
    cells = [
        max(round(LONGER_SIDE * side / max(size)), 1)
        for side in (height, width)
    ]
    if not len(levels[0]):
        return levels[0].new_zeros(0, *cells)
    y, x = (
        # Centers of cells in [-1, 1], the padded batch's sides.
        (2 * torch.arange(n, device=levels[0].device) + 1) / n * side / whole
        - 1
        for n, side, whole in zip(cells, (height, width), batch_shape)
    )
    grid = torch.stack(torch.meshgrid(x, y, indexing='xy'), -1)
    heat = sum(
        F.grid_sample(
            level[None],
            grid[None].to(level),
            padding_mode='border',
            align_corners=False,
        )[0]
        for level in levels
    )
    return heat / heat.sum((1, 2), keepdim=True)
