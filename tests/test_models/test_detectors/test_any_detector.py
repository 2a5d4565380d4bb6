"""CLHOI over each shipped detector, small, weights from a file."""

import copy
from typing import Callable

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope

from clhoi_mm.registry import MODELS
from clhoi_mm.vocabulary import normalize_name
from tests.test_models.utils import (
    CLASSES,
    HUG,
    PERSON,
    SCENE,
    VOCABULARY,
    build,
    detector_cfg,
    make_sample,
    model_cfg,
    total,
)
from tests.test_models.utils_detectors import (
    DETECTORS,
    DIMS,
    WITH_QUERIES,
    build_plain,
    small_detector,
)

OBJECTS = [normalize_name(name) for name in VOCABULARY.objects]
LABELS = [normalize_name(name) for name in CLASSES]


def make_data(count: int = 2) -> dict:
    """Build images like a pipeline, in sizes valid for YOLOX."""
    generator = torch.Generator().manual_seed(0)
    return dict(
        inputs=[
            torch.randint(
                0, 255, (3, 64, 96), dtype=torch.uint8, generator=generator
            )
            for _ in range(count)
        ],
        data_samples=[
            make_sample(None, ((HUG, PERSON, 1.0),), img_id=i)
            for i in range(count)
        ],
    )


def student_cfg(detector: dict, **options) -> dict:
    """Build a CLHOI config without the detector's feature map spec."""
    cfg = model_cfg(detector=detector_cfg(detector, **options))
    cfg['vlt'].pop('in_channels')
    cfg['vlt']['levels'] = (-1,)
    for key in ('out_channels', 'featmap_strides'):
        cfg['icn']['roi_extractor'].pop(key)
    return cfg


@pytest.fixture(scope='module')
def make_pair(tmp_path_factory) -> Callable:
    """Build mmdet's detector and a CLHOI with its weights."""
    folder, made = tmp_path_factory.mktemp('weights'), {}

    def make(name: str) -> tuple:
        if name not in made:
            cfg = small_detector(name, len(CLASSES))
            plain = build_plain(cfg)
            path = folder / f'{name}.pth'
            torch.save(
                dict(
                    state_dict=plain.state_dict(),
                    meta=dict(dataset_meta=dict(classes=tuple(CLASSES))),
                ),
                path,
            )
            made[name] = (
                plain,
                build(
                    student_cfg(
                        cfg,
                        checkpoint=str(path),
                        classes=None,
                        allow_random=False,
                    )
                ),
            )
        return made[name]

    return make


@pytest.mark.parametrize('name', DETECTORS)
def test_detections_equal_mmdets(make_pair, name, monkeypatch):
    """Compare after preprocessing and post-processing of equal pixels."""
    plain, model = make_pair(name)
    runs, found = [], []
    hook = model.detector.model.backbone.register_forward_hook(
        lambda *_: runs.append(1)
    )
    pair = model.pairing

    def spy(detections, *args):
        found.extend(detections)
        return pair(detections, *args)

    monkeypatch.setattr(model, 'pairing', spy)
    model.eval().test_step(make_data())
    hook.remove()
    assert len(runs) == 1
    expected = plain.test_step(make_data())
    for ours, theirs in zip(found, expected):
        theirs = theirs.pred_instances
        assert len(ours) == len(theirs) > 0
        torch.testing.assert_close(ours.bboxes, theirs.bboxes)
        torch.testing.assert_close(ours.scores, theirs.scores)
        assert ours.labels.tolist() == [
            OBJECTS.index(LABELS[label]) if LABELS[label] in OBJECTS else -1
            for label in theirs.labels.tolist()
        ]


@pytest.mark.parametrize('name', DETECTORS)
def test_trains_with_a_frozen_detector(make_pair, name):
    model = copy.deepcopy(make_pair(name)[1]).train()
    # Random weights predict one class everywhere: map it to person.
    model.detector.label_map.fill_(PERSON)
    # Identical pairs cannot be told apart, so the prior allows any number of
    # positive pairs.
    model.interaction_loss.interactiveness.extra_positive_prior = 1.0
    before = copy.deepcopy(model.detector.state_dict())
    data = model.data_preprocessor(make_data(), True)
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(params, lr=3e-3)
    history = []
    for _ in range(4):
        optimizer.zero_grad()
        losses = model.loss(data['inputs'], data['data_samples'])
        total(losses).backward()
        optimizer.step()
        history.append(float(losses['loss_interactiveness']))
    # There are candidate pairs, and pseudo-labels for them.
    assert 0 < history[-1] < history[0]
    for key, value in model.named_parameters():
        frozen = key.startswith('detector.')
        assert (value.grad is None) == frozen, key
    for key, value in model.detector.state_dict().items():
        assert torch.equal(value, before[key]), key
    for result in model.eval().predict(data['inputs'], data['data_samples']):
        assert len(result.pred_hois) > 0
        assert result.pred_hois.scores.isfinite().all()


@pytest.mark.parametrize('name', WITH_QUERIES)
def test_query_embeds_match_the_detections(make_pair, name):
    """The head's classifier gives the same scores from the embeddings."""
    plain, model = make_pair(name)
    data = model.eval().data_preprocessor(make_data(), False)
    inputs, samples = data['inputs'], data['data_samples']
    decoded = []
    hook = model.detector.model.decoder.register_forward_hook(
        lambda *_: decoded.append(1)
    )
    found = model.detector.detect(
        inputs, model.extract_feat(inputs)[0], samples
    )
    hook.remove()
    assert decoded == [1]
    head = plain.bbox_head
    if name in ('detr', 'dab-detr'):
        classify = head.fc_cls
    else:
        classify = head.cls_branches[plain.decoder.num_layers - 1]
    for result in found:
        assert result.query_inds.shape == (len(result),)
        assert result.query_inds.max() < 20
        assert result.query_embeds.shape == (len(result), DIMS)
        logits = classify(result.query_embeds)
        probs = (
            logits.softmax(-1)[:, :-1] if name == 'detr' else logits.sigmoid()
        )
        labels = [
            LABELS.index(OBJECTS[label]) if label >= 0 else len(OBJECTS)
            for label in result.labels.tolist()
        ]
        torch.testing.assert_close(
            probs[torch.arange(len(result)), labels], result.scores
        )
    pairs = model.generate_pairs(
        inputs, model.extract_feat(inputs)[0], samples
    )
    assert pairs.query_embeds.shape == (len(pairs.boxes), DIMS)


def test_feature_map_spec_is_inferred(make_pair):
    strides = {}
    for name in DETECTORS:
        model = make_pair(name)[1]
        extractor = model.icn.roi_extractor
        assert extractor.out_channels == DIMS
        assert model.vlt.input_proj.in_channels == DIMS
        strides[name] = extractor.featmap_strides
        assert extractor.finest_scale == 14 * strides[name][0]
    assert strides.pop('detr') == strides.pop('dab-detr') == [32]
    assert strides.pop('faster-rcnn') == [4, 8, 16, 32]
    assert set(map(tuple, strides.values())) == {(8, 16, 32)}


def test_configured_feature_map_spec_is_kept():
    cfg = student_cfg(small_detector('faster-rcnn', len(CLASSES)))
    cfg['icn']['roi_extractor'].update(featmap_strides=[4, 8])
    extractor = build(cfg).icn.roi_extractor
    assert extractor.featmap_strides == [4, 8]
    assert (extractor.out_channels, extractor.finest_scale) == (DIMS, 56)


@pytest.mark.parametrize('name', DETECTORS)
def test_joint_training_reaches_all_trainable_parameters(make_pair, name):
    """All trainable parameters get gradients, even without boxes.

    DistributedDataParallel requires it.
    """
    plain, _ = make_pair(name)
    cfg = small_detector(name, len(CLASSES))
    model = build(student_cfg(cfg, type='JointDetector')).train()
    model.detector.model.load_state_dict(plain.state_dict())
    runs = []
    model.detector.model.backbone.register_forward_hook(
        lambda *_: runs.append(1)
    )
    data = make_data()
    data['data_samples'][1].gt_instances = data['data_samples'][
        1
    ].gt_instances[:0]
    data['data_samples'][1].gt_hois = data['data_samples'][1].gt_hois[:0]
    data = model.data_preprocessor(data, True)
    for stage in (1, 2):
        model.stage = stage
        losses = model.loss(data['inputs'], data['data_samples'])
        loss, _ = model.parse_losses(losses)
        model.zero_grad()
        loss.backward()
        assert torch.isfinite(loss)
        for key, value in model.named_parameters():
            assert (value.grad is not None) == value.requires_grad, key
    assert len(runs) == 2
    assert model.detector.model.training
    own = [key for key in losses if key.startswith('detector.')]
    assert any('bbox' in key for key in own), own
    learns = [p for p in plain.parameters() if p.requires_grad]
    # Parameters frozen by the detector's config stay frozen.
    assert len(learns) == sum(
        p.requires_grad for p in model.detector.parameters()
    )
    found = model.eval().detector.detect(
        data['inputs'],
        model.extract_feat(data['inputs'])[0],
        data['data_samples'],
    )
    assert not any(f.scores.requires_grad for f in found)


def test_joint_training_uses_the_annotated_boxes(make_pair):
    """Match the detector's labels by name.

    Boxes that are drawn twice count once.
    """
    cfg = small_detector('rtmdet', len(CLASSES))
    model = build(student_cfg(cfg, type='JointDetector')).train()
    rows = (*SCENE, (PERSON, 0.9, (9, 8, 40, 59)))
    sample = make_sample(rows)
    truth = model.detector._truth(sample)
    assert len(truth.gt_instances) == len(SCENE)
    for label, own in zip(
        sample.gt_instances.labels, truth.gt_instances.labels
    ):
        assert LABELS[own] == OBJECTS[label]
    data = make_data(1)
    data['data_samples'] = [make_sample(None)]
    data = model.data_preprocessor(data, True)
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=2e-3
    )
    history = []
    for _ in range(8):
        optimizer.zero_grad()
        loss, logged = model.parse_losses(
            model.loss(data['inputs'], data['data_samples'])
        )
        loss.backward()
        optimizer.step()
        history.append(float(logged['detector.loss_bbox']))
    assert history[-1] < history[0]


class _File:
    path = 'detections.safetensors'


@pytest.mark.parametrize(
    'case, expected',
    [
        ('remember', 'model.detector.feat_cache_size=0 for a Joint'),
        (
            'no boxes',
            '0.png comes without annotated boxes.*LoadHOIAnnotations',
        ),
        ('no train_cfg', 'has no train_cfg.*mmdet config'),
        ('file', 'a detector in training changes what it gives'),
        ('classes', 'model.detector.classes'),
    ],
)
def test_unsupported_joint_training_is_refused(case, expected):
    cfg = small_detector('rtmdet', len(CLASSES))
    sample = make_sample(None)
    overrides = {}
    if case == 'remember':
        overrides = dict(feat_cache_size=2)
    elif case == 'no boxes':
        del sample.gt_instances
    elif case == 'no train_cfg':
        cfg.pop('train_cfg')
    elif case == 'file':
        sample.set_metainfo(dict(detections_from=_File))
    else:
        overrides = dict(classes=None)
        sample = make_sample()
    with pytest.raises(ValueError, match=f'(?s){expected}'):
        model = build(student_cfg(cfg, type='JointDetector', **overrides))
        data = make_data(1)
        data['data_samples'] = [sample]
        data = model.train().data_preprocessor(data, True)
        model.loss(data['inputs'], data['data_samples'])


def test_joint_detector_is_initialized_like_mmdets():
    """Initialize only where no weights were loaded."""
    cfg = student_cfg(
        small_detector('detr', len(CLASSES)), type='JointDetector'
    )
    detector = build(cfg).detector
    expected = copy.deepcopy(detector.model)
    torch.manual_seed(2)
    expected.init_weights()
    weight = 'encoder.layers.0.ffn.layers.1.weight'
    assert not torch.equal(
        expected.get_parameter(weight), detector.model.get_parameter(weight)
    )
    for seed, loaded in ((2, False), (3, True)):
        torch.manual_seed(seed)
        detector.loaded = loaded
        detector.init_weights()
        for key, value in expected.state_dict().items():
            assert torch.equal(value, detector.model.state_dict()[key]), key


@pytest.mark.parametrize('name', DETECTORS)
def test_random_weights_are_finite(name):
    """mmdet leaves some parameters uninitialized."""
    cfg = small_detector(name, len(CLASSES))
    init_default_scope('clhoi_mm')
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(
        True
    )  # Uninitialized values become NaN.
    try:
        raw = MODELS.build(ConfigDict(copy.deepcopy(cfg)))
        model = build(student_cfg(cfg))
    finally:
        torch.use_deterministic_algorithms(before)
    if name == 'deformable-detr':
        assert raw.level_embed.isnan().any()
    for key, value in model.detector.state_dict().items():
        assert value.isfinite().all(), key
