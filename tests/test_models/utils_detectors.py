"""Shipped detector configs, reduced for fast builds."""

from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from clhoi_mm.registry import MODELS
from tests.data_utils import REPO

MODELS_FOLDER = REPO / 'configs/_base_/models'
# Name of each detector's top-level config and its base file.
DETECTORS = {
    'detr': 'detr_r50.py',
    'deformable-detr': 'deformable_detr_r50.py',
    'dab-detr': 'dab_detr_r50.py',
    'dino': 'dino_r50.py',
    'faster-rcnn': 'faster_rcnn_r50_fpn.py',
    'rtmdet': 'rtmdet_m.py',
    'yolox': 'yolox_s.py',
}
WITH_QUERIES = ('detr', 'deformable-detr', 'dab-detr', 'dino')
# Widths of the shipped and of the small configs: ResNet with 8 instead of 64
# channels, CSP backbones at 1/8 of their width.
WIDTHS = {
    'ResNet': {256: 8, 512: 16, 1024: 32, 2048: 64},
    'CSPNeXt': {192: 32, 384: 64, 768: 128},
    'CSPDarknet': {128: 32, 256: 64, 512: 128},
}
DIMS = 32


def _narrow(value: Any, key: str = '') -> Any:
    """Return the config with width 32 and two layers."""
    if isinstance(value, dict):
        return {k: _narrow(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_narrow(v) for v in value]
    if key in (
        'embed_dims',
        'feedforward_channels',
        'out_channels',
        'in_channels',
        'feat_channels',
        'fc_out_channels',
    ):
        return DIMS
    if key == 'num_feats':
        return DIMS // 2
    if key == 'num_layers':
        return 2
    return min(value, 20) if key == 'num_queries' else value


def small_detector(name: str, num_classes: int) -> dict:
    """Build a small version of a shipped detector's config.

    Args:
        name (str): One of DETECTORS.
        num_classes (int): Number of classes.
    """
    cfg = Config.fromfile(MODELS_FOLDER / DETECTORS[name]).detector.to_dict()
    backbone, neck = cfg['backbone'], cfg['neck']
    widths = WIDTHS[backbone['type']]
    in_channels = [widths[c] for c in neck['in_channels']]
    cfg = _narrow(cfg)
    cfg['neck']['in_channels'] = in_channels
    if backbone['type'] == 'ResNet':
        cfg['backbone'].update(depth=18, base_channels=8)
    else:
        cfg['backbone'].update(deepen_factor=0.1, widen_factor=0.125)
    head = cfg['roi_head' if 'roi_head' in cfg else 'bbox_head']
    head.get('bbox_head', head)['num_classes'] = num_classes
    if name in WITH_QUERIES:
        head['embed_dims'] = DIMS
    if 'rpn' in cfg['test_cfg']:
        cfg['test_cfg']['rpn'].update(nms_pre=30, max_per_img=20)
        cfg['test_cfg']['rcnn'].update(score_thr=0.0, max_per_img=20)
        cfg['train_cfg']['rcnn']['sampler']['num'] = 32
    else:
        cfg['test_cfg'].update(max_per_img=20, score_thr=0.0)
    return cfg


def build_plain(cfg: dict, seed: int = 0) -> nn.Module:
    """Build the detector with mmdet, with random weights.

    Batch norms have the statistics of images, as after training. YOLOX, which
    exponentiates sizes, gets small ones, as boxes would be infinite.
    """
    init_default_scope('clhoi_mm')
    torch.manual_seed(seed)
    model = MODELS.build(Config(dict(detector=cfg)).detector)
    if hasattr(model, 'level_embed'):
        # Uninitialized memory otherwise.
        nn.init.normal_(model.level_embed)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    if any(norm.weight.requires_grad for norm in norms):
        for norm in norms:
            norm.momentum = None
        data = model.data_preprocessor(
            dict(inputs=[torch.randint(0, 255, (3, 64, 96))] * 2)
        )
        with torch.no_grad():
            model.train()._forward(data['inputs'])
            for conv in getattr(model.bbox_head, 'multi_level_conv_reg', ()):
                conv.weight /= 100
    return model.eval()
