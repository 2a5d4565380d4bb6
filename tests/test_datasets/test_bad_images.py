"""Unreadable images: errors, or skipped with a warning."""

import cv2
import numpy as np
import pytest
from PIL import Image

from clhoi_mm.datasets import HICODetDataset
from clhoi_mm.utils.image_reader import UnreadableImage
from tests.data_utils import write_tiny

STEPS = (
    dict(type='LoadHOIAnnotations'),
    dict(type='PackHOIInputs'),
)
LOAD = dict(type='LoadImage', orientation='stored')
TINY = dict(type='Resize', scale=(9, 9), keep_ratio=True)


@pytest.fixture
def root(tmp_path):
    """Write the tiny data set with a truncated first image."""
    root = write_tiny(tmp_path).parents[1]
    path = root / build(root).get_data_info(0)['img_path']
    path.write_bytes(path.read_bytes()[:200])
    return root


def build(root, *steps, **options):
    return HICODetDataset(
        'annotations/train.json',
        data_root=str(root),
        pipeline=(LOAD, *(steps or STEPS)),
        **options,
    )


def test_training_skips_or_raises(root):
    with pytest.raises(UnreadableImage, match='no image can be.*train.json'):
        build(root)[0]
    dataset = build(root, bad_images='skip')
    names = {dataset[0]['data_samples'].img_path for _ in range(3)}
    assert dataset.get_data_info(0)['img_path'] not in names
    assert dataset.num_skipped >= 1
    with pytest.raises(ValueError, match="'error' or 'skip'"):
        build(root, bad_images='no')


def test_testing_keeps_the_annotations(root):
    dataset = build(root, test_mode=True)
    path = dataset.get_data_info(0)['img_path']
    bad, good = (dataset[i]['data_samples'] for i in (0, 1))
    assert path in bad.unreadable and 'unreadable' not in good
    assert dataset[0]['inputs'].shape == (3, 1, 1)
    assert bad.ori_shape == (64, 96)
    # As for a readable image, except boxes in input coordinates.
    cv2.imwrite(path, np.zeros((64, 96, 3), np.uint8))
    whole = dataset[0]['data_samples']
    assert len(whole.gt_hois) > 0 and len(whole.gt_persons) > 0
    for name in (
        'human_bboxes',
        'object_bboxes',
        'verb_labels',
        'object_labels',
    ):
        assert bad.gt_hois[name].equal(whole.gt_hois[name])
    assert bad.gt_persons.bboxes.equal(whole.gt_persons.bboxes)
    assert bad.image_hoi_labels.equal(whole.image_hoi_labels)
    with pytest.raises(UnreadableImage):
        Image.new('RGB', (9, 9)).save(path)
        cv2.imwrite(path, np.zeros((64, 96, 3), np.uint8))
        open(path, 'r+b').truncate(100)
        build(root, test_mode=True, bad_images='error')[0]


@pytest.mark.parametrize('size', [(1, 20000), (20000, 1), (3, 301)])
def test_extreme_aspect_ratios_are_refused(root, size):
    path = build(root).get_data_info(0)['img_path']
    Image.new('RGB', size).save(path)
    with pytest.raises(
        UnreadableImage, match=f'{size[0]} x {size[1]} pixels, a strip'
    ):
        build(root)[0]


@pytest.mark.parametrize(
    'load', [LOAD, dict(type='LoadImageFromFile')], ids=['ours', 'mmcv']
)
def test_image_scaled_or_emptied_to_nothing(root, load):
    path = build(root).get_data_info(0)['img_path']
    Image.new('RGB', (2, 150)).save(path)
    dataset = HICODetDataset(
        'annotations/train.json',
        data_root=str(root),
        pipeline=(load, TINY, *STEPS),
        test_mode=True,
    )
    assert '2 x 150 pixels' in dataset[0]['data_samples'].unreadable
    open(path, 'wb').close()
    assert 'no image can be' in dataset[0]['data_samples'].unreadable


def test_exif_orientation_is_optional(root):
    path = build(root).get_data_info(0)['img_path']
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:32] = 255
    Image.fromarray(pixels).save(path, exif=exif)
    sample = build(root)[0]
    assert sample['data_samples'].orientation == 'stored'
    np.testing.assert_array_equal(sample['inputs'].permute(1, 2, 0), pixels)
    upright = HICODetDataset(
        'annotations/train.json',
        data_root=str(root),
        pipeline=(dict(LOAD, orientation='upright'), STEPS[1]),
    )[0]['inputs']
    np.testing.assert_array_equal(
        upright.permute(1, 2, 0), np.rot90(pixels, -1)
    )
    with pytest.raises(ValueError, match="'stored' or 'upright'"):
        build(root, dict(LOAD, orientation='left'))
