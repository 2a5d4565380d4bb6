"""The prior, counted by hand."""

import json

import pytest

from clhoi_mm.studies.baselines import annotation_file, object_prior
from clhoi_mm.vocabulary import HOIVocabulary

VOCABULARY = dict(
    name='tiny',
    objects=['person', 'cup', 'hair_drier'],
    verbs=['hold', 'drink', 'hug'],
    gerunds=['holding', 'drinking', 'hugging'],
    hois=[[0, 1], [1, 1], [2, 0], [0, 2]],
    rare=None,
    no_interaction=None,
)


def box(ann_id, image_id, category_id):
    return dict(
        id=ann_id,
        image_id=image_id,
        category_id=category_id,
        bbox=[0, 0, 9, 9],
    )


def hoi(human, obj, verb):
    return dict(
        image_id=human // 10,
        human_ann_id=human,
        object_ann_id=obj,
        verb_id=verb,
    )


def test_prior_is_the_share_of_pairs_that_do_it(tmp_path):
    # Other spellings, another order, and what the vocabulary lacks.
    content = dict(
        images=[dict(id=i, file_name=f'{i}.jpg') for i in (1, 2)],
        categories=[
            dict(id=9, name='Cup'),
            dict(id=5, name='person'),
            dict(id=3, name='hair drier'),
            dict(id=1, name='sofa'),
        ],
        verbs=['drink', 'hold', 'hug', 'lick'],
        annotations=[
            # Two people and a cup, a drier and a sofa; a person and a cup.
            box(10, 1, 5),
            box(11, 1, 5),
            box(12, 1, 9),
            box(13, 1, 3),
            box(14, 1, 1),
            box(20, 2, 5),
            box(21, 2, 9),
        ],
        hois=[
            hoi(10, 12, 1),
            hoi(10, 12, 0),
            hoi(20, 21, 1),
            hoi(10, 11, 2),
            # No pair, no object of the vocabulary, no verb, no class.
            hoi(20, None, 1),
            hoi(10, 14, 1),
            hoi(20, 21, 3),
            hoi(20, 21, 2),
        ],
        hoi_categories=[],
    )
    for i, row in enumerate(content['hois']):
        row['id'] = i
    (tmp_path / 'ann.json').write_text(json.dumps(content))
    HOIVocabulary.from_dict(VOCABULARY).save(tmp_path / 'v.json')
    prior = object_prior(
        dict(data_root=str(tmp_path), ann_file='ann.json'),
        str(tmp_path / 'v.json'),
    )
    # Three person-cup pairs, two of two people, two with the drier.
    assert prior == pytest.approx([2 / 3, 1 / 3, 1 / 2, 0])


def test_a_split_stands_for_its_file():
    assert annotation_file(dict(ann_file='a.json', split='test')) == 'a.json'
    assert (
        annotation_file(dict(type='HICODetDataset', split='test', ann_file=''))
        == 'annotations/test.json'
    )
