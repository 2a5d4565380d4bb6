"""V-COCO's config on real photos, where available."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from clhoi_mm.registry import MODELS
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import (
    REPO,
    find_shared,
    make_annotations,
    make_scene,
    write_vcoco_photo,
)
from tests.tool_utils import (
    TEST,
    TRAIN,
    read_losses,
    read_metrics,
    run_tool,
    write_detr,
)

SHARED = find_shared()
PHOTOS = sorted((SHARED / 'data/photos').glob('*.jpg')) if SHARED else []
pytestmark = pytest.mark.skipif(
    not PHOTOS, reason='no photos: set CLHOI_SHARED to a folder with data/'
)
VOCABULARY = HOIVocabulary.load('v_coco')
# The real pipeline with small images and random weights.
CONFIG = """
_base_ = [{base!r}]
model = dict(
    detector=dict(allow_random=True),
    teacher_head=dict(
        supervision='instance',
        text_encoder='hashed:512'))
load = [
    dict(type='LoadImage', orientation='stored'),
    dict(type='Resize', scale=(667, {height}), keep_ratio=True),
    dict(type='LoadHOIAnnotations')
]
given = [] if {live} else [dict(type='LoadDetections', source='ground_truth')]
train_dataloader = dict(
    batch_size=1, num_workers=0, persistent_workers=False,
    dataset=dict(pipeline=[
        *load, *given, dict(type='RandomFlip', prob=0.5),
        dict(type='PackHOIInputs')]))
test_dataloader = dict(
    num_workers=0, persistent_workers=False,
    dataset=dict(pipeline=[*load, *given, dict(type='PackHOIInputs')]))
val_dataloader = test_dataloader
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs={epochs}, val_interval=1000)
custom_hooks = [
    dict(type='DistillStageHook', context_epochs=0),
    dict(type='EpochSeedHook'),
    dict(type='JsonConfigHook')
]
default_hooks = dict(
    checkpoint=dict(interval={epochs}), logger=dict(interval=1))
log_processor = dict(window_size=1)
param_scheduler = [
    dict(type='LinearLR', start_factor=.01, by_epoch=False, begin=0, end=10)
]
"""


def write_config(folder, height, epochs=1, live=False):
    path = folder / 'photos.py'
    path.write_text(
        CONFIG.format(
            base=str(REPO / 'configs/clhoi_r50_vcoco.py'),
            height=height,
            epochs=epochs,
            live=live,
        )
    )
    return path


def write_untrained(config, detector, path):
    """Write an untrained student's checkpoint."""
    cfg = Config.fromfile(config)
    init_default_scope('clhoi_mm')
    torch.manual_seed(0)
    cfg.model.detector.checkpoint = str(detector)
    model = MODELS.build(cfg.model)
    model.init_weights()
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)


@pytest.mark.slow
def test_overfits_three_pairs_of_the_annotated_photo(tmp_path):
    """Overfit with ground-truth detections."""
    write_vcoco_photo(tmp_path / 'data/v_coco', SHARED)
    config = write_config(tmp_path, 200, 150)
    run_tool(TRAIN, config, cwd=tmp_path).check()
    losses = list(read_losses(tmp_path / 'work_dirs/photos').values())
    assert len(losses) == 150
    assert losses[-1]['loss_mil'] < 0.1 * losses[0]['loss_mil']
    done = run_tool(
        TEST,
        config,
        'work_dirs/photos/epoch_150.pth',
        '--eval',
        'AP_role',
        '--out',
        'out.json',
        '--show-dir',
        'pictures',
        '--show-interval',
        1,
        cwd=tmp_path,
    ).check()
    assert read_metrics(done.text)['AP_role_s1'] > 0
    hois = json.loads((tmp_path / 'out.json').read_text())[0]['hois']
    content = json.loads(
        (tmp_path / 'data/v_coco/annotations/test.json').read_text()
    )
    boxes = {ann['id']: ann['bbox'] for ann in content['annotations']}
    verbs = content['verbs']

    def pair(verb, human, thing):
        return verb, *np.round([*human, *thing]).astype(int)

    expected = set()
    for hoi in content['hois']:
        corners = [
            [x, y, x + w, y + h]
            for x, y, w, h in (
                boxes[hoi['human_ann_id']],
                boxes[hoi['object_ann_id']],
            )
        ]
        expected.add(pair(verbs[hoi['verb_id']], *corners))
    assert len(expected) == 3
    found = [
        pair(VOCABULARY.verbs[verb], human, thing)
        for verb, human, thing in zip(
            hois['verb_labels'][:3],
            hois['human_bboxes'],
            hois['object_bboxes'],
        )
    ]
    assert {item[0] for item in found} == {item[0] for item in expected}
    for item in found:
        # Boxes are rounded when scaled back from the smaller image.
        assert any(
            item[0] == other[0] and np.allclose(item[1:], other[1:], atol=1.5)
            for other in expected
        ), item
    assert hois['scores'][2] > 3 * hois['scores'][3]
    assert len(list((tmp_path / 'pictures').iterdir())) == 1


def test_photos_through_an_untrained_detector(tmp_path):
    """Detections are random, but boxes, scores and pictures are valid."""
    root = tmp_path / 'data/v_coco'
    (root / 'images').mkdir(parents=True)
    (root / 'annotations').mkdir()
    photos = [path for path in PHOTOS if '197388' not in path.name]
    assert len(photos) == 3
    scenes, sizes = [], []
    for path in photos:
        (root / 'images' / path.name).symlink_to(path.resolve())
        height, width = cv2.imread(str(path)).shape[:2]
        sizes.append((width, height))
        scenes.append(make_scene(path.name, (width, height), []))
    (root / 'annotations/test.json').write_text(
        json.dumps(make_annotations(VOCABULARY, scenes, False))
    )
    detector = write_detr(
        REPO / 'configs/clhoi_r50_vcoco.py', tmp_path / 'detr.pth'
    )
    config = write_config(tmp_path, 200, live=True)
    write_untrained(config, detector, tmp_path / 'untrained.pth')
    done = run_tool(
        TEST,
        config,
        'untrained.pth',
        '--eval',
        'AP_role',
        '--out',
        'out.json',
        '--show-dir',
        'pictures',
        '--show-interval',
        1,
        '--show-score-thr',
        0,
        cwd=tmp_path,
    ).check()
    assert read_metrics(done.text) == {}  # No person is annotated.
    results = json.loads((tmp_path / 'out.json').read_text())
    assert len(results) == 3
    for result, (width, height) in zip(results, sizes):
        hois = result['hois']
        assert len(hois['scores']) > 0
        assert (np.diff(hois['scores']) <= 0).all()
        assert 0 <= min(hois['scores']) and max(hois['scores']) <= 1
        paired = np.array(hois['object_labels']) >= 0
        boxes = np.concatenate(
            [
                np.array(hois[name], dtype=float)[paired]
                for name in ('human_bboxes', 'object_bboxes')
            ]
        )
        assert (boxes >= -1).all()
        assert (boxes[:, 2:] <= [width + 1, height + 1]).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()
    for path, (width, height) in zip(photos, sizes):
        picture = cv2.imread(str(tmp_path / 'pictures' / path.name))
        assert picture.shape[0] >= height and picture.shape[1] >= width
