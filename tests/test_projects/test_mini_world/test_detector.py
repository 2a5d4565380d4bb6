from pathlib import Path

import numpy as np
import pytest
import torch
from mini_world import MiniWorld
from mmengine.config import Config

from clhoi_mm.vocabulary import HOIVocabulary

ROOT = Path(__file__).resolve().parents[3]
CHECKPOINT = ROOT / 'checkpoints' / 'mini_detector.pth'


@pytest.fixture(scope='module')
def checkpoint():
    return torch.load(CHECKPOINT, weights_only=True)


def test_checkpoint_is_small_and_has_meta(checkpoint):
    assert CHECKPOINT.stat().st_size < 5e6
    meta = checkpoint['meta']
    assert tuple(meta['classes']) == HOIVocabulary.load('mini').objects
    assert (ROOT / meta['config']).is_file()
    assert len(meta['dataset_hash']) == 64
    assert all(
        v.dtype == torch.float16
        for v in checkpoint['state_dict'].values()
        if v.is_floating_point()
    )


def test_detects_objects_of_unseen_scenes(checkpoint):
    from mmdet.registry import MODELS
    from mmdet.structures import DetDataSample
    from mmengine.registry import DefaultScope

    cfg = Config.fromfile(ROOT / 'configs/mini/detector_r18_mini.py')
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model).eval()
    model.load_state_dict(checkpoint['state_dict'])
    pictures = [MiniWorld(seed=11).draw('test', i) for i in range(12)]
    samples = [
        DetDataSample(
            metainfo=dict(
                img_shape=(160, 224),
                ori_shape=(160, 224),
                scale_factor=(1.0, 1.0),
            )
        )
        for _ in pictures
    ]
    images = [
        torch.from_numpy(p.pixels[..., ::-1].transpose(2, 0, 1).copy())
        for p in pictures
    ]
    names = checkpoint['meta']['classes']
    with torch.no_grad():
        found = model.test_step(dict(inputs=images, data_samples=samples))
    hits = total = 0
    for picture, sample in zip(pictures, found):
        pred = sample.pred_instances
        pred = pred[pred.scores > 0.3].numpy()
        total += len(picture.kinds)
        for kind, box in zip(picture.kinds, picture.boxes):
            same = pred.bboxes[pred.labels == names.index(kind)]
            low = np.maximum(same[:, :2], box[:2])
            high = np.minimum(same[:, 2:], box[2:])
            inner = (high - low).clip(0).prod(axis=1)
            outer = (
                (same[:, 2:] - same[:, :2]).prod(axis=1)
                + (box[2] - box[0]) * (box[3] - box[1])
                - inner
            )
            hits += bool((inner > 0.5 * outer).any())
    assert hits / total > 0.75
