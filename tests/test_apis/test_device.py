import pytest
import torch

from clhoi_mm.apis.device import check_device


@pytest.mark.parametrize(
    'device, gpus, parts',
    [
        ('gpu', 1, ['device=gpu', "'cuda'"]),
        ('cuda', 0, ['device=cuda', 'no GPU', "'cpu'"]),
        ('cuda:2', 2, ['device=cuda:2', '2 GPUs']),
    ],
)
def test_unavailable_device(monkeypatch, device, gpus, parts):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: gpus)
    with pytest.raises(ValueError) as error:
        check_device(device)
    for part in parts:
        assert part in str(error.value)


@pytest.mark.parametrize('device', [None, 'cpu', 'cuda', 'cuda:1'])
def test_available_device(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    check_device(device)
