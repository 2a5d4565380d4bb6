"""CLHOI with cached detector features instead of the detector."""

import logging

import pytest
import torch

from clhoi_mm.datasets import DetectionFile, DetectionFileWriter
from clhoi_mm.datasets.detection_file import DetectorView
from clhoi_mm.models.detectors import cached_feats
from clhoi_mm.models.detectors.cached_feats import CachedFeats
from clhoi_mm.models.detectors.self_teacher import SelfTeacher
from clhoi_mm.models.detectors.visual_encoder import VisualEncoder
from clhoi_mm.utils.config_hash import config_hash
from tests.test_models.utils import (
    PARK,
    SCENE,
    SIZE,
    build,
    make_sample,
    model_cfg,
    same_predictions,
    total,
)

SMALL = (SIZE[0] - 32, SIZE[1])


@torch.no_grad()
def write(model, path, inputs, sizes, with_rois=True):
    """Write a file with one view per image."""
    features = dict(roi_extractor=model.icn.roi_hash)
    with DetectionFileWriter(
        path,
        model.detector.identity,
        model.detector.vocabulary.objects,
        features,
    ) as writer:
        for i, (height, width) in enumerate(sizes):
            image = inputs[i : i + 1, :, :height, :width]
            sample = make_sample(None, size=(height, width))
            feats = model.detector.extract_feat(image)
            found = model.detector.detect(image, feats, [sample])[0]
            found = found[found.labels >= 0]
            pairs = model.generate_pairs(image, feats, [sample])
            boxes = torch.cat([pairs.boxes, pairs.union_bboxes]).unique(dim=0)
            boxes = boxes[: len(boxes) if with_rois else 0]
            rois = torch.cat([boxes.new_zeros(len(boxes), 1), boxes], 1)
            writer.add(
                key=str(i),
                flipped=False,
                shapes=[(height, width)] * 3,
                scale_factor=(1.0, 1.0),
                detections={k: v.numpy() for k, v in found.items()},
                maps=[level[0].numpy() for level in feats],
                rois=boxes.numpy(),
                roi_feats=model.icn.roi_extractor(feats[:1], rois).numpy(),
            )
    return DetectionFile(path)


def cached_samples(file, sizes=(SIZE, SIZE)):
    """Build samples like a pipeline with LoadDetectorFeatures."""
    samples = [make_sample(None, size=size) for size in sizes]
    for i, sample in enumerate(samples):
        sample.set_metainfo(
            dict(detector_view=DetectorView(file, file.find(str(i))))
        )
    return samples


# Placeholder for images that are not read.
NOTHING = torch.zeros(2, 3, 32, 32)


@pytest.fixture
def file(model, inputs, tmp_path):
    return write(model, tmp_path / 'f.safetensors', inputs, (SIZE, SIZE))


@pytest.fixture
def warnings(monkeypatch):
    """Collect the warnings logged in this test."""
    said = []

    class Logger(logging.Logger):
        def warning(self, message, *args):
            said.append(message)

    monkeypatch.setattr(cached_feats, '_warned', set())
    monkeypatch.setattr(
        cached_feats.MMLogger, 'get_current_instance', lambda: Logger('test')
    )
    return said


@pytest.fixture
def no_detector(model, monkeypatch):
    """Make any run of the detector an error."""

    def run(*args, **kwargs):
        raise AssertionError('the detector ran')

    monkeypatch.setattr(model.detector.model, 'extract_feat', run)
    monkeypatch.setattr(model.detector.model, 'predict', run)


def gradient(model, losses):
    """Return the gradient of all trainable parameters as one vector."""
    model.zero_grad()
    total(losses).backward()
    return torch.cat(
        [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    )


def assert_close(losses, expected):
    """Compare up to half-precision features."""
    assert losses.keys() == expected.keys()
    assert total(expected) > 0
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize('stage', [1, 2])
def test_losses_and_gradients_equal_those_of_the_live_detector(
    model, inputs, file, warnings, monkeypatch, request, stage
):
    model.train()
    model.stage = stage
    live = [make_sample(None), make_sample(None)]
    # The context loss's queue changes with each call.
    state = {k: v.clone() for k, v in model.state_dict().items()}
    expected = model.loss(inputs, live)
    grads = gradient(model, expected)
    model.load_state_dict(state)
    request.getfixturevalue('no_detector')
    calls = []
    pool = type(model.icn.roi_extractor).forward
    monkeypatch.setattr(
        type(model.icn.roi_extractor),
        'forward',
        lambda *args: calls.append(1) or pool(*args),
    )
    losses = model.loss(NOTHING, cached_samples(file))
    assert_close(losses, expected)
    off = (gradient(model, losses) - grads).norm() / grads.norm()
    assert off < 0.01
    model.load_state_dict(state)
    assert not warnings and not calls


def test_self_teacher_uses_cached_features(
    model, file, no_detector, warnings, monkeypatch
):
    noise = dict(type='EMLabelNoise', vocabulary=PARK, warmup=0)
    monkeypatch.setattr(model, 'label_noise', build(noise))
    monkeypatch.setattr(
        model, 'self_teacher', SelfTeacher(model.vlt, model.icn)
    )
    pool = type(model.icn.roi_extractor)
    monkeypatch.setattr(pool, 'forward', lambda *args: pytest.fail('pooled'))
    losses = model.train().loss(NOTHING, cached_samples(file))
    assert losses['loss_mil'] > 0 and not warnings


def test_predictions_equal_those_of_the_live_detector(
    model, inputs, file, no_detector, monkeypatch
):
    cached = model.eval().predict(NOTHING, cached_samples(file))
    monkeypatch.undo()
    live = model.predict(inputs, [make_sample(None), make_sample(None)])
    for a, b in zip(cached, live):
        assert len(a.pred_hois) == len(b.pred_hois) > 0
        torch.testing.assert_close(
            a.pred_hois.scores, b.pred_hois.scores, rtol=1e-2, atol=1e-4
        )


def test_uncached_rois_are_pooled_from_cached_maps(
    model, inputs, file, tmp_path, warnings
):
    bare = write(
        model,
        tmp_path / 'bare.safetensors',
        inputs,
        (SIZE, SIZE),
        with_rois=False,
    )
    model.eval()
    expected = model.predict(NOTHING, cached_samples(file))
    assert not warnings
    got = model.predict(NOTHING, cached_samples(bare))
    model.predict(NOTHING, cached_samples(bare))
    assert len(warnings) == 1 and 'pooled from its maps' in warnings[0]
    for a, b in zip(got, expected):
        torch.testing.assert_close(
            a.pred_hois.scores, b.pred_hois.scores, rtol=1e-2, atol=1e-4
        )


def test_features_of_another_roi_extractor_are_not_used(
    model, file, warnings, monkeypatch
):
    monkeypatch.setattr(model.icn, 'roi_hash', 'another')
    monkeypatch.setattr(
        CachedFeats, 'look_up', lambda *args: pytest.fail('taken')
    )
    model.eval().predict(NOTHING, cached_samples(file))
    assert len(warnings) == 1


def test_look_up_distinguishes_images_and_boxes(file):
    views = [DetectorView(file, file.find(key)) for key in '01']
    feats = CachedFeats.read(
        views, lambda names: torch.arange(len(names)), torch.device('cpu')
    )
    order = torch.randperm(
        len(feats.rois), generator=torch.Generator().manual_seed(0)
    )
    assert len(order) > 10
    wanted = torch.cat([order, order[:3]])
    found = feats.look_up(feats.rois[wanted])
    torch.testing.assert_close(found, feats.roi_feats[wanted].float())
    for change in ([1, 0, 0, 0, 0], [0, 0, 0, 0.5, 0]):
        rois = feats.rois[:1] + torch.tensor(change)
        rois = torch.cat([feats.rois[1:], rois])
        assert feats.look_up(rois) is None


def test_images_of_two_sizes_are_padded(model, inputs, tmp_path):
    sizes = (SMALL, SIZE)
    file = write(model, tmp_path / 'f.safetensors', inputs, sizes)
    feats, *_ = model.extract_feat(NOTHING, cached_samples(file, sizes))
    assert feats.input_shape == SIZE
    for level, stride in zip(feats, (8, 16, 32)):
        assert level.shape[2:] == (SIZE[0] // stride, SIZE[1] // stride)
        assert (level[0, :, SMALL[0] // stride :] == 0).all()
        assert (level[0, :, : SMALL[0] // stride] != 0).any()
    both = model.eval().predict(NOTHING, cached_samples(file, sizes))
    alone = model.predict(NOTHING[:1], cached_samples(file, sizes)[:1])
    torch.testing.assert_close(
        both[0].pred_hois.scores, alone[0].pred_hois.scores
    )


def test_given_detections_override_those_of_the_file(model, file):
    samples = cached_samples(file)
    for sample in samples:
        sample.detections = make_sample(SCENE).detections
    feats, *_ = model.extract_feat(NOTHING, samples)
    pairs = model.generate_pairs(NOTHING, feats, samples)
    assert {tuple(box) for box in pairs.boxes.tolist()} <= {
        tuple(map(float, row[2])) for row in SCENE
    }


def test_another_detector_is_refused(model, file):
    other = build(model_cfg(), seed=1).eval()
    with pytest.raises(ValueError, match='another detector.*weights differ'):
        other.predict(NOTHING, cached_samples(file))
    sample = make_sample(SCENE)
    sample.set_metainfo(dict(detections_from=file))
    with pytest.raises(ValueError, match='another detector.*weights differ'):
        other.predict(torch.zeros(1, 3, *SIZE), [sample])
    model.predict(torch.zeros(1, 3, *SIZE), [sample])
    # Another detector with the same weights is accepted.
    other.load_state_dict(model.state_dict())
    same_predictions(
        other.predict(NOTHING, cached_samples(file))[0],
        model.predict(NOTHING, cached_samples(file))[0],
    )


def test_batches_with_and_without_features_are_refused(model, file):
    samples = [cached_samples(file)[0], make_sample(None)]
    with pytest.raises(ValueError, match='only some images'):
        model.predict(NOTHING, samples)


def test_visual_encoder_needs_images(model, file, monkeypatch):
    encoder = VisualEncoder(dict(type='ResNet', depth=18, base_channels=2))
    monkeypatch.setattr(model, 'visual_encoder', encoder)
    with pytest.raises(ValueError, match='visual_encoder needs the images'):
        model.predict(NOTHING, cached_samples(file))


def test_config_hash_covers_what_changes_the_output():
    cfg = dict(type='A', size=(1, 2), parts=[dict(type='B', init_cfg=None)])
    same = dict(
        parts=(dict(type='B', init_cfg=dict(type='Xavier')),),
        size=[1, 2],
        type='A',
        train_cfg=dict(x=1),
    )
    assert config_hash(cfg) == config_hash(same)
    assert config_hash(cfg) != config_hash(dict(cfg, size=(2, 1)))
    assert config_hash(None) is None
