"""Converted DETR models with random weights give the same outputs."""

import pytest
import torch
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from clhoi_mm.models import load_weights
from clhoi_mm.models.converters import (
    convert_dab_detr,
    convert_deformable_detr,
    convert_detr,
    read_source,
    write_checkpoint,
)
from tests.test_models.utils_converters import (
    build,
    detector_config,
    randomize,
    samples_of,
)

transformers = pytest.importorskip('transformers')
NAMES = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta['categories']
CLASSES = [name for name in NAMES[1:] if name != 'N/A']
# Facebook's config includes the category ids that COCO does not use.
LABELS = {i: name for i, name in enumerate(NAMES)}
LABELS.update({0: 'N/A', 12: 'street sign', 26: 'hat', 83: 'blender'})
CHANNELS = 8  # Channels of the first convolution; 64 in an R50.
COMMON = dict(
    use_timm_backbone=False,
    use_pretrained_backbone=False,
    backbone=None,
    encoder_layers=2,
    decoder_layers=3,
    encoder_attention_heads=8,
    decoder_attention_heads=8,
    encoder_ffn_dim=48,
    decoder_ffn_dim=48,
    num_queries=12,
    id2label=LABELS,
    label2id={name: i for i, name in LABELS.items()},
)


def resnet(stages):
    return transformers.ResNetConfig(
        embedding_size=CHANNELS,
        hidden_sizes=[4 * CHANNELS * 2**i for i in range(4)],
        depths=[3, 4, 6, 3],
        layer_type='bottleneck',
        out_features=stages,
    )


def make_source(kind, width=32, **kwargs):
    stages = ['stage4'] if kind == 'Detr' else ['stage2', 'stage3', 'stage4']
    config = getattr(transformers, f'{kind}Config')(
        backbone_config=resnet(stages), d_model=width, **COMMON, **kwargs
    )
    source = getattr(transformers, f'{kind}ForObjectDetection')(config)
    randomize(source)
    if not kwargs.get('two_stage'):
        with torch.no_grad():
            source.model.query_position_embeddings.weight *= 5
    return source.eval()


def make_target(kind, width=32, **kwargs):
    """Build the project's config of the detector, made small."""
    config = detector_config(
        dict(Detr='detr_r50', DeformableDetr='deformable_detr_r50')[kind]
    )
    config.backbone.base_channels = CHANNELS
    config.num_queries = COMMON['num_queries']
    config.neck.out_channels = width
    config.neck.in_channels = [
        4 * CHANNELS * 2**i for i in config.backbone.out_indices
    ]
    config.positional_encoding.num_feats = width // 2
    config.bbox_head.embed_dims = width
    for coder, layers in (('encoder', 2), ('decoder', 3)):
        config[coder].num_layers = layers
        for name, part in config[coder].layer_cfg.items():
            part.embed_dims = width
            if name == 'ffn_cfg':
                part.feedforward_channels = 48
    config.update(kwargs)
    return build(config)


def assert_same(source, target):
    """Compare outputs on two images, the second one padded."""
    torch.manual_seed(1)
    images = torch.randn(2, 3, 96, 128)
    sizes = [(96, 128), (80, 90)]
    mask = torch.zeros(2, 96, 128, dtype=torch.long)
    for image, seen, (h, w) in zip(images, mask, sizes):
        seen[:h, :w] = 1
        image *= seen
    with torch.no_grad():
        expected = source(images, pixel_mask=mask)
        scores, boxes = target(images, samples_of(sizes, (96, 128)))
    rows = [
        i
        for i, name in enumerate(NAMES)
        if name not in ('__background__', 'N/A')
    ]
    if scores.size(-1) == 81:
        rows.append(91)
    logits = expected.logits[..., rows]
    # Queries must differ for the comparison to be meaningful.
    assert logits.std(1).mean() > 1e-2
    assert expected.pred_boxes.std(1).mean() > 5e-3
    torch.testing.assert_close(scores[-1], logits, atol=1e-4, rtol=0)
    torch.testing.assert_close(
        boxes[-1], expected.pred_boxes, atol=1e-4, rtol=0
    )


def convert(convert_one, source, folder):
    """Convert through files, like a user."""
    # Hugging Face refuses to write refined heads as safetensors.
    source.save_pretrained(
        folder,
        safe_serialization=not getattr(source.config, 'with_box_refine', 0),
    )
    state, meta = convert_one(*read_source(str(folder)))
    write_checkpoint(str(folder / 'out.pth'), state, meta)
    loaded = load_weights(str(folder / 'out.pth'))
    assert loaded['meta']['dataset_meta']['classes'] == CLASSES
    return loaded['state_dict']


def test_detr(tmp_path):
    source, target = make_source('Detr'), make_target('Detr')
    target.load_state_dict(convert(convert_detr, source, tmp_path))
    assert_same(source, target)


def dab_detr(**kwargs):
    """Build a small DAB-DETR with non-default activation slopes."""
    # mmdet encodes boxes by 128 sines and cosines per coordinate.
    common = {k: v for k, v in COMMON.items() if k != 'id2label'}
    config = transformers.DabDetrConfig(
        backbone_config=resnet(['stage4']),
        hidden_size=256,
        **{**common, 'id2label': LABELS, **kwargs},
    )
    source = randomize(transformers.DabDetrForObjectDetection(config))
    with torch.no_grad():
        # Distinguish queries, which start from boxes only.
        source.model.query_refpoint_embeddings.weight *= 5
        for name, value in source.model.decoder.layers.named_parameters():
            if name.endswith('_proj.weight'):
                value *= 3
    return source.eval()


def test_dab_detr(tmp_path):
    source = dab_detr()
    config = detector_config('dab_detr_r50')
    config.backbone.base_channels = CHANNELS
    config.num_queries = COMMON['num_queries']
    config.neck.in_channels = [4 * CHANNELS * 8]
    for coder, layers in (('encoder', 2), ('decoder', 3)):
        config[coder].num_layers = layers
        config[coder].layer_cfg.ffn_cfg.feedforward_channels = 48
    target = build(config)
    target.load_state_dict(convert(convert_dab_detr, source, tmp_path))
    assert_same(source, target)
    with pytest.raises(ValueError, match='keep_query_pos: True'):
        convert_dab_detr(dict(source.state_dict()), dict(keep_query_pos=True))
    with pytest.raises(ValueError, match='not the weights of .*DAB-DETR'):
        convert_dab_detr(dict(make_source('Detr').state_dict()), {})


@pytest.mark.parametrize(
    'refine, two_stage', [(False, False), (True, False), (True, True)]
)
def test_deformable_detr(tmp_path, refine, two_stage):
    # mmdet's second stage supports one width only.
    width = 256 if two_stage else 32
    source = make_source(
        'DeformableDetr',
        width,
        with_box_refine=refine,
        two_stage=two_stage,
        two_stage_num_proposals=COMMON['num_queries'],
        disable_custom_kernels=True,
    )
    target = make_target(
        'DeformableDetr', width, with_box_refine=refine, as_two_stage=two_stage
    )
    target.load_state_dict(convert(convert_deformable_detr, source, tmp_path))
    assert_same(source, target)


def test_backbone_with_timm_names():
    """Facebook's files use timm's names, as torchvision's ResNet does."""
    from torchvision.models import resnet50

    names = {
        f'model.backbone.conv_encoder.model.{name}': value
        for name, value in resnet50().state_dict().items()
        if not name.startswith('fc.')
    }
    source = make_source('Detr')
    state = {
        name: value
        for name, value in source.state_dict().items()
        if 'conv_encoder' not in name
    }
    converted, _ = convert_detr({**names, **state}, {})
    own, _ = convert_detr(dict(source.state_dict()), {})
    assert converted.keys() == own.keys()
    prefix = 'model.backbone.conv_encoder.model.'
    for name, value in names.items():
        assert converted['backbone.' + name[len(prefix) :]] is value


@pytest.mark.parametrize('depth', [50, 101])
@pytest.mark.parametrize(
    'kind, convert_one',
    [('Detr', convert_detr), ('DeformableDetr', convert_deformable_detr)],
)
def test_full_size_names_and_shapes(kind, convert_one, depth):
    """Compare full-size names and shapes on the meta device."""
    stages = ['stage4'] if kind == 'Detr' else ['stage2', 'stage3', 'stage4']
    blocks = transformers.ResNetConfig(
        depths=[3, 4, {50: 6, 101: 23}[depth], 3], out_features=stages
    )
    with torch.device('meta'):
        config = getattr(transformers, f'{kind}Config')(
            backbone_config=blocks,
            num_labels=91,
            **{k: COMMON[k] for k in list(COMMON)[:3]},
        )
        source = getattr(transformers, f'{kind}ForObjectDetection')(config)
        config = detector_config(
            dict(Detr='detr_r50', DeformableDetr='deformable_detr_r50')[kind]
        )
        config.backbone.depth = depth
        target = build(config).state_dict()
    converted, _ = convert_one(dict(source.state_dict()), {})
    assert {k: v.shape for k, v in converted.items()} == {
        k: v.shape for k, v in target.items()
    }


def test_custom_classes():
    names = ['N/A', 'cat', 'person', 'kettle']
    config = dict(id2label={str(i): name for i, name in enumerate(names)})
    state = dict(make_source('Detr').state_dict())
    with pytest.raises(ValueError, match='names 4 classes.*have 91'):
        convert_detr(state, config)
    bias = torch.arange(5.0)
    state['class_labels_classifier.bias'] = bias
    state['class_labels_classifier.weight'] = torch.rand(5, 32)
    converted, meta = convert_detr(state, config)
    assert meta['dataset_meta']['classes'] == names[1:]
    assert converted['bbox_head.fc_cls.bias'].tolist() == [1, 2, 3, 4]
    with pytest.raises(ValueError, match='4 classes have no names.*config'):
        convert_detr(state, {})


def test_unsupported_checkpoints_are_refused():
    state = dict(make_source('Detr').state_dict())
    with pytest.raises(ValueError, match='dilation: True'):
        convert_detr(state, dict(dilation=True))
    with pytest.raises(ValueError, match='not the weights of .*Deformable'):
        convert_deformable_detr(state, {})
    del state['model.encoder.layers.1.self_attn.v_proj.bias']
    with pytest.raises(ValueError, match='layers.1.*v_proj.bias is missing'):
        convert_detr(state, {})
    with pytest.raises(ValueError, match='not the weights of .*DETR'):
        convert_detr(dict(odd=torch.ones(1)), {})
