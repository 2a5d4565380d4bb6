import re
from typing import Optional

import torch
from torch import Tensor

from .classes import pick_classes
from .names import State, count_batches, rename, take
from .yolox_layout import SOURCE, recognize_size

END = r'\.(.+)'
# A depthwise convolution is two, the first of which mmdet names by its kind.
DEPTHWISE = dict(dconv='depthwise_conv', pconv='pointwise_conv')
CSP = dict(conv1='main_conv', conv2='short_conv', conv3='final_conv')
NECK = dict(
    lateral_conv0='reduce_layers.0',
    reduce_conv1='reduce_layers.1',
    C3_p4='top_down_blocks.0',
    C3_p3='top_down_blocks.1',
    bu_conv2='downsamples.0',
    bu_conv1='downsamples.1',
    C3_n3='bottom_up_blocks.0',
    C3_n4='bottom_up_blocks.1',
)
CSP_BLOCK = r'(dark[2-4]\.1|dark5\.2|C3_\w\d)\.'
STAGE = re.compile(r'dark(\d)')
RULES = [
    (r'backbone\.backbone\.stem' + END, r'backbone.stem.\1'),
    (r'backbone\.(?:backbone\.)?' + CSP_BLOCK + r'm' + END,
     lambda m: f'{_block(m[1])}.blocks.{m[2]}'),
    (r'backbone\.(?:backbone\.)?' + CSP_BLOCK + r'(conv\d)' + END,
     lambda m: f'{_block(m[1])}.{CSP[m[2]]}.{m[3]}'),
    (r'backbone\.backbone\.(dark\d\.[01])' + END,
     lambda m: f'{_block(m[1])}.{m[2]}'),
    (r'backbone\.(lateral_conv0|reduce_conv1|bu_conv\d)' + END,
     lambda m: f'{_block(m[1])}.{m[2]}'),
    (r'head\.stems' + END, r'neck.out_convs.\1'),
    (r'head\.(cls|reg)_convs' + END, r'bbox_head.multi_level_\1_convs.\2'),
    (r'head\.(cls|reg|obj)_preds' + END, r'bbox_head.multi_level_conv_\1.\2'),
]  # fmt: skip
EPS = 1e-3  # epsilon of all batch norms, in YOLOX and in the configs


def convert_yolox(
    state: State, config: dict, classes: Optional[list[str]] = None
) -> tuple[State, dict]:
    """Convert the authors' YOLOX to mmdet's.

    Where batch norms were folded into the convolutions, as in exported ONNX
    files, they become batch norms that add the bias and nothing else.

    Args:
        state (dict[str, Tensor]): Its tensors, see :func:`read_yolox`.
        config (dict): Not used; YOLOX has none.
        classes (list[str], optional): Names of the classes in the head's
            order, for detectors that were not trained on COCO.

    Returns:
        tuple[dict[str, Tensor], dict]: mmdet's tensors; the checkpoint's
        meta with the classes and, as ``yolox``, the size and the config values
        that depend on it.

    Raises:
        ValueError: If the weights are of another model.
    """
    size = recognize_size(state)
    state = rename(state, RULES, SOURCE)
    state = {
        re.sub(r'\b[dp]conv\b', lambda m: DEPTHWISE[m[0]], name): value
        for name, value in state.items()
    }
    state = count_batches(_restore_norms(state))
    count = len(
        take(dict(state), 'bbox_head.multi_level_conv_cls.0.bias', SOURCE)
    )
    if classes is None and count == 80:
        _, classes = pick_classes(91)
    elif classes is None or len(classes) != count:
        raise ValueError(
            f'the weights tell {count} classes apart; give their names, a '
            'line each, as --classes FILE'
        )
    return state, dict(dataset_meta=dict(classes=classes), yolox=size)


def _block(name: str) -> str:
    """Return mmdet's name of a backbone or neck block."""
    part, *rest = name.split('.')
    match = STAGE.fullmatch(part)
    new = (
        f'backbone.stage{int(match[1]) - 1}' if match else f'neck.{NECK[part]}'
    )
    return '.'.join([new, *rest])


def _restore_norms(state: State) -> State:
    """Add the batch norms that were folded into convolutions."""
    restored: dict[str, Tensor] = {}
    for name, value in state.items():
        if not name.endswith('.conv.bias'):
            restored[name] = value
            continue
        norm = name.removesuffix('conv.bias') + 'bn.'
        restored[norm + 'weight'] = torch.ones_like(value)
        restored[norm + 'bias'] = value
        restored[norm + 'running_mean'] = torch.zeros_like(value)
        restored[norm + 'running_var'] = torch.full_like(value, 1 - EPS)
    return restored
