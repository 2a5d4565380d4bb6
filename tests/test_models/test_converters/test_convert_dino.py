"""Converted detrex DINO gives the same outputs."""

import pytest
import torch
from mmdet.datasets import CocoDataset
from mmengine.registry import init_default_scope

from clhoi_mm.models import load_weights
from clhoi_mm.models.converters import (
    convert_dino,
    read_source,
    write_checkpoint,
)
from tests.test_models.utils_converters import (
    build,
    detector_config,
    samples_of,
)
from tests.test_models.utils_dino import Source, make_release

LAYERS, QUERIES = 2, 15


@pytest.fixture(scope='module')
def release():
    return make_release(LAYERS, QUERIES)


def make_target():
    init_default_scope('clhoi_mm')
    config = detector_config('dino_r50')
    config.num_queries = QUERIES
    for coder in (config.encoder, config.decoder):
        coder.num_layers = LAYERS
        coder.layer_cfg.ffn_cfg.feedforward_channels = 64
    return build(config)


def test_same_outputs(release, tmp_path):
    """Convert through files and compare in double precision."""
    path = tmp_path / 'dino.pth'
    torch.save(dict(model=release, iteration=89999), path)
    state, meta = convert_dino(*read_source(str(path)))
    assert meta['dataset_meta']['classes'] == list(
        CocoDataset.METAINFO['classes']
    )
    write_checkpoint(str(tmp_path / 'out.pth'), state, meta)
    target = make_target()
    target.load_state_dict(
        load_weights(str(tmp_path / 'out.pth'))['state_dict']
    )
    target.double()
    torch.manual_seed(1)
    image = torch.randn(1, 3, 128, 192, dtype=torch.float64)
    exact = {k: v.double() for k, v in release.items()}
    scores, boxes = Source(exact, LAYERS, QUERIES)(image)
    with torch.no_grad():
        found_scores, found_boxes = target(
            image, samples_of([(128, 192)], (128, 192))
        )
    # Queries must differ for the comparison to be meaningful.
    assert scores.std(0).mean() > 0.1 and boxes.std(0).mean() > 0.05
    torch.testing.assert_close(found_scores[-1][0], scores, atol=1e-4, rtol=0)
    torch.testing.assert_close(found_boxes[-1][0], boxes, atol=1e-5, rtol=0)


def test_full_size_names_and_shapes():
    state, _ = convert_dino(make_release(6, 900, 2048), {})
    with torch.device('meta'):
        target = build(detector_config('dino_r50')).state_dict()
    assert {k: v.shape for k, v in state.items()} == {
        k: v.shape for k, v in target.items()
    }


def test_unsupported_checkpoints_are_refused(release):
    with pytest.raises(ValueError, match="not the weights of detrex's DINO"):
        convert_dino({**release, 'backbone.patch_embed': torch.ones(1)}, {})
    with pytest.raises(ValueError, match='tell 3 classes apart'):
        convert_dino(
            {**release, 'class_embed.0.bias': torch.ones(3),
             'transformer.decoder.class_embed.0.bias': torch.ones(3)},
            {})  # fmt: skip
    broken = dict(release)
    del broken['transformer.decoder.ref_point_head.layers.0.weight']
    with pytest.raises(ValueError, match='ref_point_head.* is missing'):
        convert_dino(broken, {})
