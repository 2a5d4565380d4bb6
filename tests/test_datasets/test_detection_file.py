"""File of detections and features, and the transforms reading it."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.registry import init_default_scope
from safetensors.numpy import load_file, save_file

from clhoi_mm.datasets import DetectionFile, DetectionFileWriter
from clhoi_mm.datasets.transforms import (
    LoadDetections,
    LoadDetectorFeatures,
    PackHOIInputs,
)
from clhoi_mm.registry import TRANSFORMS
from clhoi_mm.vocabulary import HOIVocabulary

DETECTOR = dict(type='FCOS', config='c' * 64, weights='w' * 64)
VOCABULARY = HOIVocabulary.load('mini')
# Other spellings and another order than the vocabulary's.
CLASSES = [
    name.replace(' ', '_').upper() for name in reversed(VOCABULARY.objects)
] + ['kite']


def detections(*rows):
    """Build detections from (label, score, box) rows."""
    return dict(
        bboxes=np.array([r[2] for r in rows], np.float32).reshape(-1, 4),
        labels=np.array([r[0] for r in rows], np.int64),
        scores=np.array([r[1] for r in rows], np.float32),
    )


FOUND = detections(
    (0, 0.9, (10, 20, 30, 40)),
    (10, 0.5, (0, 0, 8, 60)),
    (11, 0.4, (1, 1, 9, 9)),
)


def view(rng, flipped=False, size=(60, 80)):
    """Build the arguments of add with made-up feature shapes."""
    return dict(
        key='a.png',
        flipped=flipped,
        shapes=((30, 40), size, (64, 96)),
        scale_factor=(2.0, 2.0),
        detections=FOUND,
        maps=[rng.normal(size=(2, 8, 12)), rng.normal(size=(2, 4, 6))],
        rois=rng.uniform(size=(3, 4)),
        roi_feats=rng.normal(size=(3, 2, 7, 7)),
    )


@pytest.fixture
def plain(tmp_path):
    """Build one image's detections, one of them outside the vocabulary."""
    path = tmp_path / 'plain.safetensors'
    with DetectionFileWriter(path, DETECTOR, CLASSES) as writer:
        writer.add(
            'a.png', False, ((30, 40), (60, 80), (64, 96)), (2.0, 2.0), FOUND
        )
    return path


@pytest.fixture
def featured(tmp_path):
    path = tmp_path / 'featured.safetensors'
    with DetectionFileWriter(
        path, DETECTOR, CLASSES, dict(roi_extractor='r')
    ) as writer:
        for flipped in (False, True):
            writer.add(**view(np.random.default_rng(flipped), flipped))
    return path


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(min_size=1, max_size=6).filter(lambda s: s.isprintable()),
            st.booleans(),
            st.integers(0, 3),
            st.integers(0, 2),
            st.integers(1, 4),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda row: row[:2],
    )
)
def test_write_and_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp('file') / 'f.safetensors'
    rng = np.random.default_rng(0)
    written = []
    with DetectionFileWriter(
        path, DETECTOR, CLASSES, dict(roi_extractor=None)
    ) as writer:
        for key, flipped, count, rois, size in rows:
            written.append(
                dict(
                    key=key,
                    flipped=flipped,
                    shapes=((5, 6), (size, 9), (32, 32)),
                    scale_factor=(0.5, size),
                    detections=dict(
                        bboxes=rng.random((count, 4), np.float32),
                        labels=rng.integers(0, 9, count),
                        scores=rng.random(count, np.float32),
                    ),
                    maps=[
                        rng.normal(size=(2, size, size + 1)),
                        rng.normal(size=(3, 1, size)),
                    ],
                    rois=rng.random((rois, 4), np.float32),
                    roi_feats=rng.normal(size=(rois, 2, 3, 3)),
                )
            )
            writer.add(**written[-1])
    file = DetectionFile(path)
    assert len(file) == len(rows)
    for expected in written:
        row = file.find(expected['key'], expected['flipped'])
        assert file.shapes[row].tolist() == [*map(list, expected['shapes'])]
        assert tuple(file.scale_factors[row]) == expected['scale_factor']
        for name, values in file.detections(row).items():
            np.testing.assert_array_equal(values, expected['detections'][name])
        got = [*file.maps(row), *file.rois(row)]
        want = [*expected['maps'], expected['rois'], expected['roi_feats']]
        assert len(got) == len(want) == 4
        for a, b in zip(got, want):
            assert a.shape == b.shape
            np.testing.assert_array_equal(a, b.astype(a.dtype))


def test_file_is_deterministic_and_leaves_no_temporaries(featured, tmp_path):
    content = featured.read_bytes()
    with DetectionFileWriter(
        featured, DETECTOR, CLASSES, dict(roi_extractor='r')
    ) as writer:
        for flipped in (False, True):
            writer.add(**view(np.random.default_rng(flipped), flipped))
        # The file appears only when it is complete.
        assert featured.read_bytes() == content
    assert featured.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == [featured.name]


def test_an_interrupted_writer_leaves_no_file(tmp_path):
    path = tmp_path / 'f.safetensors'
    with pytest.raises(KeyboardInterrupt):
        with DetectionFileWriter(path, DETECTOR, CLASSES) as writer:
            writer.add('a', False, ((1, 1),) * 3, (1, 1), FOUND)
            raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_writer_errors(tmp_path):
    path = tmp_path / 'f.safetensors'
    row = ('a', False, ((1, 1),) * 3, (1, 1), FOUND)
    with pytest.raises(ValueError, match='"a" occurs twice'):
        with DetectionFileWriter(path, DETECTOR, CLASSES) as writer:
            writer.add(*row)
            writer.add(*row)
    with pytest.raises(ValueError, match='no view'):
        with DetectionFileWriter(path, DETECTOR, CLASSES):
            pass
    large = dict(
        view(np.random.default_rng(0)), maps=[np.full((1, 2, 2), 1e5)]
    )
    with pytest.raises(ValueError, match='"a.png".*half precision'):
        with DetectionFileWriter(
            path, DETECTOR, CLASSES, dict(roi_extractor='r')
        ) as writer:
            writer.add(**large)
    assert not list(tmp_path.iterdir())


def test_damaged_and_foreign_files_are_refused(featured, tmp_path):
    with pytest.raises(FileNotFoundError, match='cache_detections'):
        DetectionFile(tmp_path / 'none')
    content = featured.read_bytes()
    featured.write_bytes(content[:-10])
    with pytest.raises(ValueError, match=f'{featured}.*cache_detections'):
        DetectionFile(featured)
    save_file(dict(x=np.zeros(3)), featured)
    with pytest.raises(ValueError, match='format is None'):
        DetectionFile(featured)


def test_tables_that_contradict_each_other_are_refused(plain):
    from safetensors import safe_open

    metadata = safe_open(plain, 'numpy').metadata()
    tensors = load_file(plain)
    save_file(dict(tensors, bboxes=tensors['bboxes'][:2]), plain, metadata)
    with pytest.raises(ValueError, match='"offsets" implies 3 rows'):
        DetectionFile(plain)


def test_file_is_opened_once_per_process(featured):
    file = DetectionFile.open(featured)
    assert pickle.loads(pickle.dumps(file)) is file
    assert copy.deepcopy(file) is file
    assert len(pickle.dumps(file)) < 500


def record(**entries):
    return dict(
        key='a.png',
        img_id=1,
        ori_shape=(30, 40),
        img_shape=(30, 40),
        img=np.zeros((30, 40, 3), np.uint8),
        **entries,
    )


def test_detections_of_a_file_are_resized_and_flipped(plain):
    init_default_scope('clhoi_mm')
    load = LoadDetections(str(plain), vocabulary='mini')
    results = load(record())
    for step in (
        dict(type='Resize', scale=(120, 90)),
        dict(type='RandomFlip', prob=1.0),
    ):
        results = TRANSFORMS.build(step)(results)
    sample = PackHOIInputs()(results)['data_samples']
    # Input 80 x 60 for an image of 40 x 30, now 120 x 90: scale 1.5; flipped.
    assert sample.detections.bboxes.tolist() == [
        [75, 30, 105, 60],
        [108, 0, 120, 90],
    ]
    # The file's first class is the vocabulary's last; "kite" is dropped.
    assert sample.detections.labels.tolist() == [10, 0]
    assert sample.detections.scores.tolist() == pytest.approx([0.9, 0.5])
    assert sample.detections_from.detector == DETECTOR
    free = LoadDetections(str(plain), vocabulary='mini', any_detector=True)
    sample = PackHOIInputs()(free(record()))['data_samples']
    assert 'detections_from' not in sample


def test_load_detections_errors(plain, tmp_path):
    with pytest.raises(ValueError, match="source='none'; there are"):
        LoadDetections('none', vocabulary='mini')
    with pytest.raises(FileNotFoundError, match='cache_detections'):
        LoadDetections(str(tmp_path / 'none.npz'), vocabulary='mini')
    with pytest.raises(ValueError, match='give LoadDetections the vocab'):
        LoadDetections(str(plain))
    with pytest.raises(ValueError, match='classes lack airplane, .*hico_det'):
        LoadDetections(str(plain), vocabulary='hico_det')
    with pytest.raises(KeyError, match='"b.png" is not among the 1 views'):
        LoadDetections(str(plain), vocabulary='mini')(
            dict(record(), key='b.png')
        )


@pytest.mark.parametrize('flip', [0.0, 1.0])
def test_cached_features_replace_the_image(featured, flip):
    init_default_scope('clhoi_mm')
    results = LoadDetectorFeatures(str(featured))(dict(key='a.png', img_id=1))
    assert results['img_shape'] == (60, 80)
    assert results['ori_shape'] == (30, 40)
    assert results['scale_factor'] == (2.0, 2.0)
    results = TRANSFORMS.build(dict(type='RandomFlip', prob=flip))(results)
    packed = PackHOIInputs()(results)
    got = packed['data_samples'].detector_view
    expected = view(np.random.default_rng(bool(flip)))['maps']
    for a, b in zip(got.file.maps(got.row), expected):
        np.testing.assert_array_equal(a, b.astype(np.float16))
    assert got.input_shape == (64, 96)
    assert packed['data_samples'].img_shape == (60, 80)
    assert packed['inputs'].numel() == 3


def test_features_of_other_views_are_refused(featured, plain):
    init_default_scope('clhoi_mm')
    with pytest.raises(ValueError, match='detections only.*--features'):
        LoadDetectorFeatures(str(plain))
    load = LoadDetectorFeatures(str(featured))
    with pytest.raises(KeyError, match='"b.png" is not among the 2 views'):
        load(dict(key='b.png'))
    for step in (
        dict(type='Resize', scale=(20, 20)),
        dict(type='RandomFlip', prob=1.0, direction='vertical'),
    ):
        results = TRANSFORMS.build(step)(load(dict(key='a.png', img_id=1)))
        with pytest.raises(RuntimeError, match='leave all other augment'):
            PackHOIInputs()(results)


def test_missing_flipped_view_is_an_error(tmp_path):
    init_default_scope('clhoi_mm')
    path = tmp_path / 'f.safetensors'
    with DetectionFileWriter(
        path, DETECTOR, CLASSES, dict(roi_extractor='r')
    ) as writer:
        writer.add(**view(np.random.default_rng(0)))
    results = LoadDetectorFeatures(str(path))(dict(key='a.png', img_id=1))
    results = TRANSFORMS.build(dict(type='RandomFlip', prob=1.0))(results)
    with pytest.raises(KeyError, match='mirrored image "a.png" is not'):
        PackHOIInputs()(results)
