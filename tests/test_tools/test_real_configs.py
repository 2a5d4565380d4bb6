"""Configs of HICO-DET and V-COCO on the command line.

The data sets are made up but have the real names and classes; the detector
and CLIP have their real shapes (CLIP's text width) and random weights.
"""

import json
import shutil

import numpy as np
import pytest

from clhoi_mm.teacher import TeacherCache
from tests.data_utils import REPO, write_hico_det, write_v_coco
from tests.tool_utils import (
    NO_WORKERS,
    TEST,
    TRAIN,
    assert_in,
    options,
    read_losses,
    read_metrics,
    run_command,
    run_tool,
    write_clip,
    write_detr,
)

CLIP = 'openai/clip-vit-base-patch32'
# Name, training split, writer, and its numbers of classes.
DATA = dict(
    hico=('hico_det', 'train', write_hico_det, 600),
    vcoco=('v_coco', 'trainval', write_v_coco, 236),
)
QUICK = (
    *NO_WORKERS,
    'train_dataloader.batch_size=2',
    'train_dataloader.dataset.pipeline.4.scales=[(240,160)]',
    'custom_hooks.DistillStageHook.context_epochs=0',
    'train_cfg.max_epochs=1',
    'train_cfg.val_begin=2',
    'default_hooks.logger.interval=1',
)


def keep_first(ann_file, count):
    """Keep only the first image; every class stays declared."""
    content = json.loads(ann_file.read_text())
    content['images'] = content['images'][:count]
    ids = {image['id'] for image in content['images']}
    for name in ('annotations', 'hois'):
        content[name] = [x for x in content[name] if x['image_id'] in ids]
    ann_file.write_text(json.dumps(content))


def simulate(folder, name):
    data, split, *_ = DATA[name]
    return run_tool(
        REPO / 'tools/teacher/simulate.py',
        *f'--ann data/{data}/annotations/{split}.json --vocabulary {data} '
        f'--preset typical --text-encoder {CLIP} '
        f'--out data/{data}/teacher/{split}'.split(),
        cwd=folder,
    )


@pytest.fixture(scope='module')
def workplace(tmp_path_factory):
    """Make a folder with all files that both configs need."""
    pytest.importorskip('transformers')
    folder = tmp_path_factory.mktemp('workplace')
    write_clip(folder / CLIP, 512)
    write_detr(
        REPO / 'configs/clhoi_r50_hico.py',
        folder / 'checkpoints/detr_r50_coco.pth',
    )
    for name, (data, split, write, _) in DATA.items():
        root = write(folder / 'data' / data)
        keep_first(root / 'annotations' / f'{split}.json', 4)
        keep_first(root / 'annotations' / 'test.json', 3)
        simulate(folder, name).check()
        assert len(TeacherCache(root / 'teacher' / split)) == 4
    return folder


@pytest.mark.parametrize(
    'name', ['hico', pytest.param('vcoco', marks=pytest.mark.slow)]
)
def test_config_trains_and_tests(workplace, name):
    config = REPO / f'configs/clhoi_r50_{name}.py'
    run_tool(TRAIN, config, *options(*QUICK), cwd=workplace).check()
    work_dir = workplace / 'work_dirs' / config.stem
    losses = read_losses(work_dir)
    assert list(losses) == [1, 2]
    for values in losses.values():
        assert np.isfinite(list(values.values())).all()
        # There are candidate pairs and pseudo-labels for them.
        assert values['loss_mil'] > 0 and values['loss_contrast'] > 0
    asked = 'mAP' if name == 'hico' else 'AP_role'
    done = run_tool(
        TEST,
        config,
        work_dir / 'epoch_1.pth',
        '--eval',
        asked,
        '--out',
        f'{name}.json',
        *options(
            *NO_WORKERS, 'test_dataloader.dataset.pipeline.1.scale=(240,160)'
        ),
        cwd=workplace,
    ).check()
    expected = (
        ['mAP', 'mAP_rare', 'mAP_non_rare']
        if name == 'hico'
        else ['AP_role_s1', 'AP_role_s2']
    )
    assert list(read_metrics(done.text)) == expected
    results = json.loads((workplace / f'{name}.json').read_text())
    assert len(results) == 3
    for result in results:
        assert len(result['hois']['scores']) > 0
        assert max(result['hois']['hoi_labels']) < DATA[name][-1]
    (work_dir / 'epoch_1.pth').unlink()


@pytest.mark.slow
@pytest.mark.parametrize('name', DATA)
def test_documented_commands_literally(workplace, name):
    link = workplace / 'tools'
    if not link.exists():
        link.symlink_to(REPO / 'tools')
        (workplace / 'configs').symlink_to(REPO / 'configs')
    config = f'configs/clhoi_r50_{name}.py'
    run_command(
        'python', 'tools/train.py', config, cwd=workplace, timeout=3600
    ).check()
    work_dir = workplace / 'work_dirs' / f'clhoi_r50_{name}'
    asked = 'mAP' if name == 'hico' else 'AP_role'
    done = run_command(
        'python',
        'tools/test.py',
        config,
        work_dir / 'epoch_12.pth',
        '--eval',
        asked,
        cwd=workplace,
    ).check()
    assert all(0 <= value <= 100 for value in read_metrics(done.text).values())
    shutil.rmtree(work_dir)


@pytest.mark.parametrize(
    'name', ['hico', pytest.param('vcoco', marks=pytest.mark.slow)]
)
def test_missing_files_are_named_step_by_step(workplace, tmp_path, name):
    """Following each error's remedy leads to a run that trains."""
    data, split, *_ = DATA[name]
    config = REPO / f'configs/clhoi_r50_{name}.py'

    def train():
        done = run_tool(TRAIN, config, *options(*QUICK), cwd=tmp_path)
        assert done.code > 0
        return done.text

    source = dict(
        hico='github.com/ywchao/ho-rcnn', vcoco='github.com/s-gupta/v-coco'
    )[name]
    assert_in(train(), f'data/{data}/annotations/{split}.json', source)
    (tmp_path / 'data' / data).mkdir(parents=True)
    there = workplace / 'data' / data
    for part in ('annotations', 'images'):
        (tmp_path / 'data' / data / part).symlink_to(there / part)
    command = (
        f'tools/teacher/simulate.py --ann ANNOTATIONS --vocabulary '
        f'{data} --out data/{data}/teacher/{split}'
    )
    assert_in(train(), f'data/{data}/teacher/{split}', command)
    done = simulate(tmp_path, name)
    assert done.code > 0
    assert_in(done.text, CLIP, 'hf download', 'Give a folder')
    (tmp_path / 'data' / data / 'teacher').symlink_to(there / 'teacher')
    assert_in(train(), CLIP, 'hf download')
    (tmp_path / 'openai').symlink_to(workplace / 'openai')
    assert_in(
        train(),
        'checkpoints/detr_r50_coco.pth',
        'DETR',
        '436d03e8.pth',
        'model.detector.checkpoint=',
    )
