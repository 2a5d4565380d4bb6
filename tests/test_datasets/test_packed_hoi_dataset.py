"""Samples of precomputed boxes, packed in a file."""

import json

import pytest

pytest.importorskip('torch')
pytest.importorskip('mmdet')

import torch

from clhoi_mm.datasets import PackedHOIDataset
from clhoi_mm.datasets.packed_hoi_dataset import TRAINING_FIELDS
from clhoi_mm.datasets.packed_samples import PackedSamples
from clhoi_mm.registry import DATASETS
from clhoi_mm.teacher.simulation.noisy_labels import write_noisy_labels
from clhoi_mm.teacher.simulation.random_label_noise import RandomLabelNoise
from clhoi_mm.teacher.simulation.simulated_pointing import SimulatedPointing
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import make_annotations, make_scene

PIPELINE = [
    dict(type='LoadImageSize'),
    dict(type='LoadHOIAnnotations'),
    dict(type='LoadDetections', source='ground_truth'),
    dict(type='PackHOIInputs'),
]


def write(path, count):
    scenes = [
        make_scene(
            f'{i}.jpg',
            (100 + i, 60),
            [
                ('person', (5 + i, 5, 25, 55)),
                ('bicycle', (20, 30, 60 + i, 58)),
                ('person', (70, 5, 95, 55)),
            ],
            [(0, 1, 'ride'), (2, 1, 'hold')],
        )
        for i in range(count - 1)
    ]
    scenes.append(make_scene('empty.jpg', (40, 30), []))
    content = make_annotations(HOIVocabulary.load('hico_det'), scenes)
    path.write_text(json.dumps(content))


@pytest.fixture
def root(tmp_path):
    write(tmp_path / 'train.json', 4)
    return tmp_path


def config(root, test_mode=False):
    return dict(
        type='HICODetDataset',
        data_root=str(root),
        ann_file='train.json',
        test_mode=test_mode,
        pipeline=PIPELINE,
    )


def packed(root, test_mode=False, **options):
    return PackedHOIDataset(
        config(root, test_mode), str(root / 'packed.safetensors'), **options
    )


@pytest.mark.parametrize('test_mode', [False, True])
def test_packed_samples_equal_the_pipelines(root, test_mode):
    source = DATASETS.build(config(root, test_mode))
    for _ in range(2):  # Written in the first call, read in the second.
        dataset = packed(root, test_mode)
        assert len(dataset) == len(source) == 4
        assert dataset.metainfo == source.metainfo
        for i in range(4):
            ours = dataset[i]['data_samples']
            theirs = source[i]['data_samples']
            fields = theirs.keys() if test_mode else TRAINING_FIELDS
            assert set(ours.keys()) == set(fields)
            for name in ('img_id', 'key', 'img_shape', 'ori_shape'):
                assert tuple([ours.get(name)]) == tuple([theirs.get(name)])
            for name in fields:
                value = theirs.get(name)
                if isinstance(value, torch.Tensor):
                    assert torch.equal(ours.get(name), value)
                    continue
                for part, tensor in value.items():
                    assert torch.equal(ours.get(name).get(part), tensor)


def test_flips_differ_by_epoch(root):
    plain, mirrored = packed(root), packed(root, flip_prob=1.0)
    for i in range(3):
        one = plain[i]['data_samples'].detections.bboxes
        other = mirrored[i]['data_samples'].detections.bboxes
        width = 100 + i
        x1, y1, x2, y2 = one.unbind(1)
        expected = torch.stack([width - x2, y1, width - x1, y2], 1)
        assert torch.equal(other, expected)
        # The stored sample is unchanged.
        again = mirrored[i]['data_samples'].detections.bboxes
        assert torch.equal(again, other)
    half = packed(root, flip_prob=0.5)
    draws = []
    for epoch in (0, 1, 2, 3, 0):
        half.set_epoch(epoch)
        draws.append(half._is_mirrored.tolist())
    assert draws[0] == draws[4] and len(set(map(tuple, draws))) > 1


def test_pseudo_labels_and_subset_of_images(root):
    write_noisy_labels(
        root / 'train.json',
        'hico_det',
        root / 'teacher',
        [RandomLabelNoise(0.9, 0.9)],
    )
    teacher = dict(cache=str(root / 'teacher'), vocabulary='hico_det')
    dataset = packed(root, teacher=teacher, indices=2)
    assert len(dataset) == 2
    found = dataset[0]['data_samples'].teacher
    assert found.valid and found.scores.dtype == torch.float32
    assert len(found.hoi_labels) == len(found.phrase_embeds)


def test_pointed_pairs_are_flipped_with_their_image(root):
    vocabulary = HOIVocabulary.load('hico_det')
    write_noisy_labels(
        root / 'train.json',
        vocabulary,
        root / 'teacher',
        [RandomLabelNoise(1.0, 1.0)],
        pointing=SimulatedPointing(root / 'train.json', vocabulary, 1.0, 0, 0),
    )
    teacher = dict(cache=str(root / 'teacher'), vocabulary='hico_det')
    samples = [
        packed(root, teacher=teacher, flip_prob=prob)[0]['data_samples']
        for prob in (0.0, 1.0)
    ]
    for sample in samples:
        found = sample.teacher.pointed_human_bboxes
        assert len(found) == 2
        for box in found:
            assert (sample.gt_instances.bboxes == box).all(1).any()
    one, other = (x.teacher.pointed_human_bboxes for x in samples)
    assert not torch.equal(one, other)


def test_changed_annotations_and_damaged_files_are_repacked(root):
    assert len(packed(root)) == 4
    before = (root / 'packed.safetensors').stat().st_mtime_ns
    assert len(packed(root)) == 4
    assert (root / 'packed.safetensors').stat().st_mtime_ns == before
    write(root / 'train.json', 6)
    assert len(packed(root)) == 6
    (root / 'packed.safetensors').write_bytes(b'no tensors')
    assert PackedSamples.read(root / 'packed.safetensors', '') is None
    assert len(packed(root)) == 6


def test_missing_annotation_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match='No annotation file'):
        packed(tmp_path)
