"""Visual encoder beside the detector or instead of it."""

import re

import pytest
import torch
from mmdet.models import DetDataPreprocessor

from clhoi_mm.models.detectors.visual_encoder import VisualEncoder
from tests.data_utils import REPO
from tests.test_models.utils import (
    FCOS,
    SIZE,
    build,
    check_gradients,
    make_sample,
    model_cfg,
    same_predictions,
)

CLIP = dict(
    mean=[122.7709, 116.7460, 104.0937], std=[68.5005, 66.6322, 70.3232]
)
VIT = dict(
    type='mmpretrain.VisionTransformer',
    arch=dict(
        embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=32
    ),
    img_size=32,
    patch_size=16,
    out_type='featmap',
)
OWN = dict(VIT, data_preprocessor=dict(**CLIP, to_rgb=True))
PREPROCESSORS = dict(
    same_order=FCOS['data_preprocessor'],
    rtmdet=dict(
        type='DetDataPreprocessor',
        mean=[103.53, 116.28, 123.675],
        std=[57.375, 57.12, 58.395],
        bgr_to_rgb=False,
        pad_size_divisor=32,
    ),
    yolox=dict(type='DetDataPreprocessor', pad_size_divisor=32),
)


def make_model(encoder=OWN, **overrides):
    cfg = model_cfg(visual_encoder=encoder, **overrides)
    cfg['vlt'].pop('in_channels')
    cfg['vlt']['levels'] = (-1,)
    for key in ('out_channels', 'featmap_strides'):
        cfg['icn']['roi_extractor'].pop(key)
    return build(cfg)


def make_data():
    generator = torch.Generator().manual_seed(0)
    return dict(
        inputs=[
            torch.randint(
                0, 255, (3, *size), dtype=torch.uint8, generator=generator
            )
            for size in (SIZE, (48, 64))
        ],
        data_samples=[make_sample(None), make_sample(None, size=(48, 64))],
    )


@pytest.mark.parametrize('name', PREPROCESSORS)
def test_input_equals_that_of_its_own_model(name):
    """Undo the detector's normalization and padding exactly."""
    theirs = dict(PREPROCESSORS[name])
    encoder = VisualEncoder(OWN, theirs).eval()
    theirs.pop('type')
    data = DetDataPreprocessor(**theirs)(make_data())
    own = DetDataPreprocessor(**CLIP, bgr_to_rgb=True, pad_size_divisor=32)(
        make_data()
    )
    assert not torch.allclose(data['inputs'], own['inputs'], atol=0.1)
    torch.testing.assert_close(
        encoder.renormalize(data['inputs'], data['data_samples']),
        own['inputs'],
        rtol=1e-4,
        atol=1e-5,
    )
    with torch.no_grad():
        maps = encoder(data['inputs'], data['data_samples'])
        expected = encoder.backbone(own['inputs'])
    assert maps[0].shape == (2, 24, 4, 6)
    torch.testing.assert_close(maps[0], expected[0], rtol=1e-4, atol=1e-5)


def test_without_normalization_input_equals_the_detectors():
    encoder = VisualEncoder(VIT, FCOS['data_preprocessor'])
    inputs = torch.randn(1, 3, *SIZE)
    assert encoder.renormalize(inputs, [make_sample(None)]) is inputs


@pytest.mark.parametrize('readers', [('vlt', 'icn'), ('vlt',), ('icn',)])
def test_only_selected_parts_use_the_encoder(readers):
    model = make_model(visual_encoder_for=readers).train()
    widths = dict(
        vlt=model.vlt.input_proj.in_channels,
        icn=model.icn.roi_extractor.out_channels,
    )
    strides = model.icn.roi_extractor.featmap_strides
    # The tests' FCOS has 16 channels at strides 8, 16 and 32.
    for part in ('vlt', 'icn'):
        assert widths[part] == (24 if part in readers else 16)
    assert strides == ([16] if 'icn' in readers else [8, 16, 32])
    data = model.data_preprocessor(make_data(), True)
    check_gradients(model, model.loss(data['inputs'], data['data_samples']))
    model.stage = 1
    losses = model.loss(data['inputs'], data['data_samples'])
    check_gradients(model, losses)
    learns = [
        p.grad.abs().sum() > 0 for p in model.visual_encoder.parameters()
    ]
    # In the first stage only the VLT is trained.
    assert any(learns) == ('vlt' in readers)


def test_frozen_encoder_gets_no_gradients():
    model = make_model(dict(OWN, frozen_stages=2)).train()
    before = [p.clone() for p in model.visual_encoder.parameters()]
    assert not any(
        p.requires_grad
        for p in model.visual_encoder.backbone.layers.parameters()
    )
    data = model.data_preprocessor(make_data(), True)
    check_gradients(model, model.loss(data['inputs'], data['data_samples']))
    assert all(
        torch.equal(a, b)
        for a, b in zip(before, model.visual_encoder.parameters())
    )


def test_encoder_is_saved_in_the_checkpoint():
    model, other = make_model().eval(), make_model().eval()
    torch.nn.init.normal_(other.visual_encoder.backbone.pos_embed)
    other.load_state_dict(model.state_dict())
    for one, two in zip(
        model.test_step(make_data()), other.test_step(make_data())
    ):
        same_predictions(one, two)
        assert len(one.pred_hois) > 0


def test_example_of_the_docs():
    """Build CLIP's encoder, smaller and without its weights."""
    text = (REPO / 'docs/detectors.md').read_text()
    (code,) = re.findall(
        r'```python\n(model = dict\(\n    visual_.*?)```', text, re.S
    )
    values = {}
    exec(code, values)
    encoder = values['model'].pop('visual_encoder')
    assert encoder.pop('init_cfg')['checkpoint'].endswith('clip_vit_b16.pth')
    assert encoder['data_preprocessor'].pop('to_rgb')
    for key, expected in CLIP.items():
        assert encoder['data_preprocessor'][key] == pytest.approx(
            expected, abs=1e-3
        )
    encoder.update(arch=VIT['arch'], frozen_stages=2)
    model = make_model(encoder, **values['model']).eval()
    assert model.visual_encoder_for == ('vlt',)
    assert all(len(r.pred_hois) > 0 for r in model.test_step(make_data()))


@pytest.mark.parametrize(
    'encoder, overrides, expected',
    [
        (dict(OWN, out_type='cls_token'), {}, "out_type='featmap'"),
        (
            dict(OWN, data_preprocessor=dict(CLIP, pad_size_divisor=2)),
            {},
            'has pad_size_divisor',
        ),
        (OWN, dict(visual_encoder_for=('VLT',)), "name 'vlt', 'icn' or both"),
        (OWN, dict(visual_encoder_for=()), "name 'vlt', 'icn' or both"),
    ],
)
def test_bad_configs(encoder, overrides, expected):
    with pytest.raises(ValueError, match=expected):
        make_model(encoder, **overrides)
