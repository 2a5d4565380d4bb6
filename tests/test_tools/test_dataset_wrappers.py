"""mmengine's data set wrappers in training and in the tools."""

import copy

import pytest
from mmengine.config import Config

from clhoi_mm.datasets import DetectionFile
from tests.data_utils import REPO
from tests.tool_utils import (
    MINI,
    NO_WORKERS,
    TEST,
    TRAIN,
    assert_in,
    make_world,
    options,
    read_losses,
    run_tool,
)

TOOLS = REPO / 'tools/analysis_tools'


def repeated(train, part):
    return dict(type='RepeatDataset', times=2, dataset=train)


def balanced(train, part):
    return dict(type='ClassBalancedDataset', oversample_thr=0.4, dataset=train)


def joined(train, part):
    return dict(type='ConcatDataset', datasets=[train, part])


def nested(train, part):
    return repeated(joined(train, part), part)


WRAPPERS = dict(
    repeated=repeated, balanced=balanced, joined=joined, nested=nested
)
SHORT = (
    'train_dataloader.batch_size=4',
    'train_cfg.max_epochs=2',
    'custom_hooks.DistillStageHook.context_epochs=1',
    'default_hooks.logger.interval=1',
    'log_processor.window_size=1',
)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Make a mini world with a config for each wrapper."""
    folder = make_world(tmp_path_factory.mktemp('world'), 8, 4, 4)
    for name, wrap in WRAPPERS.items():
        cfg = Config.fromfile(MINI)
        train = cfg.train_dataloader.dataset
        part = dict(copy.deepcopy(train), indices=4)
        cfg.train_dataloader.dataset = wrap(train, part)
        cfg.test_dataloader.dataset = dict(
            type='ConcatDataset',
            datasets=[cfg.test_dataloader.dataset, cfg.val_dataloader.dataset],
        )
        cfg.dump(folder / f'{name}.py')
    return folder


@pytest.mark.parametrize(
    'name, supervision',
    [
        ('repeated', 'instance'),
        pytest.param('balanced', 'instance', marks=pytest.mark.slow),
        pytest.param('joined', 'image', marks=pytest.mark.slow),
        ('nested', 'vllm'),
    ],
)
def test_training(world, name, supervision):
    out = world / f'{name}_{supervision}'
    run_tool(
        TRAIN,
        f'{name}.py',
        '--work-dir',
        out,
        *options(
            *SHORT,
            *NO_WORKERS,
            f'model.teacher_head.supervision={supervision}',
        ),
        cwd=world,
    ).check()
    assert len(read_losses(out)) >= 2
    assert (out / 'epoch_2.pth').is_file()


@pytest.mark.parametrize(
    'name',
    [
        pytest.param('repeated', marks=pytest.mark.slow),
        'balanced',
        pytest.param('joined', marks=pytest.mark.slow),
        'nested',
    ],
)
def test_tools(world, name):
    done = run_tool(
        TOOLS / 'browse_dataset.py',
        f'{name}.py',
        '--out',
        f'pictures_{name}',
        '--num',
        '0',
        cwd=world,
    ).check()
    total = 12 if name in ('joined', 'nested') else 8
    assert_in(done.text, f'{total} of {total} images with')
    run_tool(
        TOOLS / 'cache_detections.py',
        f'{name}.py',
        '--out',
        f'{name}.safetensors',
        cwd=world,
    ).check()
    # The test set of these configs also has the validation images.
    assert len(DetectionFile(world / f'{name}.safetensors')) == 16


def test_concatenated_test_sets_are_refused(world):
    work = world / 'repeated_test'
    run_tool(
        TRAIN,
        'repeated.py',
        '--work-dir',
        work,
        *options(*SHORT, *NO_WORKERS),
        cwd=world,
    ).check()
    args = ('repeated.py', work / 'epoch_2.pth', '--eval', 'mAP')
    done = run_tool(TEST, *args, *options(*NO_WORKERS), cwd=world)
    assert done.code
    assert_in(
        done.text, 'test.py: HICODetMetric got image 1 2 times', 'one by one'
    )
    done = run_tool(
        TEST, *args, '--out', 'p.npz', *options(*NO_WORKERS), cwd=world
    )
    assert done.code
    assert_in(
        done.text, 'test.json', 'val.json', 'give a name that ends in .json'
    )
