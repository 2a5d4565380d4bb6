"""Attention maps of pairs equal the layers' attention."""

import pytest
import torch

from clhoi_mm.models import ContextAttention
from tests.test_models.utils import (
    SCENE,
    SIZE,
    build,
    make_sample,
    model_cfg,
    same_predictions,
)

SMALL = (64, 48)
NUM_PLACES = 8 * 12 + 4 * 6


@pytest.fixture(scope='module')
def model():
    model = build(model_cfg(max_per_img=30)).eval()
    for layer in model.vlt.decoder.layers:
        torch.nn.init.normal_(layer.multihead_attn.in_proj_weight)
    for layer in model.icn.layers:
        torch.nn.init.normal_(layer.context_attn.query.weight)
    return model


def run_with_attention(model, samples, explain=True):
    torch.manual_seed(0)
    inputs = torch.randn(len(samples), 3, *SIZE)
    if explain:
        with ContextAttention(model.vlt, model.icn) as attention:
            model.predict(inputs, samples)
        attention.explain(samples)
    else:
        model.predict(inputs, samples)
    return samples


def test_recording_attention_changes_nothing_else(model):
    (plain,) = run_with_attention(model, [make_sample()], explain=False)
    (explained,) = run_with_attention(model, [make_sample()])
    same_predictions(plain, explained, rtol=0, atol=0)
    assert 'attention' not in plain.pred_hois
    maps = explained.pred_hois.attention
    assert maps.shape == (len(explained.pred_hois), 32, 48)
    assert (maps >= 0).all()
    torch.testing.assert_close(maps.sum((1, 2)), torch.ones(len(maps)))
    for module in model.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks


def test_one_map_per_pair(model):
    (sample,) = run_with_attention(model, [make_sample()])
    hois = sample.pred_hois
    pairs = torch.cat([hois.human_bboxes, hois.object_bboxes], 1)
    same = (pairs[:, None] == pairs).all(-1)
    distance = torch.cdist(*[hois.attention.flatten(1)] * 2, p=1)
    assert distance[same].max() < 1e-5
    assert 1 < len(pairs.unique(dim=0)) < len(pairs)
    assert distance[~same].max() > 1e-3


def test_attention_to_a_single_cell(model, monkeypatch):
    """Tokens attend to one cell, where every map peaks."""
    # Row 5 and column 2 of the finer map, 8 pixels a cell.
    weights = torch.zeros(1, 3, NUM_PLACES)
    weights[..., 5 * 12 + 2] = 1
    attn = model.vlt.decoder.layers[0].multihead_attn
    monkeypatch.setattr(attn, 'forward', lambda *_, **__: (None, weights))
    (sample,) = run_with_attention(model, [make_sample()])
    y, x = torch.meshgrid(
        torch.arange(32) * 2 + 1.0, torch.arange(48) * 2 + 1.0, indexing='ij'
    )
    for heat in sample.pred_hois.attention:
        # Center of the cell in pixels; attention spreads to its neighbors.
        assert (heat * x).sum().item() == pytest.approx(2.5 * 8, abs=1e-3)
        assert (heat * y).sum().item() == pytest.approx(5.5 * 8, abs=1e-3)
        assert heat[y < 3.5 * 8].max() == heat[x > 4.5 * 8].max() == 0


def test_tokens_are_weighted_by_the_pairs_attention(model, monkeypatch):
    """Tokens attend to one cell, pairs to the second token."""
    reads = torch.zeros(1, 3, NUM_PLACES)
    for token, column in enumerate((1, 6, 10)):
        reads[:, token, 4 * 12 + column] = 1
    reader = model.vlt.decoder.layers[0].multihead_attn
    listener = model.icn.layers[0].context_attn
    monkeypatch.setattr(reader, 'forward', lambda *_, **__: (None, reads))
    monkeypatch.setattr(
        listener, 'weights', lambda x, *_: torch.eye(3)[[1] * len(x)]
    )
    (sample,) = run_with_attention(model, [make_sample()])
    x = torch.arange(48) * 2 + 1.0
    for heat in sample.pred_hois.attention:
        assert (heat.sum(0) * x).sum().item() == pytest.approx(
            6.5 * 8, abs=1e-3
        )


def test_padding_is_cut_off(model):
    rows = [
        (label, score, [side / 2 for side in box])
        for label, score, box in SCENE
    ]
    small = make_sample(rows, size=SMALL, img_id=1)
    whole, part = run_with_attention(model, [make_sample(), small])
    assert whole.pred_hois.attention.shape[1:] == (32, 48)
    maps = part.pred_hois.attention
    assert maps.shape[1:] == (48, 36)
    torch.testing.assert_close(maps.sum((1, 2)), torch.ones(len(maps)))


def test_images_without_pairs_and_models_without_context(model):
    (sample,) = run_with_attention(model, [make_sample(rows=[])])
    assert len(sample.pred_hois.attention) == 0
    for icn, vlt in ((model.icn, None), (None, model.vlt)):
        with pytest.raises(ValueError, match='needs a model with vlt and icn'):
            ContextAttention(vlt, icn)
