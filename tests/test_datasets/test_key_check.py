"""Key mismatches between a data set and its lookup files."""

import logging

import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from clhoi_mm.datasets import HICODetDataset, UnlabeledHOIDataset
from clhoi_mm.datasets.detection_file_writer import DetectionFileWriter
from clhoi_mm.teacher import HashedTextEncoder, PseudoLabels, pack_cache
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import write_tiny

HICO = HOIVocabulary.load('hico_det')
NAMES = ('busy', 'no_people', 'empty', 'invisible', 'odd_boxes')


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    init_default_scope('clhoi_mm')
    return write_tiny(tmp_path_factory.mktemp('tiny')).parents[1]


def write_cache(folder, keys):
    pack_cache(
        (PseudoLabels(key, 'A dog.') for key in keys),
        folder,
        HICO,
        HashedTextEncoder(8),
    )
    return dict(type='LoadTeacherKnowledge', cache=str(folder), missing='mask')


def write_detections(folder, keys):
    path = str(folder / 'detections.safetensors')
    with DetectionFileWriter(path, dict(type='x'), HICO.objects) as writer:
        for key in keys:
            writer.add(
                key,
                False,
                ((64, 96),) * 3,
                (1.0, 1.0),
                dict(
                    bboxes=np.zeros((0, 4), np.float32),
                    labels=np.zeros(0, np.int64),
                    scores=np.zeros(0, np.float32),
                ),
            )
    return dict(type='LoadDetections', source=path, vocabulary='hico_det')


def build(root, step, kind):
    load = dict(type='LoadImage', orientation='stored')
    boxes = dict(type='LoadHOIAnnotations')
    pack = dict(type='PackHOIInputs')
    if kind == 'annotated':
        return HICODetDataset(
            'annotations/train.json',
            data_root=str(root),
            data_prefix=dict(img=''),
            pipeline=[load, boxes, step, pack],
        )
    return UnlabeledHOIDataset(
        str(root / 'train'),
        HICO,
        data_prefix=dict(img=str(root)),
        pipeline=[load, step, pack],
    )


@pytest.mark.parametrize('kind', ['annotated', 'unlabeled'])
@pytest.mark.parametrize('write', [write_cache, write_detections])
def test_no_key_in_common_is_an_error(root, tmp_path, write, kind):
    step = write(tmp_path, [f'{name}.png' for name in NAMES])
    with pytest.raises(ValueError, match="'train/[a-z_]*.png'.*'[a-z_]*.png'"):
        build(root, step, kind)


@pytest.mark.parametrize('kind', ['annotated', 'unlabeled'])
@pytest.mark.parametrize('write', [write_cache, write_detections])
def test_unmatched_keys_are_counted(root, tmp_path, write, kind, caplog):
    step = write(tmp_path, [f'train/{name}.png' for name in NAMES[:3]])
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.WARNING):
        build(root, step, kind)
    logger.removeHandler(caplog.handler)
    assert '2 of 5 keys of the images of' in caplog.text


def test_matching_keys_give_no_message(root, tmp_path, caplog):
    step = write_cache(tmp_path, [f'train/{name}.png' for name in NAMES])
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.WARNING):
        assert len(build(root, step, 'annotated')) == 5
    logger.removeHandler(caplog.handler)
    assert not [x for x in caplog.records if x.levelno >= logging.WARNING]


def test_empty_cache_is_an_error(root, tmp_path):
    with pytest.raises(ValueError, match='teacher cache .* holds no image'):
        build(root, write_cache(tmp_path, []), 'annotated')
