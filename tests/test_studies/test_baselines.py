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


def test_prior_is_the_share_of_pairs_that_do_it(tmp_path):
    # Other spellings, another order, and what the vocabulary lacks.
    content = dict(
        images=[dict(id=1), dict(id=2)],
        categories=[
            dict(id=9, name='Cup'),
            dict(id=5, name='person'),
            dict(id=3, name='hair drier'),
            dict(id=1, name='sofa'),
        ],
        verbs=['drink', 'hold', 'hug', 'lick'],
        annotations=[
            # Two people and a cup, a drier and a sofa; a person and a cup.
            dict(id=10, image_id=1, category_id=5),
            dict(id=11, image_id=1, category_id=5),
            dict(id=12, image_id=1, category_id=9),
            dict(id=13, image_id=1, category_id=3),
            dict(id=14, image_id=1, category_id=1),
            dict(id=20, image_id=2, category_id=5),
            dict(id=21, image_id=2, category_id=9),
        ],
        hois=[
            dict(human_ann_id=10, object_ann_id=12, verb_id=1),
            dict(human_ann_id=10, object_ann_id=12, verb_id=0),
            dict(human_ann_id=20, object_ann_id=21, verb_id=1),
            dict(human_ann_id=10, object_ann_id=11, verb_id=2),
            # No pair, no object of the vocabulary, no verb, no class.
            dict(human_ann_id=20, object_ann_id=None, verb_id=1),
            dict(human_ann_id=10, object_ann_id=14, verb_id=1),
            dict(human_ann_id=20, object_ann_id=21, verb_id=3),
            dict(human_ann_id=20, object_ann_id=21, verb_id=2),
        ],
    )
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
