"""Each detector on the mini world with tools/train.py and test.py.

The detectors are small and their weights random: what they detect makes no
sense, but everything must run on it.
"""

import numpy as np
import pytest
import torch
from mmengine.config import Config

from clhoi_mm.models import load_weights
from tests.data_utils import REPO
from tests.test_models.utils_detectors import (
    DETECTORS,
    MODELS_FOLDER,
    build_plain,
    small_detector,
)
from tests.tool_utils import (
    MINI,
    NO_WORKERS,
    TEST,
    TRAIN,
    assert_in,
    make_world,
    options,
    read_losses,
    read_metrics,
    run_tool,
)

CLASSES = Config.fromfile(
    REPO / 'configs/mini/detector_r18_mini.py'
).metainfo.classes
QUICK = (
    *NO_WORKERS,
    'train_dataloader.batch_size=4',
    'default_hooks.logger.interval=1',
    'log_processor.window_size=1',
    'custom_hooks.DistillStageHook.context_epochs=0',
    'train_cfg.max_epochs=1',
    'train_cfg.val_begin=2',
)
BY_DEFAULT = ('deformable-detr', 'yolox')


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp('world'), 16, 4, 4)


def write_config(world, name, **overrides):
    """Write the mini world's config with another detector."""
    detector = small_detector(name, len(CLASSES))
    path = world / f'{name}.pth'
    plain = build_plain(detector)
    torch.save(
        dict(
            state_dict=plain.state_dict(),
            meta=dict(dataset_meta=dict(classes=CLASSES)),
        ),
        path,
    )
    view = Config.fromfile(MODELS_FOLDER / DETECTORS[name]).detector_view
    cfg = Config.fromfile(MINI)
    model = cfg.model
    model.detector = dict(
        type='FrozenDetector', detector=detector, checkpoint=str(path)
    )
    model.detector.update(overrides)
    model.pairing.score_thr = 0.0
    # Feature map options are inferred, except the VLT's choice of maps.
    model.vlt.pop('in_channels')
    model.vlt.levels = (-1,)
    for key in ('out_channels', 'featmap_strides'):
        model.icn.roi_extractor.pop(key)
    for split in ('train', 'val', 'test'):
        # The detector's own preprocessing, at a quarter of its size.
        steps = [dict(s) for s in view]
        for step in steps:
            for key in {'scale', 'size'} & step.keys():
                step[key] = tuple(side // 4 for side in step[key])
        dataset = cfg[f'{split}_dataloader'].dataset
        dataset.pipeline[2:2] = steps
    path = world / f'clhoi_{name}_mini{"_joint" * bool(overrides)}.py'
    cfg.dump(path)
    return path


def train_and_test(world, config):
    """Return the losses by step, and the mAP."""
    run_tool(TRAIN, config, *options(*QUICK), cwd=world).check()
    work_dir = world / 'work_dirs' / config.stem
    done = run_tool(
        TEST,
        config,
        work_dir / 'epoch_1.pth',
        '--eval',
        'mAP',
        *options(*NO_WORKERS),
        cwd=world,
    ).check()
    losses = read_losses(work_dir)
    assert list(losses) == [1, 2, 3, 4]
    assert all(
        np.isfinite(list(values.values())).all() for values in losses.values()
    )
    return losses, read_metrics(done.text)['mAP']


@pytest.mark.parametrize(
    'name',
    [
        n if n in BY_DEFAULT else pytest.param(n, marks=pytest.mark.slow)
        for n in DETECTORS
    ],
)
def test_trains_and_tests_on_the_mini_world(world, name):
    losses, figure = train_and_test(world, write_config(world, name))
    assert all(values['loss_context'] > 0 for values in losses.values())
    assert 0 <= figure <= 100


def test_detector_is_trained_jointly(world):
    """Use two processes, which wait for every parameter's gradient."""
    config = write_config(world, 'rtmdet', type='JointDetector')
    run_tool(
        TRAIN,
        config,
        '--launcher',
        'pytorch',
        *options(*QUICK, 'train_dataloader.batch_size=2'),
        cwd=world,
        processes=2,
    ).check()
    work_dir = world / 'work_dirs' / config.stem
    for values in read_losses(work_dir).values():
        assert np.isfinite(list(values.values())).all()
    start = load_weights(str(world / 'rtmdet.pth'))['state_dict']
    state = load_weights(str(work_dir / 'epoch_1.pth'))['state_dict']
    for name, value in start.items():
        if value.is_floating_point():
            assert not torch.equal(value, state[f'detector.model.{name}']), (
                name
            )


def test_weights_of_another_detector_are_refused(world):
    config = write_config(world, 'yolox')
    done = run_tool(
        TRAIN,
        config,
        *options(
            *QUICK, 'model.detector.checkpoint=checkpoints/mini_detector.pth'
        ),
        cwd=world,
    )
    assert done.code > 0
    assert_in(done.text, 'mini_detector.pth does not fit the detector')
    done = run_tool(
        TRAIN,
        config,
        *options(*QUICK, 'model.detector.checkpoint=nowhere.pth'),
        cwd=world,
    )
    assert done.code > 0
    assert_in(
        done.text,
        'nowhere.pth does not exist',
        'YOLOX',
        'yolox_s_8x8_300e_coco_20211121_095711-4592a793.pth',
    )
