import pytest
import torch

from clhoi_mm.models.detectors.feature_cache import FeatureCache
from tests.test_models.utils import (
    SIZE,
    build,
    detector_cfg,
    make_sample,
    model_cfg,
)


@pytest.fixture
def caching_model(tmp_path):
    """Build a model whose detector has a checkpoint, for caching."""
    path = tmp_path / 'detector.pth'
    plain = build(model_cfg())
    torch.save(plain.detector.model.state_dict(), path)
    model = build(
        model_cfg(
            detector=detector_cfg(checkpoint=str(path), feat_cache_size=3)
        )
    )
    calls = []
    model.detector.model.backbone.register_forward_hook(
        lambda module, inputs, output: calls.append(len(inputs[0]))
    )
    return plain, model, calls


def make_batch(names, flip=False):
    samples = [make_sample(rows=None) for _ in names]
    images = {
        n: torch.randn(
            3, *SIZE, generator=torch.Generator().manual_seed(ord(n))
        )
        for n in 'abcd'
    }
    inputs = torch.stack([images[n] for n in names])
    return inputs.flip(-1) if flip else inputs, samples


def test_cached_view_gives_the_same_losses(caching_model):
    plain, model, calls = caching_model
    model.train()
    inputs, samples = make_batch('ab')
    expected = plain.detector.extract_feat(inputs)
    first = model.loss(inputs, samples)
    again = model.loss(*make_batch('ba'))
    assert calls == [2]
    # The context loss's queue has grown in between.
    for name in ('loss_interactiveness', 'loss_mil', 'loss_contrast'):
        torch.testing.assert_close(first[name], again[name])
    feats = model.detector.extract_feat(inputs, samples, True)
    for known, fresh in zip(feats, expected):
        torch.testing.assert_close(known, fresh)
    detections = model.detector.detect(inputs, feats, samples)
    for known, fresh in zip(
        detections, model.detector.detect(inputs, expected, samples)
    ):
        torch.testing.assert_close(known.bboxes, fresh.bboxes)
        torch.testing.assert_close(known.labels, fresh.labels)


def test_only_new_views_are_computed(caching_model):
    _, model, calls = caching_model
    for names in ('ab', 'bc', 'cd', 'cd', 'abc'):
        model.loss(*make_batch(names))
    # Full after three views: the fourth is computed each time.
    assert calls == [2, 1, 1, 1]


def test_flipped_image_is_another_view(caching_model):
    _, model, calls = caching_model
    model.loss(*make_batch('a'))
    model.loss(*make_batch('a', flip=True))
    assert calls == [1, 1]


def test_new_weights_clear_the_cache(caching_model):
    _, model, calls = caching_model
    model.loss(*make_batch('a'))
    model.load_state_dict(model.state_dict())
    model.loss(*make_batch('a'))
    assert calls == [1]
    other = build(model_cfg(), seed=1)
    model.detector.load_state_dict(other.detector.state_dict())
    model.loss(*make_batch('a'))
    assert calls == [1, 1]


def test_prediction_caches_nothing(caching_model):
    _, model, calls = caching_model
    model.eval()
    model.predict(*make_batch('ab'))
    model.predict(*make_batch('ab'))
    assert calls == [2, 2]


def test_validation_fills_the_cache(caching_model):
    _, model, calls = caching_model
    model.eval()
    inputs, samples = make_batch('ab')
    expected = model.predict(inputs, samples)
    data = dict(inputs=list(inputs), data_samples=samples)
    for _ in range(2):
        for found, fresh in zip(model.val_step(data), expected):
            assert torch.equal(found.pred_hois.scores, fresh.pred_hois.scores)
    assert calls == [2, 2]


def test_rois_of_a_view_are_pooled_once(caching_model):
    plain, model, _ = caching_model
    model.load_state_dict(plain.state_dict())
    pooled = []
    model.icn.roi_extractor.roi_layers[0].register_forward_hook(
        lambda layer, inputs, output: pooled.append(len(inputs[1]))
    )

    def forward(model, names, remember, shift=0.0):
        inputs, samples = make_batch(names)
        feats = model.extract_feat(inputs, samples, remember)
        pairs = model.generate_pairs(inputs, feats[0], samples)
        pairs.boxes = pairs.boxes + shift
        context = model.student.encode_context(inputs, feats[0], samples)
        return model.student.score_pairs(
            feats[1], pairs, context, model.teacher_head.classifier
        ).logits

    with torch.no_grad():
        for names, shift, expected in (
            ('ab', 0.0, 2),
            # In another order, with a new view, and with other boxes.
            ('ba', 0.0, 0),
            ('abc', 0.0, 2),
            ('abc', 1.0, 2),
        ):
            pooled.clear()
            logits = forward(model, names, True, shift)
            assert len(pooled) == expected
            torch.testing.assert_close(
                logits, forward(plain, names, False, shift)
            )


def test_models_with_equal_weights_share_a_cache(caching_model, tmp_path):
    _, model, _ = caching_model
    path = str(tmp_path / 'detector.pth')
    assert FeatureCache.of(path, 3) is model.detector.memory
    other = tmp_path / 'other.pth'
    other.write_bytes((tmp_path / 'detector.pth').read_bytes())
    assert FeatureCache.of(str(other), 3) is not model.detector.memory
