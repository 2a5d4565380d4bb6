"""Converted CLIP vision towers equal mmpretrain's VisionTransformer."""

import pytest
import torch

from clhoi_mm.models.converters import (
    convert_clip_vision,
    read_source,
    write_checkpoint,
)
from clhoi_mm.registry import MODELS
from tests.test_models.utils_converters import randomize

transformers = pytest.importorskip('transformers')
pytest.importorskip('mmpretrain')
CLIP = [
    [0.48145466, 0.4578275, 0.40821073],
    [0.26862954, 0.26130258, 0.27577711],
]
IMAGENET = [[123.675, 116.28, 103.53], [58.395, 57.12, 57.375]]


def make_source(**kwargs):
    config = transformers.CLIPVisionConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=3,
        num_attention_heads=4, image_size=64, patch_size=16,
        projection_dim=24, **kwargs)  # fmt: skip
    return randomize(transformers.CLIPVisionModelWithProjection(config)).eval()


def make_target(source, folder, *normalisation, **kwargs):
    """Convert through files and build from the resulting config."""
    source.save_pretrained(folder)
    state, meta = convert_clip_vision(
        *read_source(str(folder)), *normalisation
    )
    path = str(folder / 'out.pth')
    write_checkpoint(path, state, meta)
    target = MODELS.build(
        dict(
            meta['visual_encoder'],
            init_cfg=dict(type='Pretrained', checkpoint=path),
            **kwargs,
        )
    )
    target.eval()
    target.init_weights()
    assert target.state_dict().keys() == state.keys()
    return target


@pytest.mark.parametrize('activation', ['quick_gelu', 'gelu'])
def test_same_tokens(tmp_path, activation):
    source = make_source(hidden_act=activation)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = source.vision_model(images)
        target = make_target(source, tmp_path)
        (maps,) = target(images)
        target.out_type = 'cls_token'
        (token,) = target(images)
        # Hugging Face returns unnormalized patch tokens.
        target.out_type, target.final_norm = 'raw', False
        (raw,) = target(images)
    hidden = expected.last_hidden_state
    assert hidden.std(0).mean() > 1e-2
    torch.testing.assert_close(raw, hidden, atol=1e-4, rtol=0)
    torch.testing.assert_close(
        token, expected.pooler_output, atol=1e-4, rtol=0
    )
    normed = source.vision_model.post_layernorm(hidden[:, 1:])
    torch.testing.assert_close(
        maps.flatten(2).transpose(1, 2), normed, atol=1e-4, rtol=0
    )


def test_images_normalized_for_a_detector(tmp_path):
    source = make_source()
    pixels = torch.randint(0, 256, (2, 3, 64, 64)).float()
    mean, std = torch.tensor(CLIP)[..., None, None]
    target = make_target(source, tmp_path, *IMAGENET, out_type='cls_token')
    with torch.no_grad():
        expected = source.vision_model((pixels / 255 - mean) / std)
        mean, std = torch.tensor(IMAGENET)[..., None, None]
        (token,) = target((pixels - mean) / std)
    torch.testing.assert_close(
        token, expected.pooler_output, atol=1e-4, rtol=0
    )


def test_checkpoint_with_both_towers(tmp_path):
    """Convert a half-precision file with both towers and old buffer."""
    config = transformers.CLIPConfig(
        vision_config=make_source().config.to_dict(),
        text_config=dict(
            vocab_size=9, hidden_size=16, intermediate_size=16,
            num_hidden_layers=1, num_attention_heads=2))  # fmt: skip
    whole = transformers.CLIPModel(config)
    state = dict(whole.half().state_dict())
    state['vision_model.embeddings.position_ids'] = torch.arange(17)[None]
    state, meta = convert_clip_vision(state, config.to_dict())
    encoder = meta['visual_encoder']
    assert encoder['arch']['num_heads'] == 4
    assert encoder['img_size'] == 64 and encoder['patch_size'] == 16
    assert MODELS.build(encoder).state_dict().keys() == state.keys()


def test_unsupported_checkpoints_are_refused():
    state = dict(make_source().state_dict())
    with pytest.raises(ValueError, match='config.json only'):
        convert_clip_vision(state, {})
    with pytest.raises(ValueError, match="hidden_act: 'swish'"):
        convert_clip_vision(state, dict(hidden_act='swish'))
    with pytest.raises(ValueError, match='mean and std together'):
        convert_clip_vision(state, dict(hidden_size=32), mean=[1, 2, 3])
