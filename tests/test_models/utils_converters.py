import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config

from clhoi_mm.registry import MODELS
from tests.data_utils import REPO


def detector_config(name):
    """Read a detector's config from the project."""
    path = REPO / f'configs/_base_/models/{name}.py'
    return Config.fromfile(path).detector


def build(config):
    config.pop('data_preprocessor')
    return MODELS.build(config).eval()


@torch.no_grad()
def randomize(model, seed=0):
    """Set random weights that distinguish images and queries.

    Batch norms have statistics of their own; nothing is left at 0 or 1.
    """
    generator = torch.Generator().manual_seed(seed)

    def noise(like):
        return torch.randn(like.shape, generator=generator)

    for name, value in model.state_dict().items():
        if not value.is_floating_point():
            continue
        if name.endswith('running_var'):
            value.copy_(noise(value).abs() + 0.5)
        elif value.dim() > 1:
            fan_in = value[0].numel()
            value.copy_(noise(value) * (1.5 / fan_in) ** 0.5)
        elif name.endswith('weight'):
            value.copy_(1 + noise(value) * 0.2)
        else:
            value.copy_(noise(value) * 0.2)
    return model


def samples_of(sizes, batch_shape):
    return [
        DetDataSample(
            metainfo=dict(
                img_shape=size,
                ori_shape=size,
                scale_factor=(1.0, 1.0),
                batch_input_shape=batch_shape,
            )
        )
        for size in sizes
    ]
