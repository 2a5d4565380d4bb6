"""One bad image in every tool that reads images."""

import json
import re
import shutil

import pytest

from clhoi_mm.datasets import DetectionFile
from tests.data_utils import REPO
from tests.test_tools.test_cache_detections import config_with
from tests.tool_utils import (
    MINI,
    NO_WORKERS,
    TEST,
    TRAIN,
    assert_in,
    make_world,
    options,
    read_metrics,
    run_tool,
)

CACHE = REPO / 'tools/analysis_tools/cache_detections.py'
BROWSE = REPO / 'tools/analysis_tools/browse_dataset.py'
SHORT = (
    *NO_WORKERS,
    'train_dataloader.batch_size=4',
    'train_cfg.max_epochs=1',
    'custom_hooks.DistillStageHook.context_epochs=1',
    'model.detector.feat_cache_size=0',
)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Make a mini world, a model, and copies of images."""
    folder = make_world(tmp_path_factory.mktemp('world'), 8, 2, 4)
    run_tool(
        TRAIN, MINI, '--work-dir', 'model', *options(*SHORT), cwd=folder
    ).check()
    shutil.copytree(folder / 'data/mini', folder / 'whole')
    return folder


@pytest.fixture
def damage(world):
    """Truncate or remove an image during a test."""
    damaged = []

    def cut(name, away=False):
        path = world / 'data/mini' / name
        damaged.append(name)
        if away:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:300])
        return path.relative_to(world)

    yield cut
    for name in damaged:
        shutil.copy(world / 'whole' / name, world / 'data/mini' / name)


def run_test(world, *args):
    return run_tool(
        TEST,
        MINI,
        'model/epoch_1.pth',
        '--eval',
        'mAP',
        *args,
        cwd=world,
    )


@pytest.mark.parametrize('workers', [0, 2])
def test_testing_skips_and_counts_bad_images(world, damage, workers):
    whole = run_test(world).check()
    path = damage('test/images/000002.png')
    gone = damage('test/images/000004.png', away=True)
    done = run_test(
        world,
        '--out',
        'found.json',
        '--show-dir',
        'shown',
        '--show-interval',
        '1',
        *options(
            f'test_dataloader.num_workers={workers}',
            f'test_dataloader.persistent_workers={workers > 0}',
            'test_dataloader.batch_size=2',
        ),
    )
    assert done.code == 1
    assert_in(done.text, 'test.py: 2 images could not be read')
    assert f'{path}: no image can be decoded' in done.text
    assert '2 of 4 images could not be read. They have no' in done.text
    assert str(gone) in done.text
    assert set(read_metrics(done.text)) == set(read_metrics(whole.text))
    found = json.loads((world / 'found.json').read_text())
    counts = {row['key']: len(row['hois']['scores']) for row in found}
    assert [
        bool(counts[f'test/images/00000{i}.png']) for i in range(1, 5)
    ] == [
        True,
        False,
        True,
        False,
    ]
    assert len(list((world / 'shown').glob('*.png'))) == 2
    shutil.rmtree(world / 'shown')


def test_testing_without_readable_images_is_an_error(world, damage):
    for i in range(1, 5):
        damage(f'test/images/00000{i}.png', away=True)
    done = run_test(world)
    assert done.code != 0
    assert_in(
        done.text, 'test.py: none of 4 images can be read; the first: No im'
    )
    assert 'Traceback' not in done.text


def test_bad_image_is_an_error_in_other_tools(world, damage):
    path = damage('test/images/000002.png')
    for workers in (0, 1):
        done = run_test(
            world,
            *options(
                'test_dataloader.dataset.bad_images=error',
                f'test_dataloader.num_workers={workers}',
            ),
        )
        assert done.code == 1 and 'Traceback' not in done.text
        assert_in(done.text, f'test.py: {path}: no image can be decoded')


def test_cache_detections_skips_the_bad_image(world, damage):
    damage('test/images/000002.png')
    damage('train/images/000003.png')
    done = run_tool(
        CACHE, MINI, '--out', 'f.safetensors', '--features', cwd=world
    )
    assert done.code == 1
    assert_in(
        done.text,
        # 8 training images twice, 2 and 4 of the other splits.
        'f.safetensors: 19 views',
        '2 images could not be read',
    )
    for name in ('test/images/000002.png', 'train/images/000003.png'):
        assert name in done.text
    file = DetectionFile(world / 'f.safetensors')
    assert len(file) == 19
    assert set(file.unreadable) == {
        'test/images/000002.png',
        'train/images/000003.png',
    }
    # Training with the file skips the image too, by the same option.
    config = config_with(world, 'f.safetensors')
    for choice, code in (('skip', 0), ('error', 1)):
        done = run_tool(
            TRAIN,
            config,
            '--work-dir',
            'cached',
            *options(
                *SHORT,
                f'train_dataloader.dataset.bad_images={choice}',
            ),
            cwd=world,
        )
        assert done.code == code, done.text[-3000:]
        assert 'could not be read when the file was made' in done.text
    shutil.rmtree(world / 'cached')


def test_training_skips_or_raises(world, damage):
    path = damage('train/images/000003.png')
    done = run_tool(
        TRAIN, MINI, '--work-dir', 'other', *options(*SHORT), cwd=world
    )
    assert done.code == 1 and 'Traceback' not in done.text
    assert_in(done.text, f'train.py: {path}: no image can be decoded')
    done = run_tool(
        TRAIN,
        MINI,
        '--work-dir',
        'other',
        *options(*SHORT, 'train_dataloader.dataset.bad_images=skip'),
        cwd=world,
    ).check()
    assert f'Skipped: {path}' in done.text
    # The replacement is random and may be the same image again.
    assert re.search(r'were skipped [1-9]\d* times', done.text)


def test_browse_dataset_skips_the_bad_image(world, damage):
    path = damage('train/images/000003.png')
    done = run_tool(BROWSE, MINI, '--out', 'drawn', '--num', '0', cwd=world)
    assert done.code == 1
    assert_in(done.text, f'{path}: no image can be', '7 of 8 images')
    assert len(list((world / 'drawn').rglob('*.png'))) == 7
