import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from clhoi_mm.annotations.converters import convert_v_coco
from clhoi_mm.datasets import VCOCODataset
from tests.data_utils import find_shared
from tests.v_coco_files import (
    COCO,
    PERSONS,
    ROLES,
    VOCABULARY,
    convert_official,
    official,
    pairs_content,
    read_rows,
    write,
)


def test_roles_of_the_vocabulary():
    assert len(ROLES) == 26
    assert [a for a in ROLES if len(ROLES[a]) == 1] == list(
        VOCABULARY.roleless
    )
    assert ROLES['hit'] == ROLES['cut'] == ['agent', 'instr', 'obj']
    assert ROLES['eat'] == ['agent', 'obj', 'instr']


def test_official_files_by_hand(tmp_path):
    report = convert_official(tmp_path)
    assert (
        report.images,
        report.boxes,
        report.persons,
        report.unlabeled,
    ) == (2, 6, 3, 1)
    assert (report.rows, report.pairs, report.verbs) == (10, 4, 9)
    assert report.complete and report.sizes_from == 'COCO'
    first, second, skier = (
        (1.25, 2, 11.25, 22),
        (30, 2, 40, 22),
        (1, 1, 21, 31),
    )
    cup = ('cup', (5, 6, 12.5, 14))
    assert read_rows(report.path) == Counter(
        {
            (30, 'hold obj', first, cup): 1,
            (30, 'drink instr', first, cup): 1,
            (30, 'stand', first, None): 1,
            (30, 'smile', first, None): 1,
            (30, 'hold obj', second, None): 1,
            (30, 'cut instr', second, None): 1,
            (30, 'cut obj', second, cup): 1,
            (20, 'ski instr', skier, ('skis', (1, 25, 31, 30))): 1,
            (20, 'eat obj', skier, None): 1,
            (20, 'eat instr', skier, None): 1,
        }
    )
    content = json.loads(report.path.read_text())
    assert [im['id'] for im in content['images']] == [20, 30]
    assert content['images'][1] == dict(
        id=30,
        file_name='val2014/COCO_val2014_000000000030.jpg',
        key='val2014/COCO_val2014_000000000030.jpg',
        width=64,
        height=48,
    )
    assert content['verbs'] == list(VOCABULARY.verbs)
    assert content['hoi_categories'] == []
    # COCO's order and ids; the unlabeled person is flagged.
    anns = content['annotations']
    assert [a['id'] for a in anns] == [21, 22, 13, 11, 12, 14]
    assert [a['id'] for a in anns if not a.get('hoi_labelled', True)] == [13]
    assert anns[2]['iscrowd'] == 1 and 'segmentation' not in anns[2]


def test_data_set_reads_the_file(tmp_path):
    convert_official(tmp_path)
    data = VCOCODataset(str(tmp_path / 'test.json'), test_mode=True)
    info = data.get_data_info(1)
    assert info['rows']['hoi_labelled'].tolist() == [False, True, True, True]
    assert (info['hois']['object_rows'] == -1).sum() == 4


def test_both_sources_agree_on_common_pairs(tmp_path):
    convert_official(tmp_path)
    report = convert_v_coco(
        [write(tmp_path / 'p.json', pairs_content())], tmp_path / 'pairs.json'
    )
    assert not report.complete
    assert report.sizes_from == 'the extent of the boxes'
    assert (report.images, report.rows, report.pairs) == (2, 4, 4)
    with_object = Counter(
        {
            row: count
            for row, count in read_rows(tmp_path / 'test.json').items()
            if row[-1]
        }
    )
    assert read_rows(report.path) == with_object


def test_sizes_of_the_pairs_source(tmp_path):
    source = write(tmp_path / 'p.json', pairs_content())
    coco = write(tmp_path / 'coco.json', COCO)
    out = tmp_path / 'out.json'

    def sizes():
        images = json.loads(out.read_text())['images']
        return [(im['width'], im['height']) for im in images]

    assert convert_v_coco([source], out).sizes_from.startswith('the extent')
    assert sizes() == [(31, 31), (40, 22)]
    assert convert_v_coco([source], out, coco=[coco]).sizes_from == 'COCO'
    assert sizes() == [(50, 40), (64, 48)]
    folder = tmp_path / 'images/val2014'
    folder.mkdir(parents=True)
    for image, size in ((20, (51, 41)), (30, (65, 49))):
        Image.new('L', size).save(folder / f'COCO_val2014_{image:012d}.jpg')
    report = convert_v_coco([source], out, images=tmp_path / 'images')
    assert report.sizes_from == 'the images'
    assert sizes() == [(51, 41), (65, 49)]


def test_ids_select_images(tmp_path):
    ids = tmp_path / 'x.ids'
    ids.write_text('30\n99\n')
    report = convert_official(tmp_path, ids=ids)
    content = json.loads(report.path.read_text())
    assert [im['id'] for im in content['images']] == [30, 99]
    assert (report.persons, report.unlabeled) == (2, 2)
    ids.write_text('30\nx\n')
    with pytest.raises(ValueError, match='x.ids: image ids'):
        convert_official(tmp_path, ids=ids)


def test_files_are_joined(tmp_path):
    halves = [
        write(
            tmp_path / f'{i}.json',
            official([p for p in PERSONS if p[0] == image]),
        )
        for i, image in enumerate((30, 20))
    ]
    coco = write(tmp_path / 'coco.json', COCO)
    convert_v_coco(halves, tmp_path / 'joined.json', coco=[coco])
    convert_official(tmp_path)
    assert read_rows(tmp_path / 'joined.json') == read_rows(
        tmp_path / 'test.json'
    )
    once = (tmp_path / 'joined.json').read_bytes()
    convert_v_coco(halves, tmp_path / 'joined.json', coco=[coco])
    assert (tmp_path / 'joined.json').read_bytes() == once
    with pytest.raises(ValueError, match='person 12 of image 30.*twice'):
        convert_v_coco([halves[0]] * 2, tmp_path / 'x.json', coco=[coco])


@pytest.mark.skipif(find_shared() is None, reason='no shared test data')
@pytest.mark.parametrize(
    'split, images, rows, labeled',
    [('train', 2533, 6400, 3932), ('val', 2867, 7417, 4499)],
)
def test_real_files_agree(tmp_path, split, images, rows, labeled):
    """Compare the pairs of both sources in order.

    COCO's boxes are replaced by those of the pairs, since the
    official rows and the pairs correspond one to one; other persons get an
    arbitrary box.
    """
    shared = find_shared() / 'data/v_coco'
    actions = json.loads((shared / f'official/vcoco_{split}.json').read_text())
    source = shared / f'instances_vcoco_{split}.json'
    pairs = json.loads(source.read_text())
    by_image = {image: [] for image in pairs['images']}
    boxes = {}
    for action in actions:
        roles = np.array(action['role_object_id']).reshape(
            len(action['role_name']), -1
        )
        for person, image in zip(action['ann_id'], action['image_id']):
            boxes[person] = image, 'person', [0, 0, 1, 1]
        for k, role in enumerate(action['role_name']):
            for i in np.flatnonzero(action['label']) if k else ():
                row = (action['ann_id'][i], int(roles[k, i]))
                image = action['image_id'][i]
                if not row[1]:
                    continue
                if f'{action["action_name"]} {role}' in pairs['classes']:
                    by_image[image].append(row)
                else:
                    boxes.setdefault(row[1], (image, 'cup', [0, 0, 1, 1]))
    for image, record in zip(pairs['images'], pairs['annotations']):
        assert len(by_image[image]) == len(record['actions'])
        for (person, obj), human, thing, label in zip(
            by_image[image],
            record['boxes_h'],
            record['boxes_o'],
            record['objects'],
        ):
            boxes[person] = image, 'person', human
            boxes[obj] = image, pairs['objects'][label], thing
    coco = dict(
        images=[
            dict(id=image, file_name=record['file_name'], width=640,
                 height=640)
            for image, record in zip(pairs['images'], pairs['annotations'])
        ],
        annotations=[
            dict(id=i, image_id=image,
                 category_id=VOCABULARY.objects.index(name),
                 bbox=[x1, y1, x2 - x1, y2 - y1])
            for i, (image, name, (x1, y1, x2, y2)) in boxes.items()
        ],
        categories=[
            dict(id=i, name=name) for i, name in enumerate(VOCABULARY.objects)
        ])  # fmt: skip
    report = convert_v_coco(
        [shared / f'official/vcoco_{split}.json'],
        tmp_path / 'official.json',
        coco=[write(tmp_path / 'coco.json', coco)],
        ids=shared / f'official/splits/vcoco_{split}.ids',
    )
    assert (report.images, report.persons, report.verbs) == (
        images,
        labeled,
        29,
    )
    other = convert_v_coco([source], tmp_path / 'pairs.json')
    assert (other.images, other.rows) == (images, rows)
    found = Counter(
        {
            row: count
            for row, count in read_rows(report.path).items()
            if row[-1] and row[1] in pairs['classes']
        }
    )
    assert found == read_rows(other.path)
