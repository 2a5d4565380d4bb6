import json
from pathlib import Path

import cv2
import pytest
from mini_world import MiniWorldGenerator, annotation_hash

SIZES = dict(train=6, val=2, test=4)
# The generated data are fixed: a change raises WORLD_VERSION, states the
# reason, and updates the hashes here and in the README.
FIXED = 'e175241c33ee18efed6c6ceb7bdb4eff727bd18953d77730eace49cb22dcd366'


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp('mini')
    generator = MiniWorldGenerator(out, 0, SIZES)
    return generator, generator.generate(progress=False)


def read_all(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def test_generated_data_are_fixed(made):
    assert made[1] == FIXED


def test_bytes_do_not_depend_on_workers_or_sizes(made, tmp_path):
    generator, digest = made
    again = MiniWorldGenerator(tmp_path / 'a', 0, SIZES, workers=2)
    assert again.generate(progress=False) == digest
    assert read_all(again.out_dir) == read_all(generator.out_dir)
    smaller = MiniWorldGenerator(tmp_path / 'b', 0, dict(train=3))
    smaller.generate(progress=False)
    images = read_all(smaller.out_dir / 'train')
    assert len(images) == 3
    assert images.items() <= read_all(generator.out_dir / 'train').items()


def test_annotation_files_are_complete(made):
    generator, digest = made
    contents = []
    for split, size in SIZES.items():
        content = json.loads(generator.annotation_file(split).read_text())
        contents.append(content)
        assert len(content['images']) == size
        boxes = {a['id']: a for a in content['annotations']}
        names = {c['id']: c['name'] for c in content['categories']}
        classes = {
            (h['verb_id'], h['category_id']): h['id']
            for h in content['hoi_categories']
        }
        assert names[1] == 'person' and len(names) == 11
        assert len(classes) == 35
        labels = {image['id']: set() for image in content['images']}
        for hoi in content['hois']:
            human, thing = (
                boxes[hoi[k]] for k in ('human_ann_id', 'object_ann_id')
            )
            assert human['category_id'] == 1
            assert human['image_id'] == thing['image_id'] == hoi['image_id']
            labels[hoi['image_id']].add(
                classes[hoi['verb_id'], thing['category_id']]
            )
        for image in content['images']:
            assert image['key'] == image['file_name']
            assert image['hoi_ids'] == sorted(labels[image['id']])
            pixels = cv2.imread(str(generator.out_dir / image['file_name']))
            assert pixels.shape[:2] == (image['height'], image['width'])
    assert annotation_hash(contents) == digest


def test_existing_hash_detects_missing_files(made, tmp_path):
    generator, digest = made
    assert generator.existing_hash() == digest
    other = MiniWorldGenerator(generator.out_dir, 1, SIZES)
    assert other.existing_hash() is None
    small = MiniWorldGenerator(tmp_path, 0, dict(val=2))
    assert small.existing_hash() is None
    digest = small.generate(progress=False)
    assert small.existing_hash() == digest
    (tmp_path / small.file_name('val', 1)).unlink()
    assert small.existing_hash() is None
    small.annotation_file('val').write_text('{')
    assert small.existing_hash() is None


@pytest.mark.parametrize(
    'seed,sizes,message',
    [
        (0, dict(train=0), 'train: 0 images asked for'),
        (0, dict(dev=3), "unknown split 'dev'"),
        (-1, dict(train=3), 'seed is -1'),
    ],
)
def test_bad_sizes_are_refused(tmp_path, seed, sizes, message):
    with pytest.raises(ValueError, match=message):
        MiniWorldGenerator(tmp_path, seed, sizes)
