import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_world import make_annotations

from clhoi_mm.teacher import (
    PRESETS,
    ImageLabels,
    SimulatedTeacher,
    read_image_labels,
)
from clhoi_mm.teacher.simulation.agreement import measure_agreement
from clhoi_mm.teacher.simulation.error_statistics import LabelVariance
from clhoi_mm.teacher.simulation.latent_label_noise import LatentLabelNoise
from clhoi_mm.teacher.simulation.random_label_noise import RandomLabelNoise
from clhoi_mm.teacher.simulation.simulate import report
from clhoi_mm.teacher.simulation.teacher_random import TeacherRandom
from clhoi_mm.vocabulary import HOIVocabulary

MINI = HOIVocabulary.load('mini')
MEASURED = PRESETS['measured']


@pytest.fixture(scope='module')
def labels(tmp_path_factory):
    path = tmp_path_factory.mktemp('world') / 'train.json'
    path.write_text(json.dumps(make_annotations(MINI, 1500)))
    return read_image_labels(path, MINI)


def lists(images, rows, hois):
    """Return the HOI classes of each image."""
    found = [[] for _ in images]
    for row, hoi in zip(rows, hois):
        found[row].append(int(hoi))
    return found


def draw(images, *args, vocabulary=MINI, preset=MEASURED):
    noise = LatentLabelNoise(preset, *args)
    return lists(images, *noise.draw(images, vocabulary))


def agreement(images, count, shared_errors=None, preset='measured'):
    teachers = [
        SimulatedTeacher(images, MINI, preset, 0, i, shared_errors)
        for i in range(count)
    ]
    return measure_agreement(
        images,
        [[list(teacher.scores(x)) for x in images] for teacher in teachers],
        MINI.num_hois,
    )


def test_precision_recall_and_error_kinds_match_the_preset(labels):
    rows, hois = LatentLabelNoise(MEASURED, 3).draw(labels, MINI)
    scores = np.zeros((len(labels), MINI.num_hois), np.float32)
    scores[rows, hois] = 1
    assert scores.sum() == len(rows)  # No duplicates.
    found = report(labels, scores, [], MINI)
    assert found.precision == pytest.approx(MEASURED.precision, abs=0.002)
    assert found.recall == pytest.approx(MEASURED.recall, abs=0.002)
    errors = MEASURED.errors
    assert found.other_verb == pytest.approx(errors.other_verb, abs=0.005)
    assert found.unused_object == pytest.approx(
        errors.unused_object, abs=0.005
    )
    assert found.other_verb + found.unused_object + found.absent_object == 1
    assert found.labels == pytest.approx(len(rows) / len(labels))
    assert found.unlabeled == pytest.approx(1 - len(set(rows)) / len(labels))


def test_agreement_matches_measurements(labels):
    """Teachers repeat 61 % of true, 21 % of false labels.

    Labels of two of five or six models have 0.68 of the recall of labels of
    any.
    """
    found = agreement(labels, 6)
    assert found.repeated_true == pytest.approx(0.61, abs=0.07)
    assert found.repeated_false == pytest.approx(0.25, abs=0.08)
    assert found.recall[1] / found.recall[0] == pytest.approx(0.68, abs=0.07)
    assert found.precision == sorted(found.precision)
    assert found.recall == sorted(found.recall, reverse=True)


@pytest.mark.parametrize('preset', ['measured', 'typical'])
def test_agreement_in_errors_rises_with_shared_errors(labels, preset):
    found = [
        agreement(labels[:400], 2, share, preset).repeated_false
        for share in (0.0, 0.5, 0.8, 1.0)
    ]
    assert found == sorted(found) and found[-1] == 1
    # Half of the draws are shared, others agree by chance.
    assert found[1] - found[0] == pytest.approx(0.5 * (1 - found[0]), abs=0.1)


@pytest.mark.parametrize('confuse', [True, False])
def test_random_label_noise_shares_errors(confuse):
    rng = np.random.default_rng(0)
    valid = rng.random((5, 9)) < 0.9
    true = valid & (rng.random((3000, 5, 9)) < 0.05)
    repeated = []
    for share in (0.0, 0.5, 1.0):
        said = np.zeros((2, *true.shape), bool)
        for number in range(2):
            noise = RandomLabelNoise(0.5, 0.6, 1, confuse, number, share)
            said[number][noise.apply(*np.nonzero(true), len(true), valid)] = 1
            precision = (said[number] & true).sum() / said[number].sum()
            assert precision == pytest.approx(0.5, abs=0.03)
        wrong = said & ~true
        repeated.append((wrong[0] & wrong[1]).sum() / wrong[0].sum())
    assert repeated[2] == 1
    assert repeated[1] - repeated[0] == pytest.approx(
        0.5 * (1 - repeated[0]), abs=0.08
    )


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    teacher=st.integers(0, 5),
    shared=st.sampled_from([None, 0.0, 0.5, 1.0]),
    size=st.integers(0, 40),
    order=st.randoms(use_true_random=False),
)
def test_same_draw_for_any_order(labels, seed, teacher, shared, size, order):
    images = labels[:size]
    first = draw(images, seed, teacher, shared)
    mixed = list(zip(images, first))
    order.shuffle(mixed)
    again = draw([image for image, _ in mixed], seed, teacher, shared)
    assert again == [each for _, each in mixed]
    for image, each in zip(images, first):
        assert each == sorted(set(each))
        assert not each or MINI.person_label in image.objects


def test_seeds_and_teachers_differ(labels):
    first = draw(labels, 0)
    assert first == draw(labels, 0)
    assert first != draw(labels, 1)
    assert first != draw(labels, 0, 1)
    # Teachers of one seed agree more than those of different seeds.
    same, other = (
        measure_agreement(labels, [first, each], MINI.num_hois)
        for each in (draw(labels, 0, 1), draw(labels, 1))
    )
    assert same.repeated_true > other.repeated_true
    assert same.repeated_false > other.repeated_false


def test_frequent_classes_have_higher_recall(labels):
    count, named = np.zeros(MINI.num_hois), np.zeros(MINI.num_hois)
    frequency = replace(
        MEASURED.errors, true=LabelVariance(0.3, 0.2, 0.3**0.5)
    )
    preset = replace(MEASURED, errors=frequency)
    for image, each in zip(labels, draw(labels, preset=preset)):
        count[list(image.hois)] += 1
        named[list(set(image.hois) & set(each))] += 1
    order = np.argsort(-count)
    recall = [named[x].sum() / count[x].sum() for x in (order[:5], order[20:])]
    assert recall[0] > recall[1] + 0.1


def test_unused_objects_are_rarely_labeled():
    vocabulary = HOIVocabulary.load('hico_det')
    person = vocabulary.person_label
    rng = np.random.default_rng(0)
    visible = np.flatnonzero(
        ~vocabulary.no_interaction_mask & (vocabulary.hoi_objects != person)
    )
    images = []
    for i in range(600):
        hois = sorted(rng.choice(visible, 2, replace=False).tolist())
        objects = {person, *vocabulary.hoi_objects[hois].tolist()}
        if i % 10 == 0:
            objects.add(int(rng.integers(1, vocabulary.num_objects)))
        images.append(
            ImageLabels(f'{i:03d}', tuple(hois), tuple(sorted(objects)))
        )
    found = draw(images, vocabulary=vocabulary)
    silent = set(np.flatnonzero(vocabulary.no_interaction_mask))
    unused = 0
    for image, each in zip(images, found):
        assert not silent & set(each)
        used = {vocabulary.hoi_objects[x] for x in image.hois}
        objects = vocabulary.hoi_objects[each]
        unused += sum(x in image.objects and x not in used for x in objects)
        # A person is an object of interactions only.
        assert person in used or person not in objects
    assert 0 < unused <= 15
    right = sum(len(set(x.hois) & set(y)) for x, y in zip(images, found))
    total = sum(map(len, found))
    assert right / total == pytest.approx(MEASURED.precision, abs=0.01)


@pytest.mark.parametrize(
    'images',
    [
        [],
        [ImageLabels('a', (), ())],
        [ImageLabels('a', (), (0,))],
        [ImageLabels('a', (0,), (0, 1))],
        [ImageLabels('a', (0,), (1,))],
    ],
)
@pytest.mark.parametrize('shared', [None, 0.5])
def test_tiny_data_sets(vocabulary, images, shared):
    rows, hois = LatentLabelNoise(MEASURED, 0, 0, shared).draw(
        images, vocabulary
    )
    assert len(rows) == len(hois) <= 2
    answers = list(
        SimulatedTeacher(images, vocabulary, 'measured', 0, 0, shared)
    )
    assert len(answers) == len(images)


def test_scores_match_those_of_captions(labels):
    teacher = SimulatedTeacher(labels, MINI, 'measured', teacher=2)
    assert teacher.model == 'simulated-measured-2'
    assert {s for x in labels for s in teacher.scores(x).values()} == {1.0}


@pytest.mark.parametrize(
    'preset, digest',
    [
        ('weak', '316a05ac34416981'),
        ('typical', 'd7d422548ea31874'),
        ('strong', 'bccbfd29f6f8c298'),
        ('perfect', 'ec7131d5c6356d53'),
    ],
)
def test_draws_of_other_presets_are_unchanged(preset, digest, tmp_path):
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(make_annotations(MINI, 200)))
    images = read_image_labels(path, MINI)
    answers = [
        list(vars(x).values())
        for x in SimulatedTeacher(images, MINI, preset, seed=3)
    ]
    text = json.dumps(answers).encode()
    assert hashlib.sha256(text).hexdigest()[:16] == digest


@pytest.mark.parametrize(
    'confuse, digest',
    [(True, '62144c8162869746'), (False, 'f55d42a9b6a0715d')],
)
def test_draws_of_random_label_noise_are_unchanged(confuse, digest):
    rng = np.random.default_rng(0)
    true = rng.random((300, 5, 7)) < 0.1
    valid = rng.random((5, 7)) < 0.8
    noise = RandomLabelNoise(0.55, 0.6, 1, confuse)
    drawn = np.stack(noise.apply(*np.nonzero(true & valid), 300, valid))
    assert hashlib.sha256(drawn.tobytes()).hexdigest()[:16] == digest


@given(share=st.floats(0, 1), axis=st.sampled_from([0, -1]))
def test_shared_slices_are_the_same(share, axis):
    first, second = (
        TeacherRandom(1, number, share).normal('x', 'y', (40, 50), axis=axis)[
            0
        ]
        for number in (0, 1)
    )
    same = first == second
    assert (same.all(axis + 1) == same.any(axis + 1)).all()
    assert same.mean() == pytest.approx(share, abs=0.4)


def test_agreement_by_hand():
    images = [ImageLabels('a', (0, 1), (0,)), ImageLabels('b', (2,), (0,))]
    found = measure_agreement(
        images, [[[0, 1], [3]], [[0], [2, 3]], [[0, 3], []]], 4
    )
    assert found.recall == [1, 1 / 3, 1 / 3]
    assert found.precision == [3 / 5, 1 / 2, 1]
    # Other teachers with equal labels: class 0 of the first image has three
    # teachers for five true labels, none for three false ones.
    assert found.repeated_true == pytest.approx(6 / 10)
    assert found.repeated_false == pytest.approx(2 / 6)
    with pytest.raises(ValueError, match='at least one teacher'):
        measure_agreement(images, [], 4)


def test_bad_arguments():
    with pytest.raises(ValueError, match='teacher=-1'):
        TeacherRandom(0, -1)
    with pytest.raises(ValueError, match='shared_errors=1.5'):
        LatentLabelNoise(MEASURED, shared_errors=1.5)
    with pytest.raises(ValueError, match='shared_errors=-1'):
        RandomLabelNoise(0.5, 0.5, shared_errors=-1)
    with pytest.raises(ValueError, match='teacher=-1'):
        RandomLabelNoise(0.5, 0.5, teacher=-1)
    with pytest.raises(ValueError, match='no statistics of errors'):
        LatentLabelNoise(PRESETS['typical'])
    with pytest.raises(ValueError, match='frequency=0.5 exceeds'):
        LabelVariance(0.1, 0.1, 0.5)
    with pytest.raises(ValueError, match='at most 1 together'):
        LabelVariance(0.6, 0.6, 0.1)
