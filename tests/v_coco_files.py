"""Small hand-written files in V-COCO's published formats."""

import json
from collections import Counter

from clhoi_mm.annotations import AnnotationFile, LabeledAnnotations
from clhoi_mm.annotations.converters import convert_v_coco
from clhoi_mm.vocabulary import HOIVocabulary

VOCABULARY = HOIVocabulary.load('v_coco')
ROLES = {}
for verb in VOCABULARY.verbs:
    action, _, role = verb.partition(' ')
    ROLES.setdefault(action, ['agent']).extend([role] if role else [])

# Image 30 has three persons and a cup, image 20 a person and skis. Person 13
# is in COCO only; category ids have COCO's gaps.
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
    ])  # fmt: skip
PERSONS = [(30, 12), (20, 21), (30, 11)]
# Person -> action -> objects of its roles; 0 means no object.
DONE = {
    11: dict(hold=[14], drink=[14], stand=[], smile=[]),
    12: dict(hold=[0], cut=[0, 14]),
    21: dict(ski=[22], eat=[0, 0]),
}


def official(persons=PERSONS, done=DONE):
    """Return the content of vcoco_test.json, role by role."""
    content = []
    for action, roles in ROLES.items():
        rows = [[ann for _, ann in persons]]
        for k in range(len(roles) - 1):
            rows.append(
                [done[ann].get(action, [0, 0])[k] for _, ann in persons]
            )
        content.append(
            dict(
                image_id=[image for image, _ in persons],
                ann_id=[ann for _, ann in persons],
                role_object_id=sum(rows, []),
                label=[int(action in done[ann]) for _, ann in persons],
                action_name=action,
                role_name=roles,
                include=[[] for _ in roles],
            )
        )
    return content


def pairs_content():
    """Return fredzzhang's file: pairs of 24 roles by image."""
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
                        objects.index(names[anns[target]['category_id']])
                    )
        record['file_name'] = f'COCO_val2014_{image:012d}.jpg'
        annotations.append(record)
    return dict(
        annotations=annotations,
        classes=classes,
        objects=objects,
        images=images,
        action_to_object=[],
    )


def write(path, content):
    path.write_text(json.dumps(content))
    return path


def convert_official(tmp_path, content=None, coco=COCO, **kwargs):
    return convert_v_coco(
        [write(tmp_path / 'vcoco_test.json', content or official())],
        tmp_path / 'test.json',
        coco=[write(tmp_path / 'instances_val2014.json', coco)],
        **kwargs,
    )


def read_rows(path):
    """Return (image, action role, person box, object box, label) rows."""
    file = AnnotationFile.read(path)
    labeled = LabeledAnnotations(file, VOCABULARY)
    rows = Counter()
    for i, image in enumerate(file.images):
        anns, hois = labeled.boxes(i), labeled.hois(i)
        for human, obj, verb in zip(
            hois['human_rows'], hois['object_rows'], hois['verb_labels']
        ):
            target = None
            if obj >= 0:
                target = (
                    VOCABULARY.objects[anns['labels'][obj]],
                    tuple(anns['bboxes'][obj].round(2).tolist()),
                )
            rows[
                image['id'],
                VOCABULARY.verbs[verb],
                tuple(anns['bboxes'][human].round(2).tolist()),
                target,
            ] += 1
    return rows
