"""Tiny data sets in the project's format, written for tests.

Scenes are made up, images are drawn: a box is a rectangle in its own color
on a noisy background.
"""

import json
import os
from pathlib import Path
from typing import List, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

REPO = Path(__file__).resolve().parents[1]


def find_shared() -> Optional[Path]:
    """Return the folder of extra test data, or None."""
    shared = Path(os.environ.get('CLHOI_SHARED', REPO.parent / 'shared'))
    return shared if (shared / 'data').is_dir() else None


def make_scene(
    file_name: str,
    size: Tuple[int, int],
    boxes: Sequence[Tuple[str, Sequence[float]]],
    pairs: Sequence[Tuple[int, Optional[int], str]] = (),
    invisible: Sequence[Tuple[int, Optional[int], str]] = (),
    unlabeled: Sequence[int] = (),
    iscrowd: Sequence[int] = (),
) -> dict:
    """Build one image's annotations.

    Args:
        file_name (str): Relative to the data set's image folder.
        size (Tuple[int, int]): Width and height.
        boxes (Sequence): (object name, xyxy) rows.
        pairs (Sequence): (human's row, object's row or None, verb name).
        invisible (Sequence): Pairs that are flagged invisible.
        unlabeled (Sequence[int]): Rows with ``hoi_labelled`` false.
        iscrowd (Sequence[int]): Rows of crowds.
    """
    return dict(
        file_name=file_name,
        size=size,
        boxes=list(boxes),
        pairs=[(*pair, False) for pair in pairs]
        + [(*pair, True) for pair in invisible],
        unlabeled=set(unlabeled),
        iscrowd=set(iscrowd),
    )


def make_annotations(
    vocabulary: HOIVocabulary,
    scenes: Sequence[dict],
    with_classes: bool = True,
) -> dict:
    """Build an annotation file's content.

    Ids are chosen so that none of them equals a position or a label.

    Args:
        vocabulary (HOIVocabulary): Vocabulary whose names are written.
        scenes (Sequence[dict]): Scenes of :func:`make_scene`.
        with_classes (bool): Write ``hoi_categories``.
    """
    cat_id = {name: 7 + 3 * i for i, name in enumerate(vocabulary.objects)}
    verb_id = {name: i for i, name in enumerate(reversed(vocabulary.verbs))}
    rare = vocabulary.rare
    classes = [
        dict(
            id=1000 + i,
            verb_id=verb_id[vocabulary.verbs[v]],
            category_id=cat_id[vocabulary.objects[o]],
            **({} if rare is None else dict(rare=bool(rare[i]))),
        )
        for i, (v, o) in enumerate(
            zip(vocabulary.hoi_verbs, vocabulary.hoi_objects)
        )
    ]
    content = dict(
        images=[],
        annotations=[],
        categories=[dict(id=i, name=name) for name, i in cat_id.items()],
        verbs=list(verb_id),
        hoi_categories=classes if with_classes else [],
        hois=[],
    )
    for i, scene in enumerate(scenes):
        image_id, first = 500 + i, 90000 + 1 + len(content['annotations'])
        width, height = scene['size']
        content['images'].append(
            dict(
                id=image_id,
                file_name=scene['file_name'],
                key=scene['file_name'],
                width=width,
                height=height,
            )
        )
        for row, (name, (x1, y1, x2, y2)) in enumerate(scene['boxes']):
            ann = dict(
                id=first + row,
                image_id=image_id,
                category_id=cat_id[name],
                bbox=[x1, y1, x2 - x1, y2 - y1],
                area=(x2 - x1) * (y2 - y1),
                iscrowd=int(row in scene['iscrowd']),
            )
            if row in scene['unlabeled']:
                ann['hoi_labelled'] = False
            content['annotations'].append(ann)
        for human, obj, verb, invisible in scene['pairs']:
            hoi = dict(
                id=300 + len(content['hois']),
                image_id=image_id,
                human_ann_id=first + human,
                object_ann_id=None if obj is None else first + obj,
                verb_id=verb_id[verb],
            )
            if invisible:
                hoi['invisible'] = True
            content['hois'].append(hoi)
    return content


def draw_scene(scene: dict) -> np.ndarray:
    """Draw a scene as (H, W, 3) uint8 BGR image."""
    width, height = scene['size']
    rng = np.random.default_rng(len(scene['file_name']) + width)
    image = rng.integers(90, 160, (height, width, 3), dtype=np.uint8)
    for name, box in scene['boxes']:
        x1, y1, x2, y2 = (int(round(value)) for value in box)
        color = np.random.default_rng(list(name.encode())).integers(0, 255, 3)
        image[max(y1, 0) : y2, max(x1, 0) : x2] = color
    return image


def write_split(
    root: Union[str, Path],
    split: str,
    vocabulary: HOIVocabulary,
    scenes: Sequence[dict],
    img_prefix: str = '',
    with_classes: bool = True,
) -> Path:
    """Write images and ``annotations/{split}.json``.

    Returns:
        Path: The annotation file.
    """
    root = Path(root)
    for scene in scenes:
        path = root / img_prefix / scene['file_name']
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), draw_scene(scene))
    ann_file = root / 'annotations' / f'{split}.json'
    ann_file.parent.mkdir(parents=True, exist_ok=True)
    ann_file.write_text(
        json.dumps(make_annotations(vocabulary, scenes, with_classes))
    )
    return ann_file


def tiny_scenes() -> List[dict]:
    """Return five scenes with HICO-DET's classes (96 x 64 pixels).

    Two interactions of one person and two persons at one object; an image
    without people; one without annotations; an invisible pair; a crowd and
    an object of less than a pixel in pairs.
    """
    size = (96, 64)
    return [
        make_scene(
            'train/busy.png',
            size,
            [
                ('person', (5, 10, 25, 60)),
                ('bicycle', (10, 30, 50, 62)),
                ('person', (40, 5, 60, 60)),
                ('dog', (70, 40, 90, 60)),
            ],
            [
                (0, 1, 'ride'),
                (0, 1, 'straddle'),
                (2, 1, 'hold'),
                (2, 3, 'feed'),
            ],
        ),
        make_scene('train/no_people.png', size, [('dog', (20, 20, 60, 60))]),
        make_scene('train/empty.png', size, []),
        make_scene(
            'train/invisible.png',
            size,
            [
                ('person', (5, 5, 30, 60)),
                ('person', (60, 5, 80, 60)),
                ('horse', (20, 20, 55, 60)),
            ],
            [(0, 2, 'ride')],
            invisible=[(1, 2, 'feed')],
            unlabeled=[1],
        ),
        make_scene(
            'train/odd_boxes.png',
            size,
            [
                ('person', (5, 5, 30, 60)),
                ('person', (30, 5, 90, 60)),
                ('cup', (40, 20, 40.5, 20.5)),
                ('book', (10, 20, 20, 30)),
            ],
            [(0, 2, 'hold'), (1, 3, 'read'), (0, 3, 'hold')],
            iscrowd=[1],
        ),
    ]


def write_tiny(root: Union[str, Path]) -> Path:
    """Write :func:`tiny_scenes`; data_root is ``root``, img prefix ''."""
    return write_split(
        root, 'train', HOIVocabulary.load('hico_det'), tiny_scenes()
    )


def _class_scenes(
    vocabulary: HOIVocabulary,
    name: str,
    pairs_per_image: int,
    size: Tuple[int, int],
) -> List[dict]:
    """Build scenes that show every class once, in vocabulary order."""
    width, height = size
    cell = width // pairs_per_image
    scenes = []
    for first in range(0, vocabulary.num_hois, pairs_per_image):
        boxes, pairs = [], []
        last = min(first + pairs_per_image, vocabulary.num_hois)
        for i, label in enumerate(range(first, last)):
            left, top = i * cell, (7 * label) % (height // 4)
            boxes += [
                (
                    'person',
                    (left + 1, top + 2, left + cell * 0.6, top + height * 0.6),
                ),
                (
                    vocabulary.objects[vocabulary.hoi_objects[label]],
                    (
                        left + cell * 0.3,
                        top + height * 0.3,
                        left + cell - 1,
                        top + height * 0.7,
                    ),
                ),
            ]
            pairs.append(
                (
                    2 * i,
                    2 * i + 1,
                    vocabulary.verbs[vocabulary.hoi_verbs[label]],
                )
            )
        scenes.append(
            make_scene(name.format(len(scenes) + 1), size, boxes, pairs)
        )
    return scenes


def write_hico_det(root: Union[str, Path], pairs_per_image: int = 12) -> Path:
    """Write a HICO-DET-like data set with all 600 classes.

    ``annotations/{train,test}.json``, ``images/{train2015,test2015}/``; image
    names and numbers as in HICO-DET, where both splits count from 1. The
    first test image has no pair, as 112 of HICO-DET's.

    Returns:
        Path: ``root``, the data_root.
    """
    vocabulary = HOIVocabulary.load('hico_det')
    for split in ('train', 'test'):
        name = f'{split}2015/HICO_{split}2015_{{:08d}}.jpg'
        scenes = _class_scenes(vocabulary, name, pairs_per_image, (240, 160))
        if split == 'test':
            empty = make_scene(
                name.format(len(scenes) + 1),
                (240, 160),
                [('person', (10, 10, 60, 120))],
            )
            scenes = [empty] + scenes
        write_split(root, split, vocabulary, scenes, 'images')
    return Path(root)


def write_v_coco(root: Union[str, Path], pairs_per_image: int = 12) -> Path:
    """Write a V-COCO-like data set with all 236 pairs.

    ``annotations/{trainval,test}.json``, ``images/{train2014,val2014}/``. The
    last image has a person who only stands, one who holds something unseen,
    and an unlabeled one.

    Returns:
        Path: ``root``, the data_root.
    """
    vocabulary = HOIVocabulary.load('v_coco')
    for split, folder in (('trainval', 'train2014'), ('test', 'val2014')):
        name = f'{folder}/COCO_{folder}_{{:012d}}.jpg'
        scenes = _class_scenes(vocabulary, name, pairs_per_image, (240, 160))
        scenes.append(
            make_scene(
                name.format(len(scenes) + 1),
                (240, 160),
                [
                    ('person', (10, 10, 60, 120)),
                    ('person', (80, 10, 130, 120)),
                    ('person', (150, 10, 200, 120)),
                ],
                [(0, None, 'stand'), (1, None, 'hold obj')],
                unlabeled=[2],
            )
        )
        write_split(root, split, vocabulary, scenes, 'images', False)
    return Path(root)


def write_vcoco_photo(root: Union[str, Path], shared: Path) -> Path:
    """Write V-COCO's photo 197388 in the project's format.

    A person holds skis, two ski; read from the shared test data.
    The photo is linked, never copied.

    Returns:
        Path: ``root``, the data_root; ``annotations/{trainval,test}.json`` and
        ``images/val2014/`` lie in it.
    """
    root = Path(root)
    source = json.loads(
        (shared / 'data/v_coco/instances_vcoco_test.json').read_text()
    )
    record = source['annotations'][source['images'].index(197388)]
    vocabulary = HOIVocabulary.load('v_coco')
    boxes, pairs = [], []
    for human, thing, action, label in zip(
        record['boxes_h'],
        record['boxes_o'],
        record['actions'],
        record['objects'],
    ):
        pairs.append((len(boxes), len(boxes) + 1, source['classes'][action]))
        boxes += [('person', human), (source['objects'][label], thing)]
    file_name = f'val2014/{record["file_name"]}'
    scene = make_scene(file_name, (640, 392), boxes, pairs)
    content = json.dumps(make_annotations(vocabulary, [scene], False))
    photo = root / 'images' / file_name
    photo.parent.mkdir(parents=True, exist_ok=True)
    photo.symlink_to((shared / 'data/photos/000000197388.jpg').resolve())
    (root / 'annotations').mkdir()
    for split in ('trainval', 'test'):
        (root / 'annotations' / f'{split}.json').write_text(content)
    return root
