"""tools/train.py and tools/test.py end to end on the mini world."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from clhoi_mm.config_file import resolve_key
from clhoi_mm.models.checkpoint import load_weights
from clhoi_mm.teacher import HashedTextEncoder, PseudoLabels, pack_cache
from clhoi_mm.vocabulary import HOIVocabulary
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
    read_metrics,
    run_command,
    run_tool,
)

BATCH = 8
# Losses are logged per iteration, without averaging.
SHORT = (
    *NO_WORKERS,
    f'train_dataloader.batch_size={BATCH}',
    'default_hooks.logger.interval=1',
    'log_processor.window_size=1',
)
# A cached view was computed in another batch, and kernels round by the batch;
# Adam amplifies this where a gradient is nearly zero.
STAGES = (
    *SHORT,
    'model.detector.feat_cache_size=0',
    'custom_hooks.DistillStageHook.context_epochs=2',
    'train_cfg.max_epochs=4',
    'train_cfg.val_begin=4',
    'default_hooks.checkpoint.max_keep_ckpts=-1',
)
# One epoch of one batch, no validation, interactions from the start.
ONCE = (
    *SHORT,
    f'train_dataloader.dataset.indices={BATCH}',
    'custom_hooks.DistillStageHook.context_epochs=0',
    'train_cfg.max_epochs=1',
    'train_cfg.val_begin=2',
)
CACHE = 'data/mini/teacher/train_typical'


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Make a folder with the mini world and its detector."""
    return make_world(tmp_path_factory.mktemp('world'), 32, 8, 16)


@pytest.fixture(scope='module')
def trained(world):
    """Train four epochs without interruption, two of context distillation."""
    run_command('python', TRAIN, MINI, *options(*STAGES), cwd=world).check()
    return world / 'work_dirs' / 'clhoi_r18_mini'


@pytest.fixture
def no_cache(world):
    """Copy the world without its pseudo-labels."""
    away = world / 'away'
    (world / CACHE).rename(away)
    yield world
    away.rename(world / CACHE)


def assert_same_losses(
    work_dir: Path, whole: Path, first: int, rel: float
) -> None:
    expected, got = read_losses(whole), read_losses(work_dir)
    assert list(got) == list(range(first, 17))
    for step, losses in got.items():
        assert losses == pytest.approx(expected[step], rel=rel), step


def assert_same_training(work_dir: Path, whole: Path, first: int) -> None:
    """Assert that a resumed run repeats the uninterrupted one."""
    assert_same_losses(work_dir, whole, first, rel=1e-6)
    states = [
        load_weights(str(path / 'epoch_4.pth'))['state_dict']
        for path in (work_dir, whole)
    ]
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name], msg=name)


def test_both_stages_are_trained(trained):
    losses = read_losses(trained)
    assert list(losses) == list(range(1, 17))
    for step, values in losses.items():
        assert np.isfinite(list(values.values())).all()
        assert values['loss_context'] > 0
        assert ('loss_mil' in values) == (step > 8)
    assert (trained / 'last_checkpoint').read_text().endswith('epoch_4.pth')


@pytest.mark.parametrize('epoch', [pytest.param(1, marks=pytest.mark.slow), 3])
def test_resumed_training_equals_the_uninterrupted(trained, world, epoch):
    run_tool(
        TRAIN,
        MINI,
        '--work-dir',
        f'resumed_{epoch}',
        '--resume',
        trained / f'epoch_{epoch}.pth',
        *options(*STAGES),
        cwd=world,
    ).check()
    assert_same_training(world / f'resumed_{epoch}', trained, 4 * epoch + 1)


def test_training_with_cached_features_is_the_same(trained, world):
    run_tool(
        TRAIN,
        MINI,
        '--work-dir',
        'remembered',
        '--resume',
        trained / 'epoch_1.pth',
        *options(*STAGES, 'model.detector.feat_cache_size=64'),
        cwd=world,
    ).check()
    assert_same_losses(world / 'remembered', trained, 5, rel=1e-3)


def test_killed_training_resumes_from_the_latest_checkpoint(trained, world):
    killed = run_tool(
        TRAIN,
        MINI,
        '--work-dir',
        'killed',
        *options(*STAGES),
        cwd=world,
        kill_when=world / 'killed' / 'epoch_2.pth',
    )
    assert killed.code == -9
    # A partial file of the killed process.
    checkpoints = sorted((world / 'killed').glob('epoch_*.pth'))
    assert checkpoints[-1].name == 'epoch_2.pth'
    run_tool(
        TRAIN,
        MINI,
        '--work-dir',
        'killed',
        '--resume',
        *options(*STAGES),
        cwd=world,
    ).check()
    first = min(read_losses(world / 'killed'))
    assert first in (5, 9)
    assert_same_training(world / 'killed', trained, first)


def test_checkpoint_holds_its_config_as_json_and_no_pseudo_labels(
    trained, world
):
    path = trained / 'epoch_4.pth'
    checkpoint = load_weights(str(path))
    config = json.loads(checkpoint['meta']['cfg'])
    assert config['model']['teacher_head']['supervision'] == 'vllm'
    content = path.read_bytes()
    raw = (world / CACHE / 'raw.jsonl').read_text().splitlines()
    captions = [json.loads(line)['caption'] for line in raw]
    assert len(captions) == 32
    for caption in captions:
        assert caption.encode() not in content
    assert b'train/images/' not in content


def test_test_prints_saves_and_draws(trained, no_cache):
    world, checkpoint = no_cache, trained / 'epoch_4.pth'
    first = run_tool(
        TEST,
        MINI,
        checkpoint,
        '--eval',
        'mAP',
        'mAP_ko',
        '--out',
        'out/first.json',
        '--show-dir',
        'pictures',
        '--show-interval',
        4,
        *options(*NO_WORKERS),
        cwd=world,
    ).check()
    metrics = read_metrics(first.text)
    assert list(metrics) == [
        f'{name}{split}'
        for name in ('mAP', 'mAP_ko')
        for split in ('', '_rare', '_non_rare')
    ]
    assert all(0 <= value <= 100 for value in metrics.values())
    annotated = json.loads(
        (world / 'data/mini/annotations/test.json').read_text()
    )
    images = {image['key']: image for image in annotated['images']}
    results = json.loads((world / 'out/first.json').read_text())
    assert sorted(result['key'] for result in results) == sorted(images)
    assert sum(len(result['hois']['scores']) for result in results) > 50
    for result in results:
        image, hois = images[result['key']], result['hois']
        assert result['img_id'] == image['id']
        boxes = np.array([*hois['human_bboxes'], *hois['object_bboxes']])
        boxes = boxes.reshape(-1, 4)
        assert (boxes >= -1e-3).all()
        assert (
            boxes[:, 2:] <= [image['width'] + 1e-3, image['height'] + 1e-3]
        ).all()
        assert hois['scores'] == sorted(hois['scores'], reverse=True)
    pictures = sorted((world / 'pictures').iterdir())
    assert len(pictures) == 4
    for path in pictures:
        height, width = cv2.imread(str(path)).shape[:2]
        assert 160 <= height < 3000 and 224 <= width < 3000

    second = run_tool(
        TEST,
        MINI,
        checkpoint,
        '--eval',
        'mAP',
        '--out',
        'out/second.json',
        *options(*NO_WORKERS),
        cwd=world,
    ).check()
    assert read_metrics(second.text) == {
        name: value for name, value in metrics.items() if 'ko' not in name
    }
    assert (world / 'out/first.json').read_bytes() == (
        world / 'out/second.json'
    ).read_bytes()

    run_tool(
        TEST,
        MINI,
        checkpoint,
        '--out',
        'out/third.npz',
        *options(*NO_WORKERS),
        cwd=world,
    ).check()
    third = run_tool(
        REPO / 'tools/analysis_tools/eval_predictions.py',
        '--ann',
        'data/mini/annotations/test.json',
        '--pred',
        'out/third.npz',
        '--metric',
        'hico_det',
        cwd=world,
    ).check()
    assert read_metrics(third.text.replace('hico_det/', '')) == metrics


def test_test_checks_its_inputs_before_it_starts(trained, world):
    checkpoint = trained / 'epoch_4.pth'
    done = run_tool(TEST, MINI, checkpoint, '--eval', 'mAP', 'mIoU', cwd=world)
    assert done.code != 0 and 'Traceback' not in done.text
    assert_in(done.text, '--eval mIoU', 'mAP, mAP_ko')
    assert 'mAP' not in read_metrics(done.text)
    done = run_tool(TEST, MINI, checkpoint, '--out', 'out.pkl', cwd=world)
    assert done.code != 0 and not (world / 'out.pkl').exists()
    assert_in(done.text, 'out.pkl', '.json')
    assert 'Traceback' not in done.text
    done = run_tool(TEST, MINI, 'nowhere/epoch_9.pth', cwd=world)
    assert done.code != 0
    assert_in(done.text, 'nowhere/epoch_9.pth')


def test_image_level_supervision_and_auto_scale_lr(trained, no_cache):
    run_tool(
        TRAIN,
        MINI,
        '--work-dir',
        'image',
        '--auto-scale-lr',
        *options(*ONCE, 'model.teacher_head.supervision=image'),
        cwd=no_cache,
    ).check()
    losses = read_losses(no_cache / 'image')
    assert list(losses) == [1]
    assert losses[1]['loss_mil'] > 0
    base = Config.fromfile(MINI).auto_scale_lr.base_batch_size
    assert losses[1]['lr'] == pytest.approx(
        read_losses(trained)[1]['lr'] * BATCH / base
    )


def test_instance_level_supervision_needs_no_teacher(no_cache):
    run_tool(
        TRAIN,
        MINI,
        '--work-dir',
        'instance',
        *options(*ONCE, 'model.teacher_head.supervision=instance'),
        cwd=no_cache,
    ).check()
    assert read_losses(no_cache / 'instance')[1]['loss_mil'] > 0


@pytest.mark.parametrize('runner', ['clhoi_mm.engine.HOIRunner', 'Runner'])
def test_mmdets_own_training_tool(world, runner):
    import mmdet

    tool = Path(mmdet.__file__).parent / '.mim' / 'tools' / 'train.py'
    cfg = Config.fromfile(MINI)
    # mmdet's tool addresses list members by index only. With the stock runner,
    # a schedule must be longer than its warm-up.
    epochs = 2 if runner == 'Runner' else 1
    by_index = [
        f'{resolve_key(cfg, key)}={value}'
        for key, _, value in (option.partition('=') for option in ONCE)
    ]
    run_tool(
        tool,
        MINI,
        '--work-dir',
        runner,
        *options(
            *by_index,
            f'runner_type={runner}',
            f'train_cfg.max_epochs={epochs}',
        ),
        cwd=world,
    ).check()
    assert (world / runner / f'epoch_{epochs}.pth').is_file()
    assert read_losses(world / runner)[1]['loss_mil'] > 0


def edit(world, split, name, change):
    """Write an edited copy of an annotation file."""
    path = world / 'data/mini/annotations' / f'{split}.json'
    content = json.loads(path.read_text())
    change(content)
    path.with_name(name).write_text(json.dumps(content))


def pack(world, name, vocabulary, dim):
    """Pack a cache with another vocabulary or embedding width."""
    words = [
        PseudoLabels(f'train/images/{i:06d}.png', 'A dog.', ['A dog.'], [])
        for i in range(1, 9)
    ]
    pack_cache(
        words,
        world / name,
        HOIVocabulary.load(vocabulary),
        HashedTextEncoder(dim),
    )


DATASET = 'train_dataloader.dataset'
WORDS = f'{DATASET}.pipeline.LoadTeacherKnowledge.cache'


@pytest.mark.parametrize('option, parts', [
    (f'{DATASET}.ann_file=annotations/no_images.json',
     ('no_images.json', 'images is empty')),
    (f'{DATASET}.ann_file=annotations/nowhere.json',
     ('annotations/nowhere.json', 'make_mini.py --out data/mini')),
    (f'{DATASET}.ann_file=annotations/truncated.json',
     ('train/images/truncated.png', 'truncated')),
    (f'{WORDS}=data/mini/teacher/nowhere',
     ('data/mini/teacher/nowhere', 'simulate.py')),
    (f'{WORDS}=hico_words', ('hico_words', 'vocabulary')),
    (f'{WORDS}=narrow_words',
     ('narrow_words', 'HashedTextEncoder', 'pack the cache again')),
    (f'{WORDS}=few_words', ('few_words', 'train/images/', 'mask')),
    ('model.detector.checkpoint=checkpoints/nowhere.pth',
     ('checkpoints/nowhere.pth', 'model.detector.checkpoint=')),
    ('model.teacher_head.supervision=labels', ('labels', 'image, instance')),
])  # fmt: skip
def test_bad_input_errors_name_the_remedy(world, option, parts):

    def truncate(content):
        content['images'] = content['images'][:8]
        content['images'][3]['file_name'] = 'train/images/truncated.png'
        ids = {image['id'] for image in content['images']}
        for name in ('annotations', 'hois'):
            content[name] = [x for x in content[name] if x['image_id'] in ids]

    if 'no_images' in option:
        edit(
            world,
            'train',
            'no_images.json',
            lambda content: content.update(images=[], annotations=[], hois=[]),
        )
    elif 'truncated' in option:
        edit(world, 'train', 'truncated.json', truncate)
        whole = (world / 'data/mini/train/images/000004.png').read_bytes()
        (world / 'data/mini/train/images/truncated.png').write_bytes(
            whole[:40]
        )
    elif option.endswith('_words'):
        kind = option.split('=')[1]
        if not (world / kind).exists():
            pack(
                world,
                kind,
                'hico_det' if 'hico' in kind else 'mini',
                64 if 'narrow' in kind else 256,
            )
    epochs = (
        ['train_dataloader.dataset.indices=32']
        if 'few_words' in option
        else []
    )
    done = run_tool(
        TRAIN,
        MINI,
        '--work-dir',
        'bad',
        *options(*ONCE, *epochs, option),
        cwd=world,
    )
    assert done.code not in (0, -9)
    assert_in(done.text, *parts)
    assert not list((world / 'bad').glob('*.pth'))


def test_images_with_missing_parts_are_trained_and_tested(world):
    """Images without persons, detections or labels cause no error."""
    blank = np.full((160, 224, 3), 90, np.uint8)
    for split in ('train', 'test'):
        cv2.imwrite(str(world / f'data/mini/{split}/images/blank.png'), blank)

        def poor(content, split=split):
            person = next(
                c['id'] for c in content['categories'] if c['name'] == 'person'
            )
            first, second, third = content['images'][:3]
            content['images'] = [first, second, third]
            second.update(
                file_name=f'{split}/images/blank.png',
                key=f'{split}/images/blank.png',
            )
            content['annotations'] = [
                a
                for a in content['annotations']
                if a['image_id'] == first['id']
                or (
                    a['image_id'] == third['id'] and a['category_id'] != person
                )
            ]
            content['hois'] = [
                hoi
                for hoi in content['hois']
                if hoi['image_id'] == first['id']
            ]
            for image in (second, third):
                image.pop('hoi_ids', None)

        edit(world, split, f'poor_{split}.json', poor)
    # All three, and each of them alone.
    for size in (3, 1):
        run_tool(
            TRAIN,
            MINI,
            '--work-dir',
            'poor',
            *options(
                *ONCE,
                f'{DATASET}.ann_file=annotations/poor_train.json',
                f'{DATASET}.indices=3',
                f'train_dataloader.batch_size={size}',
                f'{DATASET}.pipeline.LoadTeacherKnowledge.missing=mask',
            ),
            cwd=world,
        ).check()
        losses = read_losses(world / 'poor')
        assert list(losses) == list(range(1, 1 + 3 // size))
        assert all(
            np.isfinite(list(v.values())).all() for v in losses.values()
        )
    done = run_tool(
        TEST,
        MINI,
        'poor/epoch_1.pth',
        '--eval',
        'mAP',
        '--out',
        'poor.json',
        '--show-dir',
        'poor_pictures',
        '--show-interval',
        1,
        *options(
            *NO_WORKERS,
            'test_dataloader.dataset.ann_file=annotations/poor_test.json',
        ),
        cwd=world,
    ).check()
    assert 0 <= read_metrics(done.text)['mAP'] <= 100
    results = json.loads((world / 'poor.json').read_text())
    assert len(results) == 3
    assert len(list((world / 'poor_pictures').iterdir())) == 3
    shutil.rmtree(world / 'poor_pictures')
