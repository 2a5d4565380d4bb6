import pytest
import torch
import torch.nn.functional as F

from clhoi_mm.models.layers import average_pool


@pytest.mark.parametrize('size', [(17, 29), (25, 1), (1, 1), (13, 42)])
def test_result_is_torchs(size):
    x = torch.randn(2, 3, 25, 42, requires_grad=True)
    found, expected = average_pool(x, size), F.adaptive_avg_pool2d(x, size)
    torch.testing.assert_close(found, expected)
    weight = torch.randn(found.shape)
    grads = [
        torch.autograd.grad((y * weight).sum(), x)[0]
        for y in (found, expected)
    ]
    torch.testing.assert_close(*grads)
