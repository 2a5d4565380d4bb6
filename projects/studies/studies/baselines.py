"""What can be said of a pair without looking at it."""

import os.path as osp
from typing import Iterable, Iterator, Union

import numpy as np

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.config_file import inner_configs
from clhoi_mm.teacher import TeacherCache
from clhoi_mm.utils.errors import InputError
from clhoi_mm.vocabulary import HOIVocabulary, normalise_name

BASELINES = ('random', 'prior', 'words')


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


def class_scores(cfg: dict, baseline: str) -> list[float]:
    """Scores of a run that looks at no pair.

    Args:
        cfg (dict): Config of the run.
        baseline (str): 'prior' or 'words'.

    Returns:
        list[float]: Of each HOI class.

    Raises:
        InputError: Training concatenates several annotation files.
    """
    dataset, *others = inner_configs(cfg['train_dataloader']['dataset'])
    if others:
        raise InputError(
            'prior frequencies are counted in one annotation file, but '
            'training concatenates several; leave the row out by --rows'
        )
    model = cfg['model']
    vocabulary = model['teacher_head']['vocabulary']
    if baseline == 'words':
        return word_prior(dataset, vocabulary, model['pairing']['score_thr'])
    return object_prior(dataset, vocabulary)


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
            'frequencies counts; make the data set first (the mini '
            'world: projects/mini_world/make_mini.py; others: '
            'docs/prepare.md), '
            'or leave the row out by --rows'
        )
    file = AnnotationFile.read(path)
    vocabulary = HOIVocabulary.load(vocabulary)
    labels = file.object_labels(vocabulary)[file.box_labels]
    kept = _kept_images(dataset, file)
    labels = np.where(kept[file.box_images], labels, -1)
    is_person = labels == vocabulary.person_label
    persons = np.bincount(
        file.box_images[is_person], minlength=len(file.images)
    )
    # Each box with the other persons of its image.
    partners = persons[file.box_images] - is_person
    known = labels >= 0
    pairs = np.bincount(labels[known], partners[known], vocabulary.num_objects)
    hois = file.pair_labels(vocabulary)
    counted = (hois >= 0) & (file.human_inds >= 0) & kept[file.pair_images]
    counts = np.bincount(hois[counted], minlength=vocabulary.num_hois)
    return (counts / pairs[vocabulary.hoi_objects].clip(1)).tolist()


def _kept_images(dataset: dict, file: AnnotationFile) -> np.ndarray:
    """Images that a data set's config keeps, (I,) bool."""
    number = len(file.images)
    indices = dataset.get('indices')
    if indices is None:
        return np.ones(number, bool)
    if isinstance(indices, int):
        return np.arange(number) < indices
    return np.isin(np.arange(number), indices)


def word_prior(
    dataset: dict, vocabulary: Union[str, dict], score_thr: float
) -> list[float]:
    """How often the teacher's words name a class where its object is seen.

    Args:
        dataset (dict): Config of a data set whose pipeline has
            LoadTeacherKnowledge, and LoadDetectorFeatures or annotated boxes
            as detections.
        vocabulary (str | dict): The model's: a name, a path or content.
        score_thr (float): Least score of a detection that is seen.

    Returns:
        list[float]: Share of the photos with a class's object of which the
        words name the class, for each HOI class.

    Raises:
        InputError: The pipeline has no detections, or no words.
    """
    steps = {step['type']: step for step in _flatten(dataset['pipeline'])}
    boxes = steps.get('LoadDetections', {}).get('source') == 'ground_truth'
    if 'LoadTeacherKnowledge' not in steps or not (
        boxes or 'LoadDetectorFeatures' in steps
    ):
        raise InputError(
            'the training pipeline lacks LoadTeacherKnowledge, or both '
            'LoadDetectorFeatures and annotated boxes as detections, which '
            "the row of the words' frequencies counts; leave the row out by "
            '--rows'
        )
    vocabulary = HOIVocabulary.load(vocabulary)
    cache = TeacherCache(steps['LoadTeacherKnowledge']['cache'], vocabulary)
    objects = np.array(vocabulary.hoi_objects)
    shown, named = np.zeros((2, vocabulary.num_hois))
    for key, counts in (
        _annotated_objects(dataset, vocabulary)
        if boxes
        else _detected_objects(
            steps['LoadDetectorFeatures']['file'],
            cache.keys(),
            vocabulary,
            score_thr,
        )
    ):
        words = cache.get(key)
        if words is None:
            continue
        # A person is not counted as its own object.
        counts[vocabulary.person_label] -= 1
        shown += counts[objects] > 0
        said = words['hoi_labels']
        named[np.unique(said[said >= 0])] += 1
    # What was not seen may be named all the same.
    return (named / np.maximum(shown, named).clip(1)).tolist()


def _flatten(pipeline: list[dict]) -> Iterator[dict]:
    """Transforms of a pipeline, those within others included."""
    for step in pipeline:
        yield step
        yield from _flatten(step.get('steps', []))


def _detected_objects(
    path: str, keys: Iterable[str], vocabulary: HOIVocabulary, score_thr: float
) -> Iterator[tuple[str, np.ndarray]]:
    """Number of detections of each object by image, (O,)."""
    from clhoi_mm.datasets.detection_file import DetectionFile

    file = DetectionFile.open(path)
    labels = {normalise_name(n): i for i, n in enumerate(vocabulary.objects)}
    classes = np.array(
        [labels.get(normalise_name(n), -1) for n in file.classes]
    )
    for key in keys:
        if key not in file.unreadable:
            found = file.detections(file.find(key))
            seen = classes[found['labels'][found['scores'] >= score_thr]]
            yield key, np.bincount(seen[seen >= 0], minlength=len(labels))


def _annotated_objects(
    dataset: dict, vocabulary: HOIVocabulary
) -> Iterator[tuple[str, np.ndarray]]:
    """Number of annotated boxes of each object by image, (O,)."""
    file = AnnotationFile.read(
        osp.join(dataset.get('data_root', ''), annotation_file(dataset))
    )
    labels = file.object_labels(vocabulary)[file.box_labels]
    counts = np.zeros((len(file.images), vocabulary.num_objects), int)
    known = labels >= 0
    np.add.at(counts, (file.box_images[known], labels[known]), 1)
    for i in np.flatnonzero(_kept_images(dataset, file)):
        yield file.keys[i], counts[i]
