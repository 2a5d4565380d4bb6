"""Accelerated detectors give the same detections."""

import copy

import pytest
import torch
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks.transformer import MultiheadAttention
from mmengine.config import Config, ConfigDict
from torch import nn

from clhoi_mm.models import FrozenDetector
from clhoi_mm.models.acceleration import (
    accelerate,
    fold_batch_norms,
    transpose_linear_weights,
)
from clhoi_mm.models.checkpoint import load_weights
from tests.data_utils import REPO
from tests.test_models.utils import CLASSES, VOCABULARY, make_sample
from tests.test_models.utils_detectors import DETECTORS, small_detector

SIZE = (96, 128)


def shake(module):
    """Randomize batch norm statistics and all weights."""
    generator = torch.Generator().manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            for values, low, high in (
                (part.running_mean, -0.2, 0.2),
                (part.running_var, 0.5, 2.0),
                (part.weight.data, 0.5, 1.5),
                (part.bias.data, -0.2, 0.2),
            ):
                values.uniform_(low, high, generator=generator)


def make(name):
    torch.manual_seed(0)
    detector = FrozenDetector(
        ConfigDict(small_detector(name, len(CLASSES))),
        VOCABULARY,
        classes=CLASSES,
        allow_random=True,
    )
    detector.model.init_weights()
    shake(detector)
    return detector


@torch.no_grad()
def run_detector(detector):
    images = torch.rand(
        2, 3, *SIZE, generator=torch.Generator().manual_seed(1)
    )
    samples = [make_sample(None, size=SIZE, img_id=i) for i in range(2)]
    for sample in samples:
        sample.set_metainfo(dict(batch_input_shape=SIZE))
    maps = detector.extract_feat(images)
    return maps, detector.detect(images, maps, samples)


@pytest.mark.parametrize('name', DETECTORS)
def test_accelerated_outputs_are_the_same(name):
    detector = make(name)
    maps, found = run_detector(detector)
    assert all(f.scores.isfinite().all() for f in found)
    identity = detector.identity
    num_norms = sum(isinstance(m, nn.BatchNorm2d) for m in detector.modules())
    accelerate(detector)
    assert num_norms > 0
    assert not any(isinstance(m, nn.BatchNorm2d) for m in detector.modules())
    again, faster = run_detector(detector)
    for one, other in zip(maps, again):
        assert other.is_contiguous()
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-4)
    for one, other in zip(found, faster):
        assert len(one) == len(other)
        torch.testing.assert_close(
            other.scores, one.scores, rtol=1e-3, atol=1e-4
        )
    # The identity that caches of detections store.
    assert detector.identity == identity


def test_trained_detector_gives_equal_results():
    cfg = Config.fromfile(REPO / 'configs/clhoi_r18_mini.py')
    path = str(REPO / cfg.model.detector.checkpoint)
    detector = FrozenDetector(
        cfg.model.detector.detector, VOCABULARY, None, CLASSES
    )
    detector.model.load_state_dict(load_weights(path)['state_dict'])
    detector.label_map = torch.arange(11)
    # With random weights no score exceeds the default threshold.
    detector.model.bbox_head.test_cfg.score_thr = 0.0
    _, found = run_detector(detector)
    accelerate(detector)
    _, faster = run_detector(detector)
    for one, other in zip(found, faster):
        assert len(one) > 3
        for field in ('bboxes', 'scores', 'labels'):
            torch.testing.assert_close(
                other[field], one[field], rtol=1e-3, atol=1e-3
            )


def test_bfloat16_outputs_are_close_and_float32():
    detector = make('detr')
    maps, _ = run_detector(detector)
    accelerate(detector, fast=True)
    again, found = run_detector(detector)
    for one, other in zip(maps, again):
        assert other.dtype == torch.float32
        assert not torch.equal(one, other)
        torch.testing.assert_close(
            other, one, rtol=0.1, atol=0.03 * float(one.abs().max())
        )
    assert found[0].scores.dtype == torch.float32


def test_shared_convolution_is_folded_separately_per_norm():
    one, other = (
        ConvModule(3, 4, 3, norm_cfg=dict(type='BN')) for _ in range(2)
    )
    other.conv = one.conv
    model = nn.ModuleList([one, other]).eval()
    shake(model)
    images = torch.rand(1, 3, 8, 8)
    before = [part(images) for part in model]
    assert fold_batch_norms(model) == 2
    for part, expected in zip(model, before):
        torch.testing.assert_close(part(images), expected)


def test_norms_in_train_mode_are_not_folded():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    assert fold_batch_norms(model.train()) == 0
    assert fold_batch_norms(model.eval()) == 1


def test_accelerated_attention_is_the_same():
    torch.manual_seed(0)
    detector = make('detr')
    attention = next(
        m for m in detector.modules() if type(m) is MultiheadAttention
    )
    query = torch.rand(2, 5, 32)
    before = attention(query)
    accelerate(detector)
    torch.testing.assert_close(attention(query), before)
    assert attention.attn(query, query, query)[1] is None


def test_transposed_linear_weights_keep_their_values():
    part = nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4), nn.Linear(4, 3))
    x = torch.randn(5, 6)
    expected, state = part(x), copy.deepcopy(part.state_dict())
    transpose_linear_weights(part, None)
    assert part[0].weight.t().is_contiguous()
    assert part[1].weight.is_contiguous()
    torch.testing.assert_close(part(x), expected)
    for name, value in part.state_dict().items():
        assert torch.equal(value, state[name])
    # Weights that are loaded or averaged later count.
    part.load_state_dict({k: v + 1 for k, v in state.items()})
    assert part[0].weight.t().is_contiguous()
    assert torch.equal(part[0].weight, state['0.weight'] + 1)
