import re

from .classes import pick_classes
from .names import State, count_batches, rename, resnet_rules, take

SOURCE = "torchvision's fasterrcnn_resnet50_fpn"
END = r'\.(weight|bias)'
# Convolutions are one level deeper since torchvision 0.13.
RULES = [
    *resnet_rules(r'backbone\.body\.'),
    (r'backbone\.fpn\.inner_blocks\.(\d)(?:\.0)?' + END,
     r'neck.lateral_convs.\1.conv.\2'),
    (r'backbone\.fpn\.layer_blocks\.(\d)(?:\.0)?' + END,
     r'neck.fpn_convs.\1.conv.\2'),
    (r'rpn\.head\.conv(?:\.0\.0)?' + END, r'rpn_head.rpn_conv.\1'),
    (r'rpn\.head\.cls_logits' + END, r'rpn_head.rpn_cls.\1'),
    (r'rpn\.head\.bbox_pred' + END, r'rpn_head.rpn_reg.\1'),
    (r'roi_heads\.box_head\.fc6' + END, r'roi_head.bbox_head.shared_fcs.0.\1'),
    (r'roi_heads\.box_head\.fc7' + END, r'roi_head.bbox_head.shared_fcs.1.\1'),
    (r'roi_heads\.box_predictor\.cls_score' + END,
     r'roi_head.bbox_head.fc_cls.\1'),
    (r'roi_heads\.box_predictor\.bbox_pred' + END,
     r'roi_head.bbox_head.fc_reg.\1'),
]  # fmt: skip
MMDET_EPS = 1e-5


def convert_faster_rcnn(state: State, eps: float = 0.0) -> tuple[State, dict]:
    """Convert torchvision's Faster R-CNN R50-FPN to mmdet's.

    Its anchors are rounded and its RoIAlign is not aligned, as configured in
    ``_base_/models/faster_rcnn_r50_fpn.py``.

    Args:
        state (dict[str, Tensor]): Its tensors, trained on COCO.
        eps (float): Epsilon of its batch norms: 0 for torchvision's weights of
            the whole detector, 1e-5 elsewhere. The difference to mmdet's 1e-5
            is compensated in their weights.

    Returns:
        tuple[dict[str, Tensor], dict]: mmdet's tensors; the checkpoint's
        meta with the classes.

    Raises:
        ValueError: If the weights are of another model.
    """
    state = count_batches(rename(state, RULES, SOURCE))
    for name in [n for n in state if n.endswith('.running_var')]:
        weight = re.sub('running_var$', 'weight', name)
        var = state[name].double()
        factor = ((var + MMDET_EPS) / (var + eps)).sqrt()
        state[weight] = (take(state, weight, SOURCE) * factor).float()
    head = 'roi_head.bbox_head.'
    count = len(take(dict(state), head + 'fc_cls.bias', SOURCE))
    rows, classes = pick_classes(count)
    for end in ('weight', 'bias'):
        # Background is first in torchvision and last in mmdet.
        scores = take(state, f'{head}fc_cls.{end}', SOURCE)
        state[f'{head}fc_cls.{end}'] = scores[[*rows, 0]]
        boxes = take(state, f'{head}fc_reg.{end}', SOURCE)
        state[f'{head}fc_reg.{end}'] = boxes.unflatten(0, (count, 4))[
            rows
        ].flatten(0, 1)
    return state, dict(dataset_meta=dict(classes=classes))
