"""Shipped detector configs are consistent."""

from functools import lru_cache

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from clhoi_mm.registry import MODELS
from clhoi_mm.vocabulary import normalize_name
from tests.data_utils import REPO
from tests.test_models.utils_detectors import DETECTORS, MODELS_FOLDER

CONFIGS = sorted((REPO / 'configs').glob('*.py'))
# Steps that do not change pixels.
BESIDE = (
    'LoadImage',
    'LoadHOIAnnotations',
    'LoadTeacherKnowledge',
    'RandomFlip',
    'PackHOIInputs',
)


read = lru_cache(None)(Config.fromfile)


def pipelines(cfg):
    """Return by split the steps that prepare the detector's input."""
    for split in ('train', 'val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        if loader is not None and not has_features(loader):
            yield (
                split,
                [
                    step
                    for step in loader.dataset.pipeline
                    if step.type not in BESIDE
                ],
            )


def has_features(loader):
    """Return whether the detector has the images in its cache."""
    return loader.dataset.pipeline[0].type == 'LoadDetectorFeatures'


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_preprocessing_matches_the_detectors_config(path):
    cfg = read(path)
    view = cfg.detector_view
    for split, steps in pipelines(cfg):
        if split != 'train':
            assert steps == view, split
        elif steps != view:
            # Training uses other sizes, as DETR's does.
            (step,) = steps
            assert step.type == 'RandomChoiceResize'
            assert [step.scales[-1][::-1]] == [s.scale for s in view]
            assert step.keep_ratio and view[0].keep_ratio


def test_each_detector_has_a_config_on_hico():
    found = {
        read(path).model.detector.detector.type: path.stem
        for path in CONFIGS
        if path.stem.endswith('_hico')
    }
    types = {
        read(MODELS_FOLDER / file).detector.type for file in DETECTORS.values()
    }
    assert found.keys() == types
    assert len(DETECTORS) == len(types) == 7


def test_metafile_names_every_config():
    models = Config.fromfile(REPO / 'metafile.yml').Models
    assert [m.Config for m in models] == [
        f'configs/{path.name}' for path in CONFIGS
    ]
    assert [m.Name for m in models] == [path.stem for path in CONFIGS]


@pytest.mark.parametrize(
    'path', sorted((REPO / 'configs').rglob('*.py')), ids=lambda p: p.stem
)
def test_configs_do_not_depend_on_openmmlab_urls(path):
    text = path.read_text()
    assert 'openmmlab.com' not in text
    assert 'mmdet::' not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    'path',
    [path for path in CONFIGS if path.stem.endswith('_hico')],
    ids=lambda path: path.stem,
)
def test_builds_at_full_size(path):
    """Its COCO classes are HICO-DET's in another order."""
    cfg = Config.fromfile(path)
    cfg.model.detector.update(checkpoint=None, allow_random=True)
    cfg.model.teacher_head.text_encoder = 'hashed:512'
    init_default_scope('clhoi_mm')
    model = MODELS.build(cfg.model).eval()
    label_map = model.detector.label_map
    assert sorted(label_map.tolist()) == list(range(80))
    assert (label_map != torch.arange(80)).all()
    objects = model.teacher_head.classifier.vocabulary.objects
    assert normalize_name(objects[label_map[0]]) == 'person'
    shapes = model.detector.featmap_spec()
    (channels,) = set(shapes.channels)
    assert model.vlt.input_proj.in_channels == channels
    extractor = model.icn.roi_extractor
    if cfg.model.icn.get('query_embed_channels'):
        # The query embeddings of a DETR-type detector have this width.
        assert extractor is None
        assert (
            cfg.model.icn.query_embed_channels
            == model.detector.model.embed_dims
        )
        return
    assert extractor.featmap_strides == [s for s in shapes.strides if s <= 32]
    assert extractor.out_channels == channels


@pytest.mark.parametrize('data', ['hico_det', 'v_coco', 'unlabeled'])
def test_square_inputs_equal_those_of_yolox_and_rtmdet(data):
    """Square data configs differ in the detector's input only."""
    folder = REPO / 'configs/_base_/datasets'
    square, plain = (read(folder / f'{data}{end}.py') for end in ('_640', ''))
    for name in ('yolox_s', 'yolox_nano', 'rtmdet_m'):
        view = read(MODELS_FOLDER / f'{name}.py').detector_view
        for _, steps in pipelines(square):
            assert steps == view
    for split in ('train', 'val', 'test'):
        loaders = [c.get(f'{split}_dataloader') for c in (square, plain)]
        if loaders[0] is None:
            assert loaders[1] is None
            continue
        loaders = [loader.to_dict() for loader in loaders]
        for loader in loaders:
            loader['dataset'].pop('pipeline')
        assert loaders[0] == loaders[1]
