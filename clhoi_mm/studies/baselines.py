"""What can be said of a pair without looking at it."""

import json
import os.path as osp
from typing import Union

import numpy as np

from clhoi_mm.vocabulary import HOIVocabulary

BASELINES = ('random', 'prior')


def annotation_file(dataset: dict) -> str:
    """Where a data set's config says that its annotations are.

    Args:
        dataset (dict): Config of a data set; one that knows its splits may
            name one in place of the file.
    """
    if dataset.get('ann_file'):
        return dataset['ann_file']
    from clhoi_mm.registry import DATASETS

    return DATASETS.get(dataset['type']).SPLITS[dataset['split']]


def object_prior(dataset: dict, vocabulary: Union[str, dict]) -> list[float]:
    """How often a person-object pair does what, counted in annotations.

    Args:
        dataset (dict): Config of a data set with an ``ann_file`` in this
            project's annotation format.
        vocabulary (str | dict): The model's: a name, a path or content.

    Returns:
        list[float]: Share of the pairs with a class's object that do it, for
        each HOI class.

    Raises:
        FileNotFoundError: There is no such annotation file.
    """
    path = osp.join(dataset.get('data_root', ''), annotation_file(dataset))
    if not osp.isfile(path):
        raise FileNotFoundError(
            f'{path}: no such annotations, which the row of prior '
            'frequencies counts; make the data set first (docs/prepare.md), '
            'or leave the row out by --rows'
        )
    with open(path) as file:
        content = json.load(file)
    vocabulary = HOIVocabulary.load(vocabulary)
    objects = {
        c['id']: vocabulary.object_label(c['name'])
        for c in content['categories']
    }
    verbs = [vocabulary.verb_label(name) for name in content['verbs']]
    label = {
        a['id']: objects[a['category_id']] for a in content['annotations']
    }
    in_image: dict[int, list[int]] = {}
    for ann in content['annotations']:
        in_image.setdefault(ann['image_id'], []).append(label[ann['id']])
    pairs = np.zeros(vocabulary.num_objects)
    for labels in in_image.values():
        persons = labels.count(vocabulary.person_label)
        for obj in labels:
            if obj >= 0:
                pairs[obj] += persons - (obj == vocabulary.person_label)
    counts = np.zeros(vocabulary.num_hois)
    for hoi in content['hois']:
        # Without an object it is no pair's.
        if hoi['human_ann_id'] is not None:
            hoi_class = vocabulary.hoi_id(
                verbs[hoi['verb_id']], label.get(hoi['object_ann_id'], -1)
            )
            if hoi_class >= 0:
                counts[hoi_class] += 1
    return (counts / pairs[vocabulary.hoi_objects].clip(1)).tolist()
