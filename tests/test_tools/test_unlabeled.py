"""Training on images without annotations, end to end."""

import json
import shutil

import numpy as np
import pytest

from tests.data_utils import REPO, write_hico_det
from tests.tool_utils import (
    MINI,
    NO_WORKERS,
    TEST,
    TRAIN,
    options,
    read_losses,
    run_tool,
    write_clip,
    write_detr,
)

BARE = REPO / 'configs' / 'mini' / 'clhoi_r18_mini_unlabeled.py'
OWN = REPO / 'configs' / 'clhoi_r50_unlabeled.py'
ANNOTATE = REPO / 'tools' / 'teacher' / 'annotate.py'
# No annotations for validation.
NO_VALIDATION = [option for option in NO_WORKERS if option[:3] != 'val']
# An epoch of each stage, and validation.
SHORT = options(
    *NO_WORKERS,
    'train_dataloader.batch_size=8',
    'custom_hooks.DistillStageHook.context_epochs=1',
    'train_cfg.max_epochs=2',
    'train_cfg.val_interval=2',
    'train_cfg.val_begin=2',
    'default_hooks.logger.interval=1',
    'log_processor.window_size=1',
)


def validation(work_dir):
    scalars = sorted(work_dir.glob('*/vis_data/scalars.json'))[-1]
    rows = map(json.loads, scalars.read_text().splitlines())
    return [
        {name: value for name, value in row.items() if 'mAP' in name}
        for row in rows
        if 'hico_det/mAP' in row
    ]


def test_training_without_annotation_file_is_the_same(tmp_path):
    world, bare = tmp_path / 'world', tmp_path / 'bare'
    for folder in (world, bare):
        folder.mkdir()
        (folder / 'checkpoints').symlink_to(REPO / 'checkpoints')
    run_tool(
        REPO / 'projects/mini_world/make_mini.py',
        *'--num-train 24 --num-val 8 --num-test 1'.split(),
        cwd=world,
    ).check()
    # Images with pseudo-labels, and annotations for validation.
    for part in ('train', 'val', 'teacher'):
        shutil.copytree(world / 'data/mini' / part, bare / 'data/mini' / part)
    (bare / 'data/mini/annotations').mkdir()
    shutil.copy(
        world / 'data/mini/annotations/val.json',
        bare / 'data/mini/annotations/val.json',
    )
    for config, folder in ((MINI, world), (BARE, bare)):
        run_tool(
            TRAIN, config, '--work-dir', 'out', *SHORT, cwd=folder
        ).check()
    losses = read_losses(world / 'out')
    assert len(losses) == 6 and 'loss_mil' in losses[6]
    assert read_losses(bare / 'out') == losses
    measured = validation(world / 'out')
    assert len(measured) == 1
    assert validation(bare / 'out') == measured


@pytest.mark.slow
def test_custom_images_from_teacher_to_test(tmp_path):
    """Follow the README with raw answers replacing a VLLM."""
    write_clip(tmp_path / 'openai/clip-vit-base-patch32', 512)
    write_detr(
        REPO / 'configs/clhoi_r50_hico.py',
        tmp_path / 'checkpoints/detr_r50_coco.pth',
    )
    source = write_hico_det(tmp_path / 'hico_det')
    mine = tmp_path / 'data' / 'mine'
    shutil.copytree(source / 'images' / 'train2015', mine / 'images')
    names = sorted(path.name for path in (mine / 'images').iterdir())
    run_tool(
        REPO / 'tools/analysis_tools/cache_detections.py',
        OWN,
        '--splits',
        'test',
        '--out',
        mine / 'objects.safetensors',
        *options('test_dataloader.dataset.pipeline.1.scale=(240,160)'),
        cwd=tmp_path,
    ).check()
    (mine / 'images' / 'broken.jpg').write_bytes(b'\xff\xd8 cut')
    raw = tmp_path / 'raw.jsonl'
    raw.write_text(
        ''.join(
            json.dumps(
                dict(
                    key=name,
                    model='vllm',
                    caption='A person rides a bicycle.',
                    answer=json.dumps([dict(verb='ride', object='bicycle')]),
                )
            )
            + '\n'
            for name in names
        )
    )
    done = run_tool(
        ANNOTATE,
        'run',
        '--vocab',
        'hico_det',
        '--images',
        mine / 'images',
        '--objects',
        mine / 'objects.safetensors',
        '--out',
        mine / 'teacher',
        '--backend',
        'replay',
        '--options',
        f'raw={raw}',
        cwd=tmp_path,
    )
    # The broken image has no answer.
    assert done.code == 1 and '1 requests failed' in done.text
    done = run_tool(
        TRAIN,
        OWN,
        *options(
            *NO_VALIDATION,
            'train_dataloader.batch_size=2',
            'train_dataloader.dataset.pipeline.3.scales=[(240,160)]',
            'custom_hooks.DistillStageHook.context_epochs=0',
            'train_cfg.max_epochs=1',
            'default_hooks.logger.interval=1',
        ),
        cwd=tmp_path,
    ).check()
    assert f'1 of {len(names) + 1} images of' in done.text
    work_dir = tmp_path / 'work_dirs' / OWN.stem
    for values in read_losses(work_dir).values():
        assert np.isfinite(list(values.values())).all()
    (mine / 'images' / 'broken.jpg').unlink()
    run_tool(
        TEST,
        OWN,
        work_dir / 'epoch_1.pth',
        '--out',
        'found.json',
        '--show-dir',
        'pictures',
        '--show-interval',
        '1',
        *options(
            *NO_VALIDATION,
            'test_dataloader.dataset.pipeline.1.scale=(240,160)',
        ),
        cwd=tmp_path,
    ).check()
    found = json.loads((tmp_path / 'found.json').read_text())
    assert [image['key'] for image in found] == names
    assert len(list((tmp_path / 'pictures').iterdir())) == len(names)


@pytest.mark.slow
def test_benchmark_of_a_long_list(tmp_path):
    done = run_tool(
        REPO / 'tools/analysis_tools/benchmark.py',
        'unlabeled',
        '--images',
        '3000',
        '--samples',
        '512',
        '--workers',
        '1',
        '--kind',
        'parquet-sizes',
        '--folder',
        tmp_path,
        cwd=tmp_path,
    ).check()
    for part in (
        '3000 images',
        'first opening: ',
        '\nopening: ',
        'MB to 1 workers',
    ):
        assert part in done.text
    assert not list(tmp_path.glob('*/images*'))
