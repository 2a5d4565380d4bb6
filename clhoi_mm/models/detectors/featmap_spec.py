import copy
from typing import Callable, NamedTuple, Optional, Sequence

import torch
from torch import Tensor, nn

# A level with fewer positions than RoIAlign asks for tells boxes little.
MAX_ROI_STRIDE = 32


class FeatmapSpec(NamedTuple):
    """Channels and strides of a network's feature maps, by level."""

    channels: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    @torch.no_grad()
    def of(
        cls,
        network: nn.Module,
        extract: Callable[[Tensor], Sequence[Tensor]],
        size: int,
    ) -> 'FeatmapSpec':
        """Compute the maps of a blank image and read their shapes.

        Args:
            network (nn.Module): The network.
            extract (Callable): From images (B, 3, H, W) to maps.
            size (int): Height and width of the image, a multiple of all
                strides.

        Returns:
            FeatmapSpec: Channels and strides of the maps.
        """
        training = network.training
        network.eval()
        like = next(network.parameters())
        maps = extract(like.new_zeros(1, 3, size, size))
        network.train(training)
        return cls(
            tuple(m.size(1) for m in maps),
            tuple(round(size / m.size(-1)) for m in maps),
        )


def infer_vlt_cfg(
    vlt: Optional[dict], look: Callable[[], FeatmapSpec]
) -> Optional[dict]:
    """Complete the VLT's config by the channels of the maps that it reads.

    Args:
        vlt (dict, optional): Its config; stated entries are kept.
        look (Callable): Looks up the maps' channels and strides.

    Returns:
        dict, optional: The config with ``in_channels``.

    Raises:
        ValueError: If it reads maps of different widths.
    """
    if vlt is None or 'in_channels' in vlt:
        return vlt
    channels = look().channels
    levels = vlt.get('levels', (-1,))
    found = {channels[level] for level in levels}
    if len(found) > 1:
        raise ValueError(
            f'vlt.levels={tuple(levels)} have {sorted(found)} channels; '
            'choose levels of one width'
        )
    return dict(vlt, in_channels=found.pop())


def infer_icn_cfg(icn: dict, look: Callable[[], FeatmapSpec]) -> dict:
    """Complete the RoI extractor's config by channels and strides of its maps.

    Boxes are pooled from all levels up to stride 32, as FPN detectors pool
    theirs: from the level where a box of 14 positions lies.

    Args:
        icn (dict): Config of the ICN; stated entries are kept.
        look (Callable): Looks up the maps' channels and strides.

    Returns:
        dict: The config with the extractor's ``out_channels`` and
        ``featmap_strides``.

    Raises:
        ValueError: If the maps have different widths.
    """
    extractor = icn.get('roi_extractor')
    if (
        extractor is None
        or {'out_channels', 'featmap_strides'} <= extractor.keys()
    ):
        return icn
    shapes = look()
    extractor = copy.deepcopy(extractor)
    if 'featmap_strides' not in extractor:
        strides = [s for s in shapes.strides if s <= MAX_ROI_STRIDE]
        extractor['featmap_strides'] = strides or shapes.strides[:1]
        extractor.setdefault('finest_scale', 14 * shapes.strides[0])
    used = set(shapes.channels[: len(extractor['featmap_strides'])])
    if len(used) > 1:
        raise ValueError(
            f'the maps to pool from have {sorted(used)} channels; give '
            'model.icn.roi_extractor featmap_strides and out_channels'
        )
    extractor.setdefault('out_channels', used.pop())
    return dict(icn, roi_extractor=extractor)
