import numpy as np
import pytest

from clhoi_mm.vocabulary import (
    ZERO_SHOT_SPLITS,
    HOIVocabulary,
    load_zero_shot_split,
    unseen_classes,
)

VOCABULARY = HOIVocabulary.load('hico_det')


def unseen_mask(name):
    unseen = load_zero_shot_split(name)
    assert unseen == sorted(set(unseen))
    mask = np.zeros(VOCABULARY.num_hois, bool)
    mask[unseen] = True
    return mask


@pytest.mark.parametrize(
    'name, count, rare',
    [('rf_uc', 120, 120), ('nf_uc', 120, 0), ('uo', 100, 20), ('uv', 84, 18)],
)
def test_counts(name, count, rare):
    unseen = unseen_mask(name)
    assert unseen.sum() == count
    assert (unseen & VOCABULARY.rare).sum() == rare


@pytest.mark.parametrize('name', ['rf_uc', 'nf_uc'])
def test_unseen_combinations_have_seen_verbs_and_objects(name):
    seen = ~unseen_mask(name)
    assert len(set(VOCABULARY.hoi_objects[seen])) == 80
    assert len(set(VOCABULARY.hoi_verbs[seen])) == 117


def test_all_classes_of_unseen_objects_are_unseen():
    unseen = unseen_mask('uo')
    objects = set(VOCABULARY.hoi_objects[unseen])
    assert not objects & set(VOCABULARY.hoi_objects[~unseen])
    assert [VOCABULARY.objects[label] for label in sorted(objects)] == [
        'baseball_bat',
        'clock',
        'dog',
        'elephant',
        'frisbee',
        'pizza',
        'refrigerator',
        'skateboard',
        'skis',
        'tennis_racket',
        'toothbrush',
        'zebra',
    ]


def test_all_classes_of_unseen_verbs_are_unseen():
    unseen = unseen_mask('uv')
    verbs = set(VOCABULARY.hoi_verbs[unseen])
    assert not verbs & set(VOCABULARY.hoi_verbs[~unseen])
    assert [VOCABULARY.verbs[label] for label in sorted(verbs)] == [
        'block',
        'dribble',
        'feed',
        'herd',
        'hose',
        'inspect',
        'install',
        'move',
        'park',
        'ride',
        'sail',
        'scratch',
        'sign',
        'squeeze',
        'stab',
        'stop_at',
        'swing',
        'tag',
        'toast',
        'wear',
    ]


def test_names():
    assert load_zero_shot_split('RF-UC') == load_zero_shot_split('rf_uc')
    with pytest.raises(ValueError, match='rf_uc, nf_uc, uo, uv'):
        load_zero_shot_split(ZERO_SHOT_SPLITS[0] + '2')


def test_split_from_a_file(tmp_path):
    path = tmp_path / 'mine.json'
    path.write_text('[7, 3, 7]')
    assert load_zero_shot_split(str(path)) == [3, 7]
    # Of any vocabulary.
    flags = unseen_classes(str(path), HOIVocabulary.load('mini'))
    assert flags.nonzero()[0].tolist() == [3, 7]
    path.write_text('[600]')
    with pytest.raises(ValueError, match=r'0\.\.599'):
        unseen_classes(str(path), VOCABULARY)


@pytest.mark.parametrize(
    'text, message',
    [
        ('{"unseen": [3]}', 'not a list of class labels'),
        ('["ride"]', 'not a list of class labels'),
        ('[3', 'not valid JSON'),
    ],
)
def test_file_of_another_format(tmp_path, text, message):
    path = tmp_path / 'mine.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=f'mine.json: {message}'):
        load_zero_shot_split(str(path))
    with pytest.raises(FileNotFoundError, match='other.json: no such file'):
        load_zero_shot_split(str(tmp_path / 'other.json'))
