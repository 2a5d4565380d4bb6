"""Baselines that score pairs by class frequencies."""

import os.path as osp
from typing import Union

import numpy as np

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.teacher import TeacherCache
from clhoi_mm.utils.errors import InputError
from clhoi_mm.vocabulary import HOIVocabulary, normalize_name

BASELINES = ('random', 'prior', 'pseudo_labels')


def annotation_file(dataset: dict) -> str:
    """Return the annotation file of a data set's config.

    Args:
        dataset (dict): Config of a data set with an ``ann_file`` or a
            ``split`` of known files.
    """
    if dataset.get('ann_file'):
        return dataset['ann_file']
    from clhoi_mm.registry import DATASETS

    return DATASETS.get(dataset['type']).SPLITS[dataset['split']]


def object_prior(dataset: dict, vocabulary: Union[str, dict]) -> list[float]:
    """Count interactions of person-object pairs in annotations.

    Args:
        dataset (dict): Config of a data set with an ``ann_file`` in this
            project's annotation format.
        vocabulary (str | dict): Name, path or content of the model's
            vocabulary.

    Returns:
        list[float]: For each HOI class, the share of pairs with its object
        that are annotated with the class.

    Raises:
        FileNotFoundError: If the annotation file does not exist.
    """
    path = osp.join(dataset.get('data_root', ''), annotation_file(dataset))
    if not osp.isfile(path):
        raise FileNotFoundError(
            f'{path}: no such annotations, which the row of prior '
            'frequencies counts; make the data set first (the mini '
            'world: projects/mini_world/make_mini.py; others: '
            'docs/prepare.md), '
            'or leave the row out by --rows'
        )
    file = AnnotationFile.read(path)
    vocabulary = HOIVocabulary.load(vocabulary)
    labels = file.object_labels(vocabulary)[file.box_labels]
    is_person = labels == vocabulary.person_label
    persons = np.bincount(
        file.box_images[is_person], minlength=len(file.images)
    )
    # Number of other persons in each box's image.
    partners = persons[file.box_images] - is_person
    known = labels >= 0
    pairs = np.bincount(labels[known], partners[known], vocabulary.num_objects)
    hois = file.pair_labels(vocabulary)
    counts = np.bincount(
        hois[(hois >= 0) & (file.human_inds >= 0)],
        minlength=vocabulary.num_hois,
    )
    return (counts / pairs[vocabulary.hoi_objects].clip(1)).tolist()


def pseudo_label_prior(
    dataset: dict, vocabulary: Union[str, dict], score_thr: float
) -> list[float]:
    """Count pseudo-labels of each class where its object is detected.

    Args:
        dataset (dict): Config of a data set whose pipeline has
            LoadDetectorFeatures and LoadTeacherKnowledge.
        vocabulary (str | dict): Name, path or content of the model's
            vocabulary.
        score_thr (float): Minimum score of a detection.

    Returns:
        list[float]: For each HOI class, the share of photos with its object
        that have the class as a pseudo-label.

    Raises:
        InputError: If the pipeline lacks one of these transforms.
    """
    from clhoi_mm.datasets.detection_file import DetectionFile

    steps = {step['type']: step for step in dataset['pipeline']}
    missing = {'LoadDetectorFeatures', 'LoadTeacherKnowledge'} - set(steps)
    if missing:
        raise InputError(
            f'{", ".join(sorted(missing))} is not in the training pipeline, '
            'which the prior of the pseudo-labels counts; leave the row '
            'out by --rows'
        )
    vocabulary = HOIVocabulary.load(vocabulary)
    file = DetectionFile.open(steps['LoadDetectorFeatures']['file'])
    cache = TeacherCache(steps['LoadTeacherKnowledge']['cache'], vocabulary)
    labels = {normalize_name(n): i for i, n in enumerate(vocabulary.objects)}
    classes = np.array(
        [labels.get(normalize_name(n), -1) for n in file.classes]
    )
    objects = np.array(vocabulary.hoi_objects)
    shown, named = np.zeros((2, vocabulary.num_hois))
    for key in cache.keys():
        if key in file.unreadable:
            continue
        found = file.detections(file.find(key))
        seen = classes[found['labels'][found['scores'] >= score_thr]]
        counts = np.bincount(seen[seen >= 0], minlength=len(labels))
        # A person is not counted as its own object.
        counts[vocabulary.person_label] -= 1
        has_object = counts[objects] > 0
        shown += has_object
        labeled = cache.get(key)['hoi_labels']
        named[np.unique(labeled[labeled >= 0])] += 1
    # The teacher may name classes whose object was not detected.
    return (named / np.maximum(shown, named).clip(1)).tolist()
