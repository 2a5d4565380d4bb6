from collections import Counter
from functools import partial
from typing import Iterator, Optional

import torch
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks.transformer import MultiheadAttention
from mmdet.models.backbones.resnet import BasicBlock, Bottleneck, ResNet
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .detectors import DetectorAdapter, FrozenDetector


def accelerate(
    detector: DetectorAdapter,
    fast: bool = False,
    compiled: bool = False,
) -> None:
    """Make a detector faster for inference, in place and for good.

    Batch norms are folded into the convolutions before them, attention does
    not average weights that are not used, and on a CPU backbone and neck work
    with channels last. Outputs change by rounding alone. Weights can be
    neither loaded nor trained afterwards.

    Args:
        detector (DetectorAdapter): Loaded, on its device; anything but a
            :class:`FrozenDetector` stays as it is.
        fast (bool): Let backbone and neck work in bfloat16, which changes
            outputs. Defaults to False.
        compiled (bool): Compile backbone and neck with torch.compile, which
            takes a while at the first image and at the first of another
            size. Defaults to False.
    """
    if not isinstance(detector, FrozenDetector):
        return
    # Caches know the detector by its weights as they were loaded.
    detector.identity  # noqa: B018
    model = detector.model
    fold_batch_norms(model)
    for module in model.modules():
        # It returns nn.MultiheadAttention's first output alone.
        if type(module) is MultiheadAttention:
            module.attn.forward = partial(
                module.attn.forward, need_weights=False
            )
    parts = [model.backbone]
    if getattr(model, 'neck', None) is not None:
        parts.append(model.neck)
    for part in parts:
        if next(part.parameters()).device.type == 'cpu':
            part.to(memory_format=torch.channels_last)
        if fast:
            part.to(torch.bfloat16)
        if compiled:
            part.compile(dynamic=False)
    if fast:
        parts[0].register_forward_pre_hook(_in_bfloat16)
    parts[-1].register_forward_hook(_as_usual)


@torch.no_grad()
def transpose_linear_weights(*parts: Optional[nn.Module]) -> None:
    """Store weights of linear maps by input channel, in place, on a CPU.

    Values and shapes stay the same; products with few rows, as of a VLT's
    tokens and of few pairs, take about three quarters of the time.

    Args:
        *parts (nn.Module, optional): The VLT and ICN, on their device.
    """
    for part in filter(None, parts):
        for module in part.modules():
            if not isinstance(module, nn.Linear):
                continue
            weight = module.weight
            if weight.device.type == 'cpu':
                weight.data = weight.t().contiguous().t()


def _in_bfloat16(module: nn.Module, args: tuple) -> tuple:
    return tuple(x.bfloat16() for x in args)


def _as_usual(module: nn.Module, args: tuple, maps: tuple) -> tuple:
    """Maps as their readers expect them; some of mmcv's operators read
    memory in the usual order whatever the strides."""
    return tuple(x.float().contiguous() for x in maps)


def fold_batch_norms(model: nn.Module) -> int:
    """Fold batch norms in evaluation mode into convolutions, in place.

    Only where the code says which norm follows which convolution: mmcv's
    ConvModule, mmdet's ResNets and nn.Sequential. A convolution that several
    norms share gets a copy for each.

    Args:
        model (nn.Module): In evaluation mode.

    Returns:
        int: Batch norms folded.
    """
    uses = Counter(
        id(module._modules[name])
        for module in model.modules()
        for name in module._modules
    )
    folded = 0
    for module in list(model.modules()):
        for conv_name, norm_name in list(_pairs(module)):
            conv = module._modules[conv_name]
            norm = module._modules[norm_name]
            if (
                type(conv) is not nn.Conv2d
                or not isinstance(norm, _BatchNorm)
                or norm.training
            ):
                continue
            if not norm.track_running_stats or uses[id(norm)] > 1:
                continue
            module._modules[conv_name] = fuse_conv_bn_eval(conv, norm)
            module._modules[norm_name] = nn.Identity()
            folded += 1
    return folded


def _pairs(module: nn.Module) -> Iterator[tuple[str, str]]:
    """Names of a convolution and of the norm that its output goes to."""
    if isinstance(module, ConvModule):
        if module.with_norm and module.order[:2] == ('conv', 'norm'):
            yield 'conv', module.norm_name
    elif type(module) in (BasicBlock, Bottleneck):
        if not getattr(module, 'with_plugins', False):
            for i in (1, 2, 3):
                if hasattr(module, f'norm{i}_name'):
                    yield f'conv{i}', getattr(module, f'norm{i}_name')
    elif type(module) is ResNet and not module.deep_stem:
        yield 'conv1', module.norm1_name
    elif type(module) is nn.Sequential:
        names = list(module._modules)
        yield from zip(names, names[1:])
