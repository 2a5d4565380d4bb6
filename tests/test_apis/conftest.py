"""Mini world, and checkpoints with the shipped detector."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from clhoi_mm.registry import MODELS
from tests.data_utils import REPO
from tests.tool_utils import MINI, make_world


@pytest.fixture(scope='session')
def world(tmp_path_factory):
    """Make the mini world's test images and a checkpoint."""
    folder = make_world(tmp_path_factory.mktemp('world'), 1, 1, 6)
    save_model(Config.fromfile(MINI), folder / 'model.pth')
    return folder


@pytest.fixture(scope='session')
def images(world):
    return sorted((world / 'data/mini/test/images').iterdir())


def save_model(cfg, path):
    """Save weights like tools/train.py, with raised ICN scores."""
    init_default_scope('clhoi_mm')
    torch.manual_seed(0)
    cfg.model.detector.checkpoint = str(REPO / 'checkpoints/mini_detector.pth')
    model = MODELS.build(cfg.model)
    model.teacher_head.classifier.ensure_encoded()
    model.icn.bias.data += 4
    # Relative, as it is resolved in another folder.
    cfg.model.detector.checkpoint = 'checkpoints/mini_detector.pth'
    torch.save(
        dict(
            state_dict=model.state_dict(),
            meta=dict(cfg=json.dumps(cfg.to_dict())),
        ),
        path,
    )
    return path


@pytest.fixture
def video(tmp_path, images):
    """Write a video of five frames in half a second."""
    path = tmp_path / 'clip.avi'
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (224, 160)
    )
    for image in images[:5]:
        writer.write(np.ascontiguousarray(cv2.imread(str(image))))
    writer.release()
    return path
