"""Simulated pointing at pairs."""

import json

import numpy as np
import pytest

from clhoi_mm.teacher import PseudoLabels
from clhoi_mm.teacher.interaction import Interaction
from clhoi_mm.teacher.simulation.simulated_pointing import SimulatedPointing
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import make_annotations, make_scene

VOCABULARY = HOIVocabulary.load('mini')
RIDE = VOCABULARY.hoi_id(
    VOCABULARY.verb_label('ride'), VOCABULARY.object_label('bicycle')
)
REPAIR = VOCABULARY.hoi_id(
    VOCABULARY.verb_label('repair'), VOCABULARY.object_label('bicycle')
)
# A rider, its duplicate, two bystanders and two bicycles.
BOXES = [
    ('person', (0, 0, 20, 40)),
    ('person', (0, 0, 20, 39)),
    ('person', (30, 0, 50, 40)),
    ('person', (150, 0, 170, 40)),
    ('bicycle', (0, 20, 30, 40)),
    ('bicycle', (160, 20, 190, 40)),
]


@pytest.fixture(scope='module')
def ann_file(tmp_path_factory):
    path = tmp_path_factory.mktemp('world') / 'train.json'
    size, pairs = (200, 50), [(1, 4, 'ride')]
    scenes = [make_scene(f'{i}.png', size, BOXES, pairs) for i in range(400)]
    scenes.append(make_scene('one.png', size, BOXES[3:5], [(0, 1, 'ride')]))
    path.write_text(json.dumps(make_annotations(VOCABULARY, scenes)))
    return path


def pointed_boxes(pointing, key, hoi=RIDE):
    """Return the rows of the boxes that are pointed at."""
    rows = {tuple(map(float, box)): i for i, (_, box) in enumerate(BOXES)}
    return [(rows[x[:4]], rows[x[4:]]) for x in pointing.point(key, hoi)]


@pytest.mark.parametrize('accuracy', [0.0, 0.7, 1.0])
def test_points_at_the_true_or_the_nearest_pair(ann_file, accuracy):
    pointing = SimulatedPointing(ann_file, VOCABULARY, accuracy)
    found = [pointed_boxes(pointing, f'{i}.png') for i in range(400)]
    right = found.count([(0, 4)])
    assert right == pointing.counts['right']
    assert right / 400 == pytest.approx(accuracy, abs=0.06)
    # The bystander at the same bicycle, never the rider's duplicate.
    assert found.count([(2, 4)]) == 400 - right == pointing.counts['wrong']
    again = SimulatedPointing(ann_file, VOCABULARY, accuracy)
    assert found[:9] == [pointed_boxes(again, f'{i}.png') for i in range(9)]
    if accuracy == 0.7:
        other = SimulatedPointing(ann_file, VOCABULARY, accuracy, seed=1)
        assert found != [pointed_boxes(other, f'{i}.png') for i in range(400)]


def test_false_labels_point_at_any_pair_of_the_bag(ann_file):
    pointing = SimulatedPointing(ann_file, VOCABULARY, 1.0)
    found = [pair for i in range(400) for pair in pointed_boxes(
        pointing, f'{i}.png', REPAIR)]  # fmt: skip
    pairs, counts = np.unique(found, axis=0, return_counts=True)
    assert pairs.tolist() == [[i, j] for i in (0, 2, 3) for j in (4, 5)]
    assert counts.min() > 40 and pointing.counts['false'] == 400


def test_only_ambiguous_labels_get_pairs(ann_file):
    pointing = SimulatedPointing(ann_file, VOCABULARY, 1.0)
    for key, pairs in {'0.png': 1, 'one.png': 0}.items():
        labels = PseudoLabels(
            key,
            interactions=[
                Interaction('ride', 'bicycle', 0.5),
                Interaction('juggle', 'bicycle', 0.5),
                Interaction('feed', 'horse', 0.5),
            ],
        )
        pointing.add(labels)
        assert [len(x.pointed) for x in labels.interactions] == [pairs, 0, 0]
    # The stage locate may have more candidates than are annotated.
    assert len(pointing.point('one.png', RIDE)) == 1


def test_invalid_accuracy_is_an_error(ann_file):
    with pytest.raises(ValueError, match='accuracy 1.5'):
        SimulatedPointing(ann_file, VOCABULARY, 1.5)
