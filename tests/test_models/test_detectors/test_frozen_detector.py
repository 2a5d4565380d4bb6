import copy
from pathlib import Path

import pytest
import torch
from mmdet.datasets import CocoDataset
from mmdet.models.dense_heads import DETRHead
from mmdet.structures import DetDataSample
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import load_state_dict

from clhoi_mm.models import FrozenDetector
from clhoi_mm.models.detectors.detector_adapter import build_detector
from clhoi_mm.registry import MODELS
from clhoi_mm.utils.config_hash import config_hash
from clhoi_mm.vocabulary import HOIVocabulary, normalize_name
from tests.test_models.utils import (
    CLASSES,
    FCOS,
    SIZE,
    VOCABULARY,
    detector_cfg,
    make_sample,
)

ATTENTION = dict(embed_dims=16, num_heads=2, batch_first=True)
FFN = dict(
    embed_dims=16,
    feedforward_channels=16,
    act_cfg=dict(type='ReLU', inplace=True),
)
TWO_STAGE = dict(
    type='FasterRCNN',
    backbone=FCOS['backbone'],
    neck=FCOS['neck'],
    train_cfg=None,
    rpn_head=dict(
        type='RPNHead',
        in_channels=16,
        feat_channels=8,
        anchor_generator=dict(
            type='AnchorGenerator',
            scales=[4],
            ratios=[1.0],
            strides=[8, 16, 32],
        ),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True),
        loss_bbox=dict(type='L1Loss'),
    ),
    roi_head=dict(
        type='StandardRoIHead',
        bbox_roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=3, sampling_ratio=1),
            out_channels=16,
            featmap_strides=[8, 16, 32],
        ),
        bbox_head=dict(
            type='Shared2FCBBoxHead',
            in_channels=16,
            fc_out_channels=16,
            roi_feat_size=3,
            num_classes=6,
            bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
            loss_cls=dict(type='CrossEntropyLoss'),
            loss_bbox=dict(type='L1Loss'),
        ),
    ),
    test_cfg=dict(
        rpn=dict(
            nms_pre=20,
            max_per_img=10,
            nms=dict(type='nms', iou_threshold=0.7),
            min_bbox_size=0,
        ),
        rcnn=dict(
            score_thr=0.0,
            nms=dict(type='nms', iou_threshold=0.5),
            max_per_img=10,
        ),
    ),
)
DETR = dict(
    type='DETR',
    num_queries=7,
    backbone=dict(type='ResNet', depth=18, base_channels=8, out_indices=(3,)),
    neck=dict(
        type='ChannelMapper',
        in_channels=[64],
        kernel_size=1,
        out_channels=16,
        act_cfg=None,
        norm_cfg=None,
        num_outs=1,
    ),
    encoder=dict(
        num_layers=1, layer_cfg=dict(self_attn_cfg=ATTENTION, ffn_cfg=FFN)
    ),
    decoder=dict(
        num_layers=1,
        return_intermediate=True,
        layer_cfg=dict(
            self_attn_cfg=ATTENTION, cross_attn_cfg=ATTENTION, ffn_cfg=FFN
        ),
    ),
    positional_encoding=dict(num_feats=8, normalize=True),
    bbox_head=dict(
        type='DETRHead',
        num_classes=6,
        embed_dims=16,
        loss_cls=dict(type='CrossEntropyLoss', class_weight=1.0),
    ),
    test_cfg=dict(max_per_img=7),
)
DETECTORS = dict(fcos=FCOS, faster_rcnn=TWO_STAGE, detr=DETR)


def plain(cfg):
    """Build the detector with mmdet."""
    init_default_scope('clhoi_mm')
    torch.manual_seed(0)
    cfg = copy.deepcopy(cfg)
    cfg.pop('data_preprocessor', None)
    return MODELS.build(ConfigDict(cfg)).eval()


def frozen(cfg=FCOS, checkpoint=None, classes=CLASSES, allow_random=True):
    init_default_scope('clhoi_mm')
    torch.manual_seed(1)
    return FrozenDetector(
        ConfigDict(cfg),
        VOCABULARY,
        checkpoint,
        classes,
        allow_random=allow_random,
    )


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp('detector') / 'fcos.pth'
    torch.save(
        dict(
            state_dict=plain(FCOS).state_dict(),
            meta=dict(dataset_meta=dict(classes=tuple(CLASSES))),
        ),
        path,
    )
    return str(path)


@pytest.fixture
def inputs():
    return torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('name', DETECTORS)
def test_detections_equal_the_plain_detectors(name, inputs):
    reference = plain(DETECTORS[name])
    detector = frozen(DETECTORS[name])
    detector.model.load_state_dict(reference.state_dict())
    runs = []
    detector.model.backbone.register_forward_hook(lambda *_: runs.append(1))
    samples = [make_sample(None, img_id=i) for i in range(2)]
    feats = detector.extract_feat(inputs)
    results = detector.detect(inputs, feats, samples)
    assert len(runs) == 1
    with torch.no_grad():
        expected = reference.predict(
            inputs,
            [DetDataSample(metainfo=s.metainfo) for s in samples],
            rescale=False,
        )
    names = [normalize_name(n) for n in CLASSES]
    objects = [normalize_name(n) for n in VOCABULARY.objects]
    for result, sample in zip(results, expected):
        other = sample.pred_instances
        assert len(result) == len(other) > 0
        torch.testing.assert_close(result.bboxes, other.bboxes)
        torch.testing.assert_close(result.scores, other.scores)
        for label, own in zip(result.labels.tolist(), other.labels.tolist()):
            known = names[own] in objects
            assert label == (objects.index(names[own]) if known else -1)
    # The second image does not get the first one's maps.
    with torch.no_grad():
        again = detector.model.extract_feat(inputs * 2)
    assert not torch.equal(again[0], feats[0])
    assert 'pred_instances' not in samples[0]


def test_backbone_runs_again_after_an_error(inputs, monkeypatch):
    detector = frozen()
    feats = detector.extract_feat(inputs)
    monkeypatch.setattr(detector.model.bbox_head, 'predict', None)
    with pytest.raises(TypeError):
        detector.detect(inputs, feats, [make_sample(None)] * 2)
    assert not torch.equal(
        detector.model.extract_feat(inputs * 2)[0], feats[0]
    )


def test_stays_frozen(inputs):
    detector = frozen().train()
    assert not any(m.training for m in detector.modules())
    assert not any(p.requires_grad for p in detector.parameters())
    before = copy.deepcopy(detector.state_dict())
    feats = detector.extract_feat(inputs.requires_grad_())
    assert not any(f.requires_grad for f in feats)
    for key, value in detector.state_dict().items():
        assert torch.equal(before[key], value), key


@pytest.mark.parametrize('name', ['hico_det', 'v_coco'])
def test_coco_labels_by_name(name):
    vocabulary = HOIVocabulary.load(name)
    cfg = ConfigDict(copy.deepcopy(FCOS))
    cfg.bbox_head.num_classes = 80
    init_default_scope('clhoi_mm')
    detector = FrozenDetector(cfg, vocabulary, classes='coco')
    assert sorted(detector.label_map.tolist()) == list(range(80))
    coco = CocoDataset.METAINFO['classes']
    for coco_name, label in zip(coco, detector.label_map.tolist()):
        assert normalize_name(coco_name) == normalize_name(
            vocabulary.objects[label]
        )
    if name == 'hico_det':
        label_map = dict(zip(coco, detector.label_map.tolist()))
        assert label_map['person'] == 49
        assert label_map['hair drier'] == vocabulary.objects.index(
            'hair_drier'
        )


def test_identity_depends_on_the_inner_config():
    """Existing files of detections stay valid."""
    detector = frozen(FCOS)
    assert detector.identity['type'] == 'FCOS'
    assert detector.identity['config'] == config_hash(FCOS)
    other = dict(FCOS['data_preprocessor'], pad_size_divisor=1)
    given = build_detector(
        detector_cfg(FCOS), VOCABULARY, data_preprocessor=other
    )
    expected = config_hash(dict(FCOS, data_preprocessor=other))
    assert given.identity['config'] == expected
    assert given.preprocessor_cfg == other


def test_wrapped_detector_keeps_its_class():
    detector = frozen(DETR)
    assert type(detector.model).__name__ == 'DETR'
    assert isinstance(detector.model, type(plain(DETR)))
    assert isinstance(detector.model.bbox_head, DETRHead)
    # A copy uses its own feature maps.
    other = copy.deepcopy(detector)
    with detector.model.reuse_feats(()):
        assert detector.model.extract_feat(None) == ()
        assert other.model.given_feats is None


def test_unmapped_names_are_named():
    with pytest.raises(ValueError, match='no class for dog of.*"park"'):
        frozen(classes=[c for c in CLASSES if c != 'dog'])


def test_unknown_classes_are_named(inputs):
    detector = frozen(classes=None)
    with pytest.raises(ValueError, match='model.detector.classes'):
        detector.detect(
            inputs, detector.extract_feat(inputs), [make_sample(None)] * 2
        )


@pytest.mark.parametrize(
    'meta',
    [
        dict(dataset_meta=dict(classes=tuple(CLASSES))),
        dict(classes=CLASSES),
        dict(CLASSES=tuple(CLASSES)),
    ],
)
def test_checkpoint_states_its_classes(tmp_path, meta):
    path = tmp_path / 'detector.pth'
    reference = plain(FCOS)
    torch.save(dict(state_dict=reference.state_dict(), meta=meta), path)
    detector = frozen(checkpoint=str(path), classes=None, allow_random=False)
    detector.check_loaded()
    assert detector.label_map.tolist() == [4, 3, 2, 1, 0, -1]
    for key, value in reference.state_dict().items():
        assert torch.equal(detector.model.state_dict()[key], value)
    # The config overrides the checkpoint.
    other = frozen(checkpoint=str(path), classes=CLASSES[::-1])
    assert other.label_map.tolist() == [-1, 0, 1, 2, 3, 4]


def test_half_precision_checkpoint(tmp_path):
    reference = {
        k: v.half() if v.is_floating_point() else v
        for k, v in plain(FCOS).state_dict().items()
    }
    torch.save(dict(state_dict=reference), tmp_path / 'half.pth')
    detector = frozen(checkpoint=str(tmp_path / 'half.pth'))
    weight = detector.model.state_dict()['backbone.conv1.weight']
    assert weight.dtype == torch.float32
    assert torch.equal(weight, reference['backbone.conv1.weight'].float())


def test_missing_checkpoint():
    detector = frozen(checkpoint='nowhere/detr.pth', allow_random=False)
    with pytest.raises(FileNotFoundError, match='nowhere/detr.pth does not'):
        detector.check_loaded()
    with pytest.raises(
        FileNotFoundError, match='no model.detector.checkpoint'
    ):
        frozen(allow_random=False).check_loaded()
    frozen().check_loaded()


@pytest.mark.parametrize('change', ['missing', 'misshapen', 'other model'])
def test_checkpoint_that_does_not_fit(tmp_path, change):
    weights = plain(FCOS).state_dict()
    key = 'bbox_head.conv_cls.weight'
    if change == 'missing':
        weights.pop(key)
    elif change == 'misshapen':
        weights[key] = weights[key][:3]
    else:
        weights, key = plain(DETR).state_dict(), 'tensors'
    path = tmp_path / 'odd.pth'
    torch.save(dict(state_dict=weights), path)
    with pytest.raises(ValueError, match=f'(?s)odd.pth does not fit.*{key}'):
        frozen(checkpoint=str(path))


@pytest.mark.parametrize('load', ['torch', 'mmengine'])
def test_checkpoint_of_a_whole_clhoi_is_accepted(checkpoint, load):
    source = frozen(checkpoint=checkpoint, classes=None)
    target = frozen(checkpoint='nowhere.pth', classes=None, allow_random=False)
    if load == 'torch':
        target.load_state_dict(source.state_dict())
    else:
        load_state_dict(target, source.state_dict())
    target.check_loaded()
    assert target.label_map.tolist() == source.label_map.tolist()
    for key, value in source.state_dict().items():
        assert torch.equal(target.state_dict()[key], value), key


@pytest.mark.parametrize('change', ['missing', 'misshapen'])
def test_partial_checkpoint_of_a_clhoi_is_refused(checkpoint, change):
    """mmengine only warns of missing keys."""
    weights = frozen(checkpoint=checkpoint).state_dict()
    key = 'model.bbox_head.conv_cls.weight'
    weights.pop(key)
    if change == 'misshapen':
        weights[key] = torch.zeros(1)
    target = frozen(allow_random=False)
    load_state_dict(target, weights)
    with pytest.raises(FileNotFoundError):
        target.check_loaded()


def test_module_versions_are_kept():
    """Without them, mmdet's anchor-free heads rename weights."""
    detector, seen = frozen(), []
    head = detector.model.bbox_head
    head._register_load_state_dict_pre_hook(
        lambda weights, prefix, metadata, *_: seen.append(metadata)
    )
    detector._load(dict(plain(FCOS).state_dict()))
    assert seen == [dict(version=head._version)]


def test_shipped_detr_builds_twice():
    """mmdet's DETRHead writes into its own default arguments."""
    path = Path(__file__).parents[3] / 'configs/_base_/models/detr_r50.py'
    cfg = Config.fromfile(path).detector
    cfg.num_queries = 3
    cfg.backbone.update(depth=18)
    cfg.neck.update(in_channels=[512])
    for _ in range(2):
        assert plain(cfg).num_queries == 3
