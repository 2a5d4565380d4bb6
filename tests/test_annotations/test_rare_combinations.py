import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.annotations.rare_combinations import rare_combinations
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import make_annotations, make_scene

VOCABULARY = HOIVocabulary.load('mini')


def write(folder, counts):
    """Write an image for each annotated interaction of each class."""
    scenes = []
    for hoi, count in counts.items():
        verb = VOCABULARY.verbs[VOCABULARY.hoi_verbs[hoi]]
        obj = VOCABULARY.objects[VOCABULARY.hoi_objects[hoi]]
        scenes += [
            make_scene(
                f'{hoi}_{i}.jpg',
                (60, 60),
                [('person', (0, 0, 20, 20)), (obj, (30, 30, 50, 50))],
                [(0, 1, verb)],
            )
            for i in range(count)
        ]
    path = folder / 'train.json'
    path.write_text(json.dumps(make_annotations(VOCABULARY, scenes)))
    return path


def label(verb, obj):
    return VOCABULARY.hoi_id(
        VOCABULARY.verb_label(verb), VOCABULARY.object_label(obj)
    )


def test_rare_combinations_by_hand(tmp_path):
    ride, walk = label('ride', 'horse'), label('walk', 'horse')
    read, hold = label('read', 'book'), label('hold', 'cup')
    path = write(tmp_path, {ride: 3, walk: 1, read: 1, hold: 2})
    # "read" has no other class, and unannotated classes are never rarest.
    assert rare_combinations(path, 1, 'mini') == [walk]
    assert rare_combinations(path, 2, 'mini') == sorted([walk, hold])
    assert rare_combinations(path, 3, 'mini') == sorted([walk, hold, ride])
    with pytest.raises(ValueError, match='train.json: only 3 classes.*4 are'):
        rare_combinations(path, 4, 'mini')


@given(
    st.lists(
        st.integers(0, 2),
        min_size=VOCABULARY.num_hois,
        max_size=VOCABULARY.num_hois,
    ),
    st.integers(1, 6),
)
def test_every_verb_and_object_keeps_a_seen_class(
    tmp_path_factory, counts, number
):
    path = write(tmp_path_factory.mktemp('rare'), dict(enumerate(counts)))
    try:
        rare = rare_combinations(path, number, 'mini')
    except ValueError as error:
        assert 'ask for fewer' in str(error)
        return
    assert len(set(rare)) == number
    left = np.setdiff1d(np.arange(VOCABULARY.num_hois), rare)
    assert set(VOCABULARY.hoi_verbs[left]) == set(VOCABULARY.hoi_verbs)
    assert set(VOCABULARY.hoi_objects[left]) == set(VOCABULARY.hoi_objects)
    assert all(counts[hoi] for hoi in rare)


def test_file_of_another_format(tmp_path):
    path = tmp_path / 'other.json'
    path.write_text('{"images": []}')
    with pytest.raises(ValueError, match='other.json: no list under annot'):
        rare_combinations(path, 1, 'mini')
