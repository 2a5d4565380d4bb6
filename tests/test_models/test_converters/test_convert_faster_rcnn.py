"""Converted torchvision Faster R-CNN equals mmdet's."""

import pytest
import torch
from torchvision.models import resnet50
from torchvision.models.detection import (
    FasterRCNN,
    FasterRCNN_ResNet50_FPN_Weights,
)
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import FrozenBatchNorm2d

from clhoi_mm.models import load_weights
from clhoi_mm.models.converters import (
    convert_faster_rcnn,
    read_source,
    write_checkpoint,
)
from tests.test_models.utils_converters import (
    build,
    detector_config,
    randomize,
    samples_of,
)

NAMES = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta['categories']
SIZE = (96, 128)
MEAN = torch.tensor([123.675, 116.28, 103.53])[:, None, None]
STD = torch.tensor([58.395, 57.12, 57.375])[:, None, None]


@pytest.fixture(scope='module')
def source():
    """Build a random model with realistic batch norm statistics."""
    backbone = resnet50(
        norm_layer=lambda channels: FrozenBatchNorm2d(channels, eps=0.0)
    )
    model = FasterRCNN(
        _resnet_fpn_extractor(backbone, 0),
        num_classes=91,
        min_size=SIZE[0],
        max_size=SIZE[1],
    )
    randomize(model)
    with torch.no_grad():
        # Small variances make eps matter.
        for name, value in model.state_dict().items():
            if name.endswith('running_var'):
                value.mul_(1e-3)
            if '.bn3.weight' in name:
                value.mul_(0.02)
            if (
                '.bn1.weight' in name
                or '.bn2.weight' in name
                or ('downsample.1.weight' in name)
            ):
                value.mul_(0.03)
        head = model.roi_heads.box_predictor
        unused = [i for i, name in enumerate(NAMES) if name == 'N/A']
        # As after training, no detection has a category unused in COCO.
        head.cls_score.bias[unused] = -1e4
        model.rpn.head.bbox_pred.weight *= 0.1
        head.bbox_pred.weight *= 0.3
        spread_scores(model.eval())
    return model


def spread_scores(model):
    """Spread the scores, which random weights make almost equal."""
    seen = []
    head = model.roi_heads.box_predictor
    hook = head.register_forward_hook(lambda m, args, out: seen.append(args))
    model([torch.rand(3, *SIZE)])
    hook.remove()
    weight, feats = head.cls_score.weight, seen[0][0]
    common = feats.mean(0) / feats.mean(0).norm()
    weight -= torch.outer(weight @ common, common)
    weight *= 2 / (feats @ weight.T).std()


@pytest.fixture(scope='module')
def converted(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp('faster_rcnn')
    torch.save(source.state_dict(), folder / 'source.pth')
    state, meta = convert_faster_rcnn(
        read_source(str(folder / 'source.pth'))[0]
    )
    write_checkpoint(str(folder / 'out.pth'), state, meta)
    loaded = load_weights(str(folder / 'out.pth'))
    assert loaded['meta']['dataset_meta']['classes'] == [
        name for name in NAMES[1:] if name != 'N/A'
    ]
    return loaded['state_dict']


def test_same_detections(source, converted):
    target = build(detector_config('faster_rcnn_r50_fpn'))
    target.load_state_dict(converted)
    torch.manual_seed(0)
    image = torch.rand(3, *SIZE)
    with torch.no_grad():
        maps = source.backbone((image[None] * 255 - MEAN) / STD)
        own = target.extract_feat((image[None] * 255 - MEAN) / STD)
        for expected, given in zip(maps.values(), own):
            assert 1e-2 < expected.std() < 100
            torch.testing.assert_close(given, expected, atol=1e-4, rtol=1e-4)
        expected = source([image])[0]
        given = target.predict(
            (image[None] * 255 - MEAN) / STD,
            samples_of([SIZE], SIZE),
            rescale=False,
        )
    given = given[0].pred_instances
    assert len(expected['labels']) > 50
    assert len(expected['labels'].unique()) > 10
    classes = [
        i
        for i, name in enumerate(NAMES)
        if name not in ('__background__', 'N/A')
    ]
    labels = torch.tensor(classes)[given.labels]
    # Detections with equal scores may swap places.
    same = (
        (labels == expected['labels'][:, None])
        & ((given.scores - expected['scores'][:, None]).abs() < 1e-4)
        & ((given.bboxes - expected['boxes'][:, None]).abs() < 1e-2).all(-1)
    )
    assert len(given) == len(expected['labels'])
    assert same.any(0).all() and same.any(1).all()


def test_names_before_torchvision_0_13(source, converted):
    """torchvision's published file uses the old names."""
    state = {}
    for name, value in source.state_dict().items():
        name = name.replace('rpn.head.conv.0.0.', 'rpn.head.conv.')
        for part in ('inner_blocks', 'layer_blocks'):
            for i in range(4):
                name = name.replace(f'{part}.{i}.0.', f'{part}.{i}.')
        state[name] = value
    assert 'backbone.fpn.inner_blocks.3.weight' in state
    again, _ = convert_faster_rcnn(state)
    assert again.keys() == converted.keys()
    assert all(torch.equal(value, converted[k]) for k, value in again.items())


def test_unsupported_checkpoints_are_refused():
    with pytest.raises(
        ValueError,
        match='not the weights of torchvision.*rpn.head.conv.1.0.weight',
    ):
        # A tensor of fasterrcnn_resnet50_fpn_v2, which is another model.
        convert_faster_rcnn({'rpn.head.conv.1.0.weight': torch.ones(1)})
