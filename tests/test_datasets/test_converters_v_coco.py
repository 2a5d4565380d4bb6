import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from clhoi_mm.datasets import HOIAnnotationFile, VCOCODataset
from clhoi_mm.datasets.converters import convert_v_coco
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import find_shared

VOCABULARY = HOIVocabulary.load('v_coco')
ROLES = {}
for verb in VOCABULARY.verbs:
    action, _, role = verb.partition(' ')
    ROLES.setdefault(action, ['agent']).extend([role] if role else [])

# Image 30 has three people and a cup, 20 a person and skis. Person 13 is in
# COCO alone; category numbers have COCO's gaps.
PERSON, SKIS, CUP = 1, 35, 47
COCO = dict(
    info=dict(year=2014),
    images=[
        dict(id=30, file_name='COCO_val2014_000000000030.jpg', width=64,
             height=48, flickr_url='u'),
        dict(id=20, file_name='COCO_val2014_000000000020.jpg', width=50,
             height=40),
        dict(id=99, file_name='COCO_val2014_000000000099.jpg', width=50,
             height=40)
    ],
    annotations=[
        dict(id=13, image_id=30, category_id=PERSON, area=9., iscrowd=1,
             bbox=[0, 0, 5.5, 6], segmentation=dict(size=[1], counts=[1])),
        dict(id=11, image_id=30, category_id=PERSON, area=9., iscrowd=0,
             bbox=[1.25, 2, 10, 20], segmentation=[[1, 2]]),
        dict(id=12, image_id=30, category_id=PERSON, area=8., iscrowd=0,
             bbox=[30, 2, 10, 20]),
        dict(id=14, image_id=30, category_id=CUP, area=7., iscrowd=0,
             bbox=[5, 6, 7.5, 8]),
        dict(id=21, image_id=20, category_id=PERSON, area=6., iscrowd=0,
             bbox=[1, 1, 20, 30]),
        dict(id=22, image_id=20, category_id=SKIS, area=5., iscrowd=0,
             bbox=[1, 25, 30, 5]),
        dict(id=98, image_id=99, category_id=PERSON, area=5., iscrowd=0,
             bbox=[1, 1, 3, 5])
    ],
    categories=[
        dict(id=PERSON, name='person'), dict(id=SKIS, name='skis'),
        dict(id=CUP, name='cup')
    ])  # yapf: disable
PERSONS = [(30, 12), (20, 21), (30, 11)]
# Person -> action -> objects of its roles; 0 is absent.
DONE = {
    11: dict(hold=[14], drink=[14], stand=[], smile=[]),
    12: dict(hold=[0], cut=[0, 14]),
    21: dict(ski=[22], eat=[0, 0])
}


def official(persons=PERSONS, done=DONE):
    """What vcoco_test.json holds: roles one row after another."""
    content = []
    for action, roles in ROLES.items():
        rows = [[ann for _, ann in persons]]
        for k in range(len(roles) - 1):
            rows.append(
                [done[ann].get(action, [0, 0])[k] for _, ann in persons])
        content.append(
            dict(
                image_id=[image for image, _ in persons],
                ann_id=[ann for _, ann in persons],
                role_object_id=sum(rows, []),
                label=[int(action in done[ann]) for _, ann in persons],
                action_name=action,
                role_name=roles,
                include=[[] for _ in roles]))
    return content


def pairs_content():
    """The same as fredzzhang's file: pairs of 24 roles, image by image."""
    anns = {ann['id']: ann for ann in COCO['annotations']}
    classes = [v for v in VOCABULARY.verbs if ' ' in v and 'point' not in v]
    objects = ['background', *VOCABULARY.objects]
    names = {c['id']: c['name'] for c in COCO['categories']}

    def xyxy(ann_id):
        x, y, w, h = anns[ann_id]['bbox']
        return [x, y, x + w, y + h]

    images, annotations = [20, 30], []
    for image in images:
        record = dict(boxes_h=[], boxes_o=[], actions=[], objects=[])
        for i, name in enumerate(classes):
            action, role = name.split(' ')
            for where, person in PERSONS:
                targets = DONE[person].get(action)
                if where != image or not targets:
                    continue
                target = targets[ROLES[action].index(role) - 1]
                if target:
                    record['boxes_h'].append(xyxy(person))
                    record['boxes_o'].append(xyxy(target))
                    record['actions'].append(i)
                    record['objects'].append(
                        objects.index(names[anns[target]['category_id']]))
        record['file_name'] = f'COCO_val2014_{image:012d}.jpg'
        annotations.append(record)
    return dict(
        annotations=annotations,
        classes=classes,
        objects=objects,
        images=images,
        action_to_object=[])


def write(path, content):
    path.write_text(json.dumps(content))
    return path


def convert_official(tmp_path, content=None, coco=COCO, **kwargs):
    return convert_v_coco(
        [write(tmp_path / 'vcoco_test.json', content or official())],
        tmp_path / 'test.json',
        coco=[write(tmp_path / 'instances_val2014.json', coco)],
        **kwargs)


def read_rows(path):
    """(image, action role, person's box, object's box and label)."""
    file = HOIAnnotationFile(path, VOCABULARY)
    rows = Counter()
    for image in file.images:
        anns, hois = (file.image_rows(image['id']),
                      file.image_hois(image['id']))
        for human, obj, verb in zip(hois['human_rows'], hois['object_rows'],
                                    hois['verb_labels']):
            target = None
            if obj >= 0:
                target = (VOCABULARY.objects[anns['labels'][obj]],
                          tuple(anns['bboxes'][obj].round(2).tolist()))
            rows[image['id'], VOCABULARY.verbs[verb],
                 tuple(anns['bboxes'][human].round(2).tolist()), target] += 1
    return rows


def test_roles_of_the_vocabulary():
    assert len(ROLES) == 26
    assert [a for a in ROLES if len(ROLES[a]) == 1] == list(
        VOCABULARY.roleless)
    assert ROLES['hit'] == ROLES['cut'] == ['agent', 'instr', 'obj']
    assert ROLES['eat'] == ['agent', 'obj', 'instr']


def test_official_by_hand(tmp_path):
    report = convert_official(tmp_path)
    assert (report.images, report.boxes, report.persons,
            report.unlabelled) == (2, 6, 3, 1)
    assert (report.rows, report.pairs, report.verbs) == (10, 4, 9)
    assert report.complete and report.sizes_from == 'COCO'
    first, second, skier = (1.25, 2, 11.25, 22), (30, 2, 40, 22), (1, 1, 21,
                                                                    31)
    cup = ('cup', (5, 6, 12.5, 14))
    assert read_rows(report.path) == Counter({
        (30, 'hold obj', first, cup): 1,
        (30, 'drink instr', first, cup): 1,
        (30, 'stand', first, None): 1,
        (30, 'smile', first, None): 1,
        (30, 'hold obj', second, None): 1,
        (30, 'cut instr', second, None): 1,
        (30, 'cut obj', second, cup): 1,
        (20, 'ski instr', skier, ('skis', (1, 25, 31, 30))): 1,
        (20, 'eat obj', skier, None): 1,
        (20, 'eat instr', skier, None): 1
    })
    content = json.loads(report.path.read_text())
    assert [im['id'] for im in content['images']] == [20, 30]
    assert content['images'][1] == dict(
        id=30,
        file_name='val2014/COCO_val2014_000000000030.jpg',
        key='val2014/COCO_val2014_000000000030.jpg',
        width=64,
        height=48)
    assert content['verbs'] == list(VOCABULARY.verbs)
    assert content['hoi_categories'] == []
    # COCO's order and ids; the person whom nobody labelled is told apart.
    anns = content['annotations']
    assert [a['id'] for a in anns] == [21, 22, 13, 11, 12, 14]
    assert [a['id'] for a in anns if not a.get('hoi_labelled', True)] == [13]
    assert anns[2]['iscrowd'] == 1 and 'segmentation' not in anns[2]


def test_the_data_set_reads_it(tmp_path):
    convert_official(tmp_path)
    data = VCOCODataset(str(tmp_path / 'test.json'), test_mode=True)
    info = data.get_data_info(1)
    assert info['rows']['hoi_labelled'].tolist() == [False, True, True, True]
    assert (info['hois']['object_rows'] == -1).sum() == 4


def test_both_sources_agree_on_the_pairs_that_both_hold(tmp_path):
    convert_official(tmp_path)
    report = convert_v_coco([write(tmp_path / 'p.json', pairs_content())],
                            tmp_path / 'pairs.json')
    assert not report.complete
    assert report.sizes_from == 'the extent of the boxes'
    assert (report.images, report.rows, report.pairs) == (2, 4, 4)
    with_object = Counter({
        row: count
        for row, count in read_rows(tmp_path / 'test.json').items() if row[-1]
    })
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


def test_ids_choose_images(tmp_path):
    ids = tmp_path / 'x.ids'
    ids.write_text('30\n99\n')
    report = convert_official(tmp_path, ids=ids)
    content = json.loads(report.path.read_text())
    assert [im['id'] for im in content['images']] == [30, 99]
    assert (report.persons, report.unlabelled) == (2, 2)
    ids.write_text('30\nx\n')
    with pytest.raises(ValueError, match='x.ids: image ids'):
        convert_official(tmp_path, ids=ids)


def test_files_are_joined(tmp_path):
    halves = [
        write(tmp_path / f'{i}.json',
              official([p for p in PERSONS if p[0] == image]))
        for i, image in enumerate((30, 20))
    ]
    coco = write(tmp_path / 'coco.json', COCO)
    convert_v_coco(halves, tmp_path / 'joined.json', coco=[coco])
    convert_official(tmp_path)
    assert read_rows(tmp_path / 'joined.json') == read_rows(
        tmp_path / 'test.json')
    once = (tmp_path / 'joined.json').read_bytes()
    convert_v_coco(halves, tmp_path / 'joined.json', coco=[coco])
    assert (tmp_path / 'joined.json').read_bytes() == once
    with pytest.raises(ValueError, match='person 12 of image 30.*twice'):
        convert_v_coco([halves[0]] * 2, tmp_path / 'x.json', coco=[coco])


BROKEN_OFFICIAL = {
    'action hold.*lengths':
    lambda v, c: v[0]['role_object_id'].pop(),
    'action sit.*lengths':
    lambda v, c: v[2]['ann_id'].reverse(),
    'action stand: labels other than 0 and 1':
    lambda v, c: v[1]['label'].__setitem__(0, 2),
    'action hold: an agent is not the person':
    lambda v, c: v[0]['role_object_id'].__setitem__(0, 7),
    "action fly: 'fly obj' is no action role":
    lambda v, c: v[0].update(action_name='fly'),
    "action hold: no 'label'":
    lambda v, c: v[0].pop('label'),
    "image 30, 'hold obj' of person 11: COCO has no annotation 77":
    lambda v, c: v[0]['role_object_id'].__setitem__(5, 77),
    "image 20, 'eat obj': COCO has no person 21":
    lambda v, c: c['annotations'].pop(4),
    '1 images of V-COCO are not in .*the first is 20':
    lambda v, c: [c['images'].pop(1), c['annotations'].pop(4),
                  c['annotations'].pop(4)],
    "annotations, record 14: no category 5":
    lambda v, c: c['annotations'][3].update(category_id=5),
    r"annotations, record 14: bbox \[1, 2, -3, 4\] is no":
    lambda v, c: c['annotations'][3].update(bbox=[1, 2, -3, 4]),
    'annotations, record 13: the id occurs twice':
    lambda v, c: c['annotations'][3].update(id=13),
    "'bicycle_lane', is no object":
    lambda v, c: c['categories'][1].update(name='bicycle_lane'),
}


@pytest.mark.parametrize('message', BROKEN_OFFICIAL)
def test_official_inconsistency_names_the_record(tmp_path, message):
    content, coco = official(), json.loads(json.dumps(COCO))
    BROKEN_OFFICIAL[message](content, coco)
    with pytest.raises(ValueError, match=message):
        convert_official(tmp_path, content, coco)
    assert not (tmp_path / 'test.json').exists()


BROKEN_PAIRS = {
    r'record 1 \(image 30\): lists of lengths':
    lambda c: c['annotations'][1]['actions'].pop(),
    r'record 1 \(image 30\), pair 2: action 24 is none of 24':
    lambda c: c['annotations'][1]['actions'].__setitem__(2, 24),
    'record 1.*pair 0: object 0 is none of 80':
    lambda c: c['annotations'][1]['objects'].__setitem__(0, 0),
    'record 0.*pair 0: a box is not four numbers':
    lambda c: c['annotations'][0]['boxes_h'][0].pop(),
    'record 0.*pair 0: a box ends before it begins':
    lambda c: c['annotations'][0]['boxes_o'][0].__setitem__(2, 0),
    'record 0.*a field is missing':
    lambda c: c['annotations'][0].pop('file_name'),
    'record 1.*the image occurs twice':
    lambda c: c['images'].__setitem__(1, 20),
    '1 images and 2 annotations':
    lambda c: c['images'].pop(),
    "'fly obj' is not in the vocabulary":
    lambda c: c['classes'].__setitem__(0, 'fly obj'),
}


@pytest.mark.parametrize('message', BROKEN_PAIRS)
def test_pairs_inconsistency_names_the_record(tmp_path, message):
    content = pairs_content()
    BROKEN_PAIRS[message](content)
    source = write(tmp_path / 'p.json', content)
    with pytest.raises(ValueError, match=message):
        convert_v_coco([source], tmp_path / 'out.json')


def test_what_goes_together(tmp_path):
    files = [
        write(tmp_path / 'a.json', official()),
        write(tmp_path / 'b.json', pairs_content())
    ]
    with pytest.raises(ValueError, match='do not mix'):
        convert_v_coco(files, tmp_path / 'out.json')
    with pytest.raises(ValueError, match='hold no boxes.*--coco'):
        convert_v_coco(files[:1], tmp_path / 'out.json')
    with pytest.raises(ValueError, match='--ids goes with official'):
        convert_v_coco(files[1:], tmp_path / 'out.json', ids='x.ids')
    with pytest.raises(ValueError, match='none of the known files'):
        convert_v_coco([write(tmp_path / 'c.json', [])], tmp_path / 'out.json')


@pytest.mark.skipif(find_shared() is None, reason='no shared test data')
@pytest.mark.parametrize('split, images, rows, labelled', [
    ('train', 2533, 6400, 3932), ('val', 2867, 7417, 4499)])
def test_real_files_agree(tmp_path, split, images, rows, labelled):
    """Both sources hold the same pairs, in the same order.

    COCO's boxes are not there: those of the pairs stand in, since the
    official rows and the pairs correspond one to one; other persons get a
    box of no importance.
    """
    shared = find_shared() / 'data/v_coco'
    actions = json.loads(
        (shared / f'official/vcoco_{split}.json').read_text())
    source = shared / f'instances_vcoco_{split}.json'
    pairs = json.loads(source.read_text())
    by_image = {image: [] for image in pairs['images']}
    boxes = {}
    for action in actions:
        roles = np.array(action['role_object_id']).reshape(
            len(action['role_name']), -1)
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
                by_image[image], record['boxes_h'], record['boxes_o'],
                record['objects']):
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
        ])  # yapf: disable
    report = convert_v_coco(
        [shared / f'official/vcoco_{split}.json'],
        tmp_path / 'official.json',
        coco=[write(tmp_path / 'coco.json', coco)],
        ids=shared / f'official/splits/vcoco_{split}.ids')
    assert (report.images, report.persons, report.verbs) == (images, labelled,
                                                             29)
    other = convert_v_coco([source], tmp_path / 'pairs.json')
    assert (other.images, other.rows) == (images, rows)
    found = Counter({
        row: count
        for row, count in read_rows(report.path).items()
        if row[-1] and row[1] in pairs['classes']
    })
    assert found == read_rows(other.path)
