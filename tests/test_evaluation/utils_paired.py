"""Images of persons that hold one of three objects, and predictions."""

import json
from pathlib import Path

import numpy as np

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.evaluation.core import Predictions
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import make_annotations, make_scene

OBJECTS = ((50, 5, 90, 80), (5, 50, 90, 88), (40, 40, 60, 60))


def write_paired_annotations(path: Path) -> AnnotationFile:
    """Write forty images of persons holding one of three objects."""
    rng = np.random.default_rng(0)
    scenes = [
        make_scene(
            f'{i}.png',
            (100, 90),
            [('person', (5, 5, 45, 85)), *(('cup', box) for box in OBJECTS)],
            [(0, 1 + int(rng.integers(3)), 'hold obj')],
        )
        for i in range(40)
    ]
    vocabulary = HOIVocabulary.load('v_coco')
    path.write_text(json.dumps(make_annotations(vocabulary, scenes, False)))
    return AnnotationFile.read(path)


def predict(annotations, share_right, seed):
    """Predict three pairs per image, the right one often best."""
    rng = np.random.default_rng(seed)
    images = len(annotations.image_ids)
    (verb,) = set(annotations.pair_verbs)
    right = annotations.bboxes[annotations.object_inds]
    objects = np.tile(np.array(OBJECTS, np.float32), (images, 1))
    hit = (objects.reshape(images, 3, 4) == right[:, None]).all(2)
    likely = rng.random((images, 1)) < share_right
    scores = rng.random((images, 3)) + (hit & likely)
    humans = annotations.bboxes[annotations.human_inds].repeat(3, axis=0)
    labels = np.full(3 * images, verb)
    return Predictions(
        np.array(annotations.image_ids),
        np.arange(0, 3 * images + 1, 3),
        humans,
        objects,
        np.full(3 * images, annotations.box_labels[1]),
        labels,
        np.full(3 * images, -1),
        scores.ravel(),
    )
