import torch
from torch import Tensor

NUM_PAIR_GEOMETRY = 36
# Limits the ratios of tiny boxes, which would dominate all other features.
MAX_RATIO = 20.0


def pair_geometry(human: Tensor, obj: Tensor, image_sizes: Tensor) -> Tensor:
    """Encode the geometry of human-object pairs.

    The pairwise spatial encoding of SCG (arXiv 2012.06060) and UPT (arXiv
    2112.01838): centers, sizes, areas, their ratios, IoU and signed offsets
    in units of the human's size, each with the logarithm of its magnitude.

    Args:
        human (Tensor): Human boxes (x1, y1, x2, y2), (P, 4).
        obj (Tensor): Object boxes, (P, 4).
        image_sizes (Tensor): Width and height of each pair's image, (P, 2).

    Returns:
        Tensor: (P, 36), float32.
    """
    # Both boxes at once, (2, P, ...), which takes half the operations.
    scale = image_sizes.float()
    low, high = (
        torch.stack([human[:, half], obj[:, half]]).float() / scale
        for half in (slice(2), slice(2, 4))
    )
    size = (high - low).clamp(min=1e-3)
    center = (low + high) / 2
    area, aspect = size.prod(2, True), size[..., :1] / size[..., 1:]
    inter = (high.amin(0) - low.amax(0)).clamp(min=0).prod(1, True)
    (size_h, size_o), (center_h, center_o) = size, center
    (area_h, area_o), (aspect_h, aspect_o) = area, aspect
    offset = (center_o - center_h) / size_h
    values = torch.cat(
        [
            center_h,
            size_h,
            center_o,
            size_o,
            area_h,
            area_o,
            area_o / area_h,
            aspect_h,
            aspect_o,
            inter / (area_h + area_o - inter).clamp(min=1e-6),
            offset.clamp(min=0),
            (-offset).clamp(min=0),
        ],
        1,
    ).clamp(max=MAX_RATIO)
    return torch.cat([values, (values.abs() + 1e-6).log()], 1)
