"""The module that ``mmcv.ops`` imports as ``mmcv._ext``.

mmcv asserts at import that each of its operators is an attribute, so an
operator without a replacement is a function that raises when it is called.
"""

from typing import Callable, NoReturn

from clhoi_mm.ops.deform_conv import (
    deform_conv_backward_input,
    deform_conv_backward_parameters,
    deform_conv_forward,
    modulated_deform_conv_backward,
    modulated_deform_conv_forward,
)
from clhoi_mm.ops.focal_loss import (
    sigmoid_focal_loss_backward,
    sigmoid_focal_loss_forward,
    softmax_focal_loss_backward,
    softmax_focal_loss_forward,
)
from clhoi_mm.ops.ms_deform_attn import (
    ms_deform_attn_backward,
    ms_deform_attn_forward,
)
from clhoi_mm.ops.nms import nms, nms_match, softnms
from clhoi_mm.ops.roi_align import roi_align_backward, roi_align_forward
from clhoi_mm.ops.roi_pool import roi_pool_backward, roi_pool_forward

__all__ = [
    'deform_conv_backward_input',
    'deform_conv_backward_parameters',
    'deform_conv_forward',
    'get_compiler_version',
    'get_compiling_cuda_version',
    'modulated_deform_conv_backward',
    'modulated_deform_conv_forward',
    'ms_deform_attn_backward',
    'ms_deform_attn_forward',
    'nms',
    'nms_match',
    'roi_align_backward',
    'roi_align_forward',
    'roi_pool_backward',
    'roi_pool_forward',
    'sigmoid_focal_loss_backward',
    'sigmoid_focal_loss_forward',
    'softmax_focal_loss_backward',
    'softmax_focal_loss_forward',
    'softnms',
]


def get_compiler_version() -> str:
    """Return the operators' source where mmcv reports its compiler."""
    return 'none, operators of torchvision and torch (clhoi_mm.ops)'


def get_compiling_cuda_version() -> str:
    """Return the operators' source where mmcv reports its CUDA version."""
    return 'none'


def __getattr__(name: str) -> Callable[..., NoReturn]:
    """Make a function that raises for a missing operator."""
    if name.startswith('_'):
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')

    def not_compiled(*args: object, **kwargs: object) -> NoReturn:
        raise NotImplementedError(
            f'mmcv\'s operator "{name}" has no replacement in clhoi_mm.ops '
            'and mmcv\'s own is not compiled here: run "make setup '
            'OPS=compiled" in the project\'s folder'
        )

    not_compiled.__name__ = name
    return not_compiled
