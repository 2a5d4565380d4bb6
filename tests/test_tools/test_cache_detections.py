"""cache_detections.py, and training with its files."""

import importlib.util
import json
import os
from collections import namedtuple
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from clhoi_mm.datasets import DetectionFile
from clhoi_mm.registry import DATASETS, MODELS
from tests.data_utils import REPO
from tests.tool_utils import (
    MINI,
    NO_WORKERS,
    TRAIN,
    assert_in,
    make_world,
    options,
    read_losses,
    run_command,
    run_tool,
)

TOOL = REPO / 'tools/analysis_tools/cache_detections.py'
STUDY = REPO / 'projects/studies/study.py'
SHORT = (
    *NO_WORKERS,
    'train_dataloader.batch_size=4',
    'train_cfg.max_epochs=2',
    'custom_hooks.DistillStageHook.context_epochs=1',
    'model.detector.feat_cache_size=0',
    'default_hooks.logger.interval=1',
    'log_processor.window_size=1',
)


@contextmanager
def chdir(folder):
    """Change the working folder; contextlib.chdir needs Python 3.11."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Make a folder with the mini world and its detector."""
    return make_world(tmp_path_factory.mktemp('world'), 8, 2, 4)


@pytest.fixture(scope='module')
def features(world):
    done = run_tool(
        TOOL, MINI, '--out', 'f.safetensors', '--features', cwd=world
    ).check()
    assert_in(done.text, 'f.safetensors: 22 views', 'RTMDet, with features')
    # The estimated and the final size are printed.
    assert_in(done.text, 'minutes for 22 views', ' MB and ', ' s a view')
    return world / 'f.safetensors'


def config_with(world, features):
    """Write the mini world's config with features from a file."""
    steps = Config.fromfile(MINI).to_dict()['train_pipeline']
    load = dict(type='LoadDetectorFeatures', file=str(features))
    pipeline = [load, *steps[1:]]
    path = world / 'with_features.py'
    path.write_text(
        f'_base_ = {str(MINI)!r}\n'
        f'train_dataloader = dict(dataset=dict(pipeline={pipeline!r}))\n'
    )
    return path


def test_detections_of_a_split(world):
    run_tool(
        TOOL, MINI, '--out', 'd.safetensors', '--splits', 'test', cwd=world
    ).check()
    file = DetectionFile(world / 'd.safetensors')
    assert len(file) == 4 and not file.flipped.any()
    assert file.features is None and 'person' in file.classes
    found = file.detections(file.find('test/images/000001.png'))
    assert len(found['scores']) > 0
    assert (found['bboxes'][:, 2:] > found['bboxes'][:, :2]).all()


def test_training_images_are_cached_flipped_too(features):
    file = DetectionFile(features)
    assert file.flipped.sum() == 8
    plain, mirrored = (
        file.find('train/images/000001.png', flipped)
        for flipped in (False, True)
    )
    assert file.shapes[plain].tolist() == [[160, 224]] * 3
    # The detector is nearly symmetric: its best box is there, flipped.
    one, other = (file.detections(row) for row in (plain, mirrored))
    box = one['bboxes'][one['scores'].argmax()]
    box = np.array([224 - box[2], box[1], 224 - box[0], box[3]])
    assert np.abs(other['bboxes'] - box).max(1).min() < 8
    # RoI features replace the finest map, which the VLT does not use.
    assert [level.shape for level in file.maps(mirrored)] == [
        (64, 0, 0),
        (64, 10, 14),
        (64, 5, 7),
    ]


@pytest.mark.slow
def test_study_with_features_equals_the_live_detector(world, features):
    run_tool(
        TRAIN, MINI, '--work-dir', 'live', *options(*SHORT), cwd=world
    ).check()
    live = read_losses(world / 'live')
    images = world / 'data/mini/train'
    away = images.rename(world / 'away')
    try:
        run_command(
            'python',
            STUDY,
            REPO / 'configs/studies/mini.py',
            '--rows',
            'label-free',
            '--seeds',
            '0',
            '--work-dir',
            'cached',
            '--features',
            features,
            *options(*SHORT),
            cwd=world,
        ).check()
    finally:
        away.rename(images)
    (result,) = (world / 'cached/results').glob('label-free-0-*.json')
    assert {'mAP', 'train_seconds'} <= set(json.loads(result.read_text()))
    cached = read_losses(world / 'cached' / result.stem)
    assert list(cached) == list(live) == [1, 2, 3, 4]
    assert 'loss_mil' in live[4]
    for step, losses in live.items():
        assert cached[step] == pytest.approx(losses, rel=5e-3), step


def test_detections_of_another_detector_are_refused(world, features):
    done = run_tool(
        TRAIN,
        config_with(world, features),
        *options(*SHORT, 'model.detector.detector.test_cfg.max_per_img=30'),
        cwd=world,
    )
    assert done.code != 0
    assert_in(done.text, 'made by another detector', 'config differ')


def test_continuous_augmentation_is_refused(world):
    step = 'train_dataloader.dataset.pipeline.3.type=RandomCrop'
    done = run_tool(
        TOOL,
        MINI,
        '--out',
        'none.safetensors',
        '--features',
        *options(step),
        cwd=world,
    )
    assert done.code != 0 and not (world / 'none.safetensors').exists()
    assert_in(done.text, 'RandomCrop', 'without --features')


@pytest.fixture(scope='module')
def square_world(world):
    """Make a flipped mini world with square inputs."""
    steps = Config.fromfile(MINI).to_dict()['train_pipeline']
    flip = next(i for i, x in enumerate(steps) if x['type'] == 'RandomFlip')
    pad = dict(type='Pad', size=(224, 256), pad_val=dict(img=(114, 114, 114)))
    live = [*steps[:flip], dict(steps[flip], prob=1.0), pad, steps[-1]]
    path = world / 'square.py'
    path.write_text(
        f'_base_ = {str(MINI)!r}\n'
        f'train_dataloader = dict(dataset=dict(pipeline={live!r}))\n'
    )
    return path, live


def test_flipped_square_inputs_equal_the_live_detector(world, square_world):
    """Boxes and maps agree although images are padded after flipping."""
    path, live = square_world
    done = run_tool(
        TOOL, path, '--out', 'sq.safetensors', '--features', '--all-maps',
        '--splits', 'train', cwd=world)  # fmt: skip
    done.check()
    init_default_scope('clhoi_mm')
    cfg = Config.fromfile(path)
    load = dict(
        type='LoadDetectorFeatures', file=str(world / 'sq.safetensors')
    )
    cached = [load] + [
        step for step in live if step['type'] not in ('LoadImage', 'Pad')
    ]
    with chdir(world):
        model = MODELS.build(cfg.model).eval()
        one, other = (
            DATASETS.build(dict(cfg.train_dataloader.dataset, pipeline=steps))
            for steps in (live, cached)
        )
    for i in range(3):
        with chdir(world):
            records = one[i], other[i]
        seen, stored = (record['data_samples'] for record in records)
        assert seen.flip and stored.flip
        for key in ('img_shape', 'ori_shape', 'scale_factor'):
            wanted = seen.get(key, (1.0, 1.0))
            assert tuple(wanted) == tuple(stored.get(key)), key
        assert len(seen.gt_instances) > 0
        torch.testing.assert_close(
            seen.gt_instances.bboxes, stored.gt_instances.bboxes
        )
        data = model.data_preprocessor(pseudo_collate([records[0]]), False)
        with torch.no_grad():
            feats = model.detector.extract_feat(data['inputs'])
            found = model.detector.detect(
                data['inputs'], feats, data['data_samples']
            )[0]
        view = stored.detector_view
        for level, kept in zip(feats, view.file.maps(view.row)):
            torch.testing.assert_close(
                level[0], torch.from_numpy(kept).float(), atol=1e-2, rtol=1e-2
            )
        torch.testing.assert_close(
            found.bboxes,
            torch.from_numpy(view.file.detections(view.row)['bboxes']),
        )


def test_flipping_a_padded_image_is_refused(world, square_world):
    path, live = square_world
    steps = [*live[:-3], live[-2], live[-3], live[-1]]
    late = world / 'late.py'
    late.write_text(
        f'_base_ = {str(MINI)!r}\n'
        f'train_dataloader = dict(dataset=dict(pipeline={steps!r}))\n'
    )
    done = run_tool(
        TOOL, late, '--out', 'no.safetensors', '--features', cwd=world
    )
    assert done.code != 0 and not (world / 'no.safetensors').exists()
    assert_in(done.text, 'RandomFlip after Pad', 'before Resize and Pad')


def test_omitted_maps_are_an_error(world, features):
    done = run_tool(
        TRAIN,
        config_with(world, features),
        *options(*SHORT, 'model.icn.roi_extractor.roi_layer.output_size=5'),
        cwd=world,
    )
    assert done.code != 0
    assert_in(done.text, 'lacks maps, or RoI features of pairs', '--all-maps')


@pytest.fixture(scope='module')
def tool():
    """Import the tool as a module to inspect its process."""
    spec = importlib.util.spec_from_file_location('cache_detections', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_detector_head_runs_once_per_view(world, tool):
    init_default_scope('clhoi_mm')
    cfg = Config.fromfile(MINI)
    with chdir(world):
        model = MODELS.build(cfg.model).eval()
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
        record = dataset[0]
    runs = []
    model.detector.model.bbox_head.register_forward_hook(
        lambda *_: runs.append(1)
    )
    found = tool.run_detector(model, record, True, False)
    assert len(runs) == 1
    assert len(found['rois']) == len(found['roi_feats']) > 0


def test_too_small_disk_is_an_error(tool, tmp_path, monkeypatch, capsys):
    usage = namedtuple('usage', 'total used free')
    monkeypatch.setattr(
        tool.shutil, 'disk_usage', lambda path: usage(9e9, 8e9, 1e9)
    )
    out = str(tmp_path / 'f.safetensors')
    tool.predict_size(out, 8_000_000, 4.0, 8, 400)
    assert 'about 400 MB and 3.3 minutes for 400 views' in (
        capsys.readouterr().out
    )
    with pytest.raises(ValueError, match='2,000 MB while .* 1,008 MB'):
        tool.predict_size(out, 8_000_000, 4.0, 8, 1000)
