import math

import torch

from clhoi_mm.models.layers import NUM_PAIR_GEOMETRY, pair_geometry


def test_pair_geometry_by_hand():
    human = torch.tensor([[10.0, 20.0, 30.0, 60.0]])
    obj = torch.tensor([[20.0, 40.0, 60.0, 50.0]])
    values = pair_geometry(human, obj, torch.tensor([[100.0, 200.0]]))[0]
    human_area, object_area = 0.2 * 0.2, 0.4 * 0.05
    expected = [
        0.2,
        0.2,
        0.2,
        0.2,  # Human: center and size relative to the image.
        0.4,
        0.225,
        0.4,
        0.05,  # Object.
        human_area,
        object_area,
        object_area / human_area,
        1.0,
        8.0,  # Aspect ratios.
        (0.1 * 0.05) / (human_area + object_area - 0.1 * 0.05),
        1.0,
        0.125,
        0.0,
        0.0,  # Offset in units of the human, right and down.
    ]
    torch.testing.assert_close(values[:18], torch.tensor(expected))
    torch.testing.assert_close(
        values[18:], torch.tensor([math.log(v + 1e-6) for v in expected])
    )


def test_negative_offsets_use_separate_channels():
    values = pair_geometry(
        torch.tensor([[50.0, 50.0, 60.0, 70.0]]),
        torch.tensor([[40.0, 30.0, 50.0, 50.0]]),
        torch.tensor([[100.0, 100.0]]),
    )
    torch.testing.assert_close(
        values[0, 14:18], torch.tensor([0.0, 0.0, 1.0, 1.0])
    )


def test_invariant_to_image_scale():
    torch.manual_seed(0)
    boxes = torch.rand(2, 5, 4) * 50
    boxes[..., 2:] += boxes[..., :2] + 5
    sizes = torch.full((5, 2), 120.0)
    torch.testing.assert_close(
        pair_geometry(*boxes, sizes), pair_geometry(*(boxes * 3), sizes * 3)
    )


def test_degenerate_and_empty_boxes():
    point = torch.tensor([[5.0, 5.0, 5.0, 5.0]])
    values = pair_geometry(point, point, torch.tensor([[10.0, 10.0]]))
    assert torch.isfinite(values).all()
    none = pair_geometry(point[:0], point[:0], torch.zeros(0, 2))
    assert none.shape == (0, NUM_PAIR_GEOMETRY)
    half = pair_geometry(
        point.half(), point.half(), torch.tensor([[10.0, 10.0]])
    )
    assert half.dtype == torch.float32
