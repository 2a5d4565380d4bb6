"""User errors at the start of training or resuming."""

import json

import pytest
import torch

from tests.tool_utils import (
    MINI,
    NO_WORKERS,
    TEST,
    TRAIN,
    assert_in,
    make_world,
    options,
    run_tool,
)

SHORT = (
    *NO_WORKERS,
    'train_dataloader.batch_size=4',
    'custom_hooks.DistillStageHook.context_epochs=1',
    'model.detector.feat_cache_size=0',
    'default_hooks.logger.interval=1',
    'train_cfg.val_interval=99',
)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Make a mini world and a run of one epoch."""
    folder = make_world(tmp_path_factory.mktemp('world'), 8, 2, 2)
    train(folder, 'run', 'train_cfg.max_epochs=1').check()
    return folder


def train(world, work_dir, *values, resume=()):
    return run_tool(
        TRAIN,
        MINI,
        '--work-dir',
        work_dir,
        *resume,
        *options(*SHORT, *values),
        cwd=world,
    )


@pytest.mark.parametrize(
    'option, parts',
    [
        (
            'optim_wrapper.optimizer.type=AdanW',
            ["type='AdanW' is no optimizer", "did you mean 'AdamW'?"],
        ),
        (
            'optim_wrapper.optimizer.lrate=1',
            ['the config does not fit: AdamW', "'lrate'"],
        ),
        (
            'param_scheduler.0.type=LinearRL',
            ["type='LinearRL' is no parameter scheduler", "'LinearLR'"],
        ),
        (
            'train_dataloader.dataset.type=HOIDatset',
            ["type='HOIDatset' is no dataset", "did you mean 'HOIDataset'?"],
        ),
        (
            'model.label_noise.type=TeacherNoise',
            ["did you mean 'EMLabelNoise' or 'LearnableLabelNoise'?"],
        ),
        (
            'model.detector=1',
            ['model.detector is 1, which is no adapter of a detector'],
        ),
        (
            'model.vlt.type=Qqqqq',
            ["type='Qqqqq' is no model", 'check its spelling'],
        ),
    ],
)
def test_unknown_names_in_a_config(world, option, parts):
    done = train(world, 'wrong', option)
    assert done.code == 1 and 'Traceback' not in done.text
    assert_in(done.text, 'train.py: ', *parts)


def test_errors_in_code_keep_their_traceback(world):
    done = train(world, 'wrong', 'train_dataloader.batch_size=-1')
    assert done.code == 1 and 'Traceback' in done.text


@pytest.mark.parametrize(
    'content',
    [pytest.param(b'', marks=pytest.mark.slow), b'PK\x03\x04 cut', None],
)
def test_damaged_checkpoints(world, content):
    whole = (world / 'run/epoch_1.pth').read_bytes()
    path = world / 'damaged.pth'
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    for done in (
        train(world, 'resumed', resume=('--resume', 'damaged.pth')),
        train(world, 'loaded', 'load_from=damaged.pth'),
        run_tool(TEST, MINI, 'damaged.pth', cwd=world),
    ):
        assert done.code == 1 and 'Traceback' not in done.text
        assert_in(
            done.text, 'damaged.pth is not a checkpoint that can be loaded'
        )


def test_persistent_workers_without_workers(world):
    train(
        world,
        'persistent',
        'train_cfg.max_epochs=1',
        'train_dataloader.persistent_workers=True',
        'val_dataloader.persistent_workers=True',
    ).check()


def test_resuming_with_more_epochs_warns(world):
    done = train(
        world,
        'run',
        'train_cfg.max_epochs=2',
        resume=('--resume',),
    ).check()
    text = ' '.join(done.text.split())
    assert 'is of a run of 1 epochs, and this one goes on to 2' in text
    assert 'leave out --resume and set load_from=' in text


def test_resuming_unchanged_does_not_warn(world):
    meta = torch.load(world / 'run/epoch_1.pth', weights_only=False)['meta']
    assert json.loads(meta['cfg'])['train_cfg']['max_epochs'] == 1
    done = train(
        world,
        'again',
        'train_cfg.max_epochs=1',
        resume=('--resume', world / 'run/epoch_1.pth'),
    ).check()
    assert 'this one goes on' not in done.text
