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
    scale = torch.cat([image_sizes, image_sizes], 1).float()
    human, obj = human.float() / scale, obj.float() / scale
    size_h, size_o = human[:, 2:] - human[:, :2], obj[:, 2:] - obj[:, :2]
    center_h = (human[:, :2] + human[:, 2:]) / 2
    center_o = (obj[:, :2] + obj[:, 2:]) / 2
    size_h, size_o = size_h.clamp(min=1e-3), size_o.clamp(min=1e-3)
    area_h, area_o = size_h.prod(1, True), size_o.prod(1, True)
    inter = (
        torch.minimum(human[:, 2:], obj[:, 2:])
        - torch.maximum(human[:, :2], obj[:, :2])
    ).clamp(min=0)
    inter = inter.prod(1, True)
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
            size_h[:, :1] / size_h[:, 1:],
            size_o[:, :1] / size_o[:, 1:],
            inter / (area_h + area_o - inter).clamp(min=1e-6),
            offset.clamp(min=0),
            (-offset).clamp(min=0),
        ],
        1,
    ).clamp(max=MAX_RATIO)
    return torch.cat([values, (values.abs() + 1e-6).log()], 1)
