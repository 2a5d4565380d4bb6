"""Converted weights, from a downloaded folder to a working detector."""

import pytest
import torch
from mmdet.datasets import CocoDataset

from clhoi_mm.models import FrozenDetector, load_weights
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import REPO
from tests.test_models.utils import DOG, build, make_sample, model_cfg
from tests.test_models.utils_converters import detector_config, samples_of
from tests.tool_utils import assert_in, run_tool

TOOLS = REPO / 'tools/model_converters'
DETR = dict(
    use_timm_backbone=False, use_pretrained_backbone=False, backbone=None,
    d_model=64, encoder_layers=1, decoder_layers=1, encoder_attention_heads=8,
    decoder_attention_heads=8, encoder_ffn_dim=32, decoder_ffn_dim=32,
    num_queries=5, num_labels=91)  # fmt: skip
CLASSES = CocoDataset.METAINFO['classes']
WINNER = 18  # COCO's category id of dog.


@pytest.fixture(scope='module')
def download(tmp_path_factory):
    """Write a small Hugging Face DETR that detects only dogs."""
    transformers = pytest.importorskip('transformers')
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

    names = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta['categories']
    config = transformers.DetrConfig(
        backbone_config=transformers.ResNetConfig(
            embedding_size=4, hidden_sizes=[16, 32, 64, 128],
            depths=[3, 4, 6, 3], out_features=['stage4']),
        **DETR)  # fmt: skip
    config.id2label = dict(enumerate(names))
    model = transformers.DetrForObjectDetection(config)
    with torch.no_grad():
        model.class_labels_classifier.bias[WINNER] = 9
    folder = tmp_path_factory.mktemp('detr')
    model.save_pretrained(folder)
    return folder


def small_detr():
    config = detector_config('detr_r50')
    config.num_queries = DETR['num_queries']
    config.test_cfg.max_per_img = DETR['num_queries']
    config.backbone.base_channels = 4
    config.neck.update(in_channels=[128], out_channels=64)
    config.positional_encoding.num_feats = 32
    config.bbox_head.embed_dims = 64
    for coder in (config.encoder, config.decoder):
        coder.num_layers = 1
        for part in coder.layer_cfg.values():
            part.embed_dims = 64
        coder.layer_cfg.ffn_cfg.feedforward_channels = 32
    return config


def test_clhoi_loads_the_converted_detector(download, tmp_path):
    done = run_tool(
        TOOLS / 'detr.py', download, '--out', 'ckpt/detr.pth', cwd=tmp_path
    ).check()
    assert '80 classes from person to toothbrush' in done.text
    path = tmp_path / 'ckpt/detr.pth'
    vocabulary = HOIVocabulary.load('hico_det')
    detector = FrozenDetector(small_detr(), vocabulary, str(path))
    detector.check_loaded()
    image = torch.randn(1, 3, 64, 96)
    (found,) = detector.detect(
        image, detector.extract_feat(image), samples_of([(64, 96)], (64, 96))
    )
    assert {vocabulary.objects[i] for i in found.labels} == {'dog'}
    assert found.scores.min() > 0.9
    assert not list(path.parent.glob('.*'))
    cfg = model_cfg(
        detector=dict(
            type='FrozenDetector',
            detector=small_detr(),
            checkpoint=str(path),
        )
    )
    cfg['vlt'].update(in_channels=64, levels=(0,))
    cfg['icn']['roi_extractor'].update(out_channels=64, featmap_strides=[32])
    model = build(cfg).eval()
    (result,) = model.predict(image, [make_sample(rows=None, size=(64, 96))])
    assert 'pred_hois' in result
    assert model.detector.label_map[CLASSES.index('dog')] == DOG


def test_other_files_are_refused(download, tmp_path):
    def run(name, source):
        done = run_tool(
            TOOLS / f'{name}.py', source, '--out', 'out.pth', cwd=tmp_path
        )
        assert done.code == 1 and not (tmp_path / 'out.pth').exists()
        assert 'Traceback' not in done.text
        return done.text

    assert_in(run('deformable_detr', download), 'not the weights of Hugging')
    assert_in(
        run('clip_vision', download), 'clip_vision.py:', 'not the weights'
    )
    assert_in(
        run('faster_rcnn', download / 'model.safetensors'), 'torchvision'
    )
    assert_in(run('detr', tmp_path), 'model.safetensors nor pytorch_model.bin')
    assert_in(run('detr', tmp_path / 'nothing'), 'does not exist')
    broken = tmp_path / 'model.safetensors'
    broken.write_bytes((download / 'model.safetensors').read_bytes()[:999])
    assert_in(run('detr', tmp_path), 'download it again')
    broken.unlink()
    (tmp_path / 'pytorch_model.bin').write_bytes(b'\x80\x02.')
    assert_in(run('detr', tmp_path), 'loaded safely')


def test_clip_conversion_prints_the_config_options(tmp_path):
    transformers = pytest.importorskip('transformers')
    config = transformers.CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, image_size=32, patch_size=16)  # fmt: skip
    transformers.CLIPVisionModel(config).save_pretrained(tmp_path / 'clip')
    done = run_tool(
        TOOLS / 'clip_vision.py',
        'clip',
        '--out',
        'clip.pth',
        *'--mean 123.675 116.28 103.53 --std 58.395 57.12 57.375'.split(),
        cwd=tmp_path,
    ).check()
    assert_in(
        done.text,
        'visual_encoder=',
        "'mmpretrain.VisionTransformer'",
        "'mmpretrain.QuickGELU'",
        "'checkpoint': 'clip.pth'",
    )
    meta = load_weights(str(tmp_path / 'clip.pth'))['meta']
    assert meta['visual_encoder']['arch']['num_heads'] == 2
