"""Commands of docs/real_photos.md on drawn images, random weights."""

import json
import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from clhoi_mm.datasets import DetectionFile
from clhoi_mm.evaluation.core import Predictions
from clhoi_mm.registry import MODELS
from tests.data_utils import REPO
from tests.tool_utils import (
    TEST,
    TRAIN,
    assert_in,
    read_metrics,
    run_tool,
)

TOOLS = REPO / 'tools'
CACHE = TOOLS / 'analysis_tools/cache_detections.py'
LIVE = REPO / 'configs/clhoi_yolox-nano_coco-captions.py'
STUDY = REPO / 'configs/studies/coco_captions.py'
# Replacements for the weights and slow steps of the page's commands.
TINY = """
_base_ = {base!r}
model = dict(
    pairing=dict(max_humans=2, max_objects=3),
    teacher_head=dict(text_encoder='hashed:384'))
train_dataloader = dict(batch_size=2)
train_cfg = dict(max_epochs=2, val_interval=2, val_begin=2)
custom_hooks = [
    dict(type='DistillStageHook', context_epochs=1, vlt_lr_mult=0.1),
    dict(type='EpochSeedHook'), dict(type='JsonConfigHook')]
"""
TINY_STUDY = """
_base_ = {base!r}
config = 'tiny_features.py'
seeds = [0]
options = {{'test_evaluator.resamples': 20}}
rows = dict(instance=dict(folds=2, options={{'train_cfg.max_epochs': 1}}))
"""
VERBS = {'hold obj': 'holding', 'ride instr': 'riding'}


def write_nano(path):
    """Write random weights that detect persons and bicycles everywhere."""
    init_default_scope('mmdet')
    torch.manual_seed(0)
    detector = MODELS.build(Config.fromfile(LIVE).detector)
    for conv_cls, conv_obj in zip(
        detector.bbox_head.multi_level_conv_cls,
        detector.bbox_head.multi_level_conv_obj,
    ):
        conv_cls.bias.data[:] = -20.0
        # Only the last level, to keep suppression fast.
        conv_obj.bias.data[:] = -20.0
    conv_cls.bias.data[:2] = 0.0
    conv_obj.bias.data[:] = 0.0
    torch.save(dict(state_dict=detector.state_dict(), meta={}), path)


def write_photo(rng, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), rng.integers(0, 255, (48, 64, 3), np.uint8))


def write_captioned(folder, rng):
    """Write six COCO-like photos; one without persons, one of V-COCO."""
    images = [
        dict(id=i, file_name=f'{i:012d}.jpg') for i in (1, 2, 3, 4, 5, 11)
    ]
    for image in images:
        write_photo(rng, folder / 'val2017' / image['file_name'])
    texts = ['A man riding a bicycle.', 'person holding a bicycle']
    captions = [
        dict(id=i, image_id=image['id'], caption=text)
        for i, (image, text) in enumerate(
            (image, text if image['id'] < 5 else text.replace(*other))
            for image in images
            for text, other in zip(
                texts, (('man', 'dog'), ('person', 'monkey'))
            )
        )
    ]
    for row in captions[-2:]:
        row['caption'] = texts[0]
    (folder / 'annotations').mkdir(parents=True)
    (folder / 'annotations/captions_val2017.json').write_text(
        json.dumps(dict(images=images, annotations=captions))
    )


def write_v_coco(folder, rng):
    """Write six photos as in instances_vcoco_test.json, and two lists."""
    rows = []
    for i in range(11, 17):
        name = f'COCO_val2014_{i:012d}.jpg'
        write_photo(rng, folder / 'images/val2014' / name)
        rows.append(
            dict(
                file_name=name,
                boxes_h=[[1.0, 1.0, 40.0, 40.0]],
                boxes_o=[[10.0, 10.0, 60.0, 46.0]],
                actions=[i % 2],
                objects=[2],
            )
        )
    names = json.loads(
        (REPO / 'clhoi_mm/vocabulary/data/v_coco.json').read_text()
    )['objects']
    source = dict(
        annotations=rows,
        images=list(range(11, 17)),
        classes=[name.replace('_', ' ') for name in VERBS],
        objects=['background', *(n.replace('_', ' ') for n in names)],
        action_to_object=[[2], [2]],
    )
    (folder / 'instances_vcoco_test.json').write_text(json.dumps(source))
    (folder / 'val.ids').write_text('11\n12\n')
    (folder / 'test.ids').write_text('13\n14\n15\n16\n')


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp('photos')
    rng = np.random.default_rng(0)
    (folder / 'checkpoints').mkdir()
    write_nano(folder / 'checkpoints/yolox_nano_coco.pth')
    write_captioned(folder / 'data/coco', rng)
    write_v_coco(folder / 'data/v_coco', rng)
    for name, base in (
        ('tiny', LIVE),
        ('tiny_features', LIVE.with_name(f'{LIVE.stem}_features.py')),
    ):
        (folder / f'{name}.py').write_text(TINY.format(base=str(base)))
    (folder / 'study.py').write_text(TINY_STUDY.format(base=str(STUDY)))
    for split in ('val', 'test'):
        run_tool(
            TOOLS / 'dataset_converters/v_coco.py',
            'data/v_coco/instances_vcoco_test.json', '--images',
            'data/v_coco/images', '--ids', f'data/v_coco/{split}.ids',
            '--out', f'data/v_coco/annotations/{split}.json',
            cwd=folder).check()  # fmt: skip
    done = run_tool(
        TOOLS / 'dataset_converters/captioned.py',
        'data/coco/annotations/captions_val2017.json', '--without',
        'data/v_coco/annotations/val.json', '--out', 'data/coco/photos.txt',
        cwd=folder).check()  # fmt: skip
    assert_in(done.text, '4 of 6 photos show people')
    run_tool(
        TOOLS / 'teacher/annotate.py', 'run', '--vocab', 'v_coco',
        '--images', 'data/coco/photos.txt', '--image-root',
        'data/coco/val2017', '--backend', 'captions', '--captions',
        'data/coco/annotations/captions_val2017.json', '--text-encoder',
        'hashed:384', '--out', 'data/coco/teacher',
        cwd=folder).check()  # fmt: skip
    for splits, out, more in (
        (['train'], 'coco', []),
        (['val', 'test'], 'v_coco', ['--all-maps', '--mirrored']),
    ):
        run_tool(
            CACHE, 'tiny.py', '--features', *more, '--splits', *splits,
            '--out', f'data/{out}/features.safetensors',
            cwd=folder).check()  # fmt: skip
    return folder


def test_selected_photos_show_people_outside_the_test_set(world):
    names = (world / 'data/coco/photos.txt').read_text().split()
    assert names == [f'{i:012d}.jpg' for i in (1, 2, 3, 4)]
    # Originals and flipped copies, also of the labels.
    for data, count in (('coco', 4), ('v_coco', 6)):
        file = DetectionFile.open(world / f'data/{data}/features.safetensors')
        assert sorted(file.flipped) == [False] * count + [True] * count


def test_training_testing_and_inference(world):
    """Train from features; inference needs the config with photos."""
    done = run_tool(TRAIN, 'tiny_features.py', cwd=world).check()
    loss = [
        float(value) for value in re.findall(r'loss_mil: ([\d.]+)', done.text)
    ]
    assert loss and all(np.isfinite(loss))
    assert 'v_coco/AP_role_s1' in done.text
    weights = 'work_dirs/tiny_features/epoch_2.pth'
    done = run_tool(
        TEST, 'tiny_features.py', weights, '--eval', 'AP_role', '--out',
        'preds.npz', cwd=world).check()  # fmt: skip
    metric = read_metrics(done.text)['AP_role_s1']
    done = run_tool(
        TOOLS / 'analysis_tools/hoi_errors.py', '--metric', 'v_coco',
        '--ann', 'data/v_coco/annotations/test.json', '--pred', 'preds.npz',
        '--out', 'errors', cwd=world).check()  # fmt: skip
    assert f'AP_role_s1 {metric:.2f}' in done.text
    assert (world / 'errors/errors.png').is_file()
    photo = 'data/v_coco/images/val2014/COCO_val2014_000000000013.jpg'
    run_tool(
        TOOLS / 'infer.py', photo, '--model', 'tiny.py', '--weights',
        weights, '--out-dir', 'found', cwd=world).check()  # fmt: skip
    (found,) = (world / 'found/preds').glob('*.json')
    assert json.loads(found.read_text())
    assert list((world / 'found/vis').iterdir())


@pytest.mark.slow
def test_study_prints_all_rows(world):
    done = run_tool(
        REPO / 'projects/studies/study.py', 'study.py', '--rows', 'random',
        'pseudo-labels', 'no-noise', 'instance',
        cwd=world).check()  # fmt: skip
    assert_in(
        done.text,
        'Boxes detected',
        'Boxes given',
        '| prior from the pseudo-labels |',
        '| instance-level labels, four-fold |',
    )
    assert '–' not in done.text and 'nan' not in done.text
    for path in (world / 'work_dirs/study_study/results').glob('*.json'):
        metrics = json.loads(path.read_text())
        for test in ('', 'given.'):
            low, high = (
                metrics[f'{test}AP_role_s1_{end}'] for end in ('low', 'high')
            )
            assert 0 <= low <= high <= 100
    # All photos are scored by the fold's model that did not see them.
    (kept,) = world.glob('work_dirs/study_study/instance-0-*/predictions.npz')
    assert sorted(Predictions.read(kept).img_id.tolist()) == [13, 14, 15, 16]
