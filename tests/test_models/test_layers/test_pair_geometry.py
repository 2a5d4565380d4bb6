import math

import torch

from clhoi_mm.models.layers import NUM_PAIR_GEOMETRY, pair_geometry


def test_one_pair_by_hand():
    human = torch.tensor([[10., 20., 30., 60.]])
    obj = torch.tensor([[20., 40., 60., 50.]])
    values = pair_geometry(human, obj, torch.tensor([[100., 200.]]))[0]
    human_area, object_area = .2 * .2, .4 * .05
    expected = [
        .2, .2, .2, .2,  # human: centre and size in units of the image
        .4, .225, .4, .05,  # object
        human_area, object_area, object_area / human_area,
        1., 8.,  # width over height
        (.1 * .05) / (human_area + object_area - .1 * .05),
        1., .125, 0., 0.  # offset in units of the human, right and down
    ]
    torch.testing.assert_close(values[:18], torch.tensor(expected))
    torch.testing.assert_close(
        values[18:], torch.tensor([math.log(v + 1e-6) for v in expected]))


def test_offset_to_the_left_and_up_has_its_own_places():
    values = pair_geometry(
        torch.tensor([[50., 50., 60., 70.]]),
        torch.tensor([[40., 30., 50., 50.]]), torch.tensor([[100., 100.]]))
    torch.testing.assert_close(values[0, 14:18],
                               torch.tensor([0., 0., 1., 1.]))


def test_scale_of_the_image_does_not_matter():
    boxes = torch.rand(2, 5, 4) * 50
    boxes[..., 2:] += boxes[..., :2] + 5
    sizes = torch.full((5, 2), 120.)
    torch.testing.assert_close(
        pair_geometry(*boxes, sizes), pair_geometry(*(boxes * 3), sizes * 3))


def test_degenerate_boxes_and_none():
    point = torch.tensor([[5., 5., 5., 5.]])
    values = pair_geometry(point, point, torch.tensor([[10., 10.]]))
    assert torch.isfinite(values).all()
    none = pair_geometry(point[:0], point[:0], torch.zeros(0, 2))
    assert none.shape == (0, NUM_PAIR_GEOMETRY)
    half = pair_geometry(point.half(), point.half(),
                         torch.tensor([[10., 10.]]))
    assert half.dtype == torch.float32
