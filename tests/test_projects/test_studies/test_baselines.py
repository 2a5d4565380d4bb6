"""The prior baselines, counted by hand."""

import json

import numpy as np
import pytest
from studies.baselines import (
    annotation_file,
    object_prior,
    pseudo_label_prior,
)

from clhoi_mm.datasets import DetectionFileWriter
from clhoi_mm.teacher import (
    HashedTextEncoder,
    Interaction,
    PseudoLabels,
    pack_cache,
)
from clhoi_mm.utils.errors import InputError
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


def test_object_prior_is_the_frequency_among_pairs(tmp_path):
    # Other spellings, another order, and names outside the vocabulary.
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
            # Two persons and a cup, a drier and a sofa; a person and a cup.
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
            # No pair, an unknown object, an unknown verb, an unknown class.
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
    # Three person-cup pairs, two of two persons, two with the drier.
    assert prior == pytest.approx([2 / 3, 1 / 3, 1 / 2, 0])


def test_split_name_resolves_to_its_file():
    assert annotation_file(dict(ann_file='a.json', split='test')) == 'a.json'
    assert (
        annotation_file(dict(type='HICODetDataset', split='test', ann_file=''))
        == 'annotations/test.json'
    )


def test_pseudo_label_prior_is_the_frequency_among_images(tmp_path):
    vocabulary = HOIVocabulary.from_dict(VOCABULARY)
    vocabulary.save(tmp_path / 'v.json')
    # Boxes by photo: class, score. Other spellings, another order.
    seen = {
        'a': [(2, 0.9), (0, 0.9)],
        'b': [(2, 0.9), (2, 0.8), (0, 0.3)],
        'c': [(2, 0.9), (0, 0.1), (3, 0.9)],
        'd': [(2, 0.9), (0, 0.9), (0, 0.9)],
    }
    said = {
        'a': [('hold', 'cup', 1.0), ('drink', 'cup', 1.0)],
        'b': [('hold', 'cup', 1.0), ('lick', 'cup', 1.0)],
        'c': [('hug', 'person', 1.0), ('hold', 'hair_drier', 1.0)],
        'd': [],
    }
    path = tmp_path / 'f.safetensors'
    identity = dict(type='A', config='c', weights='w')
    classes = ['Cup', 'sofa', 'person', 'Hair drier']
    with DetectionFileWriter(path, identity, classes) as writer:
        for key, boxes in seen.items():
            found = dict(
                bboxes=np.zeros((len(boxes), 4), np.float32),
                labels=np.array([label for label, _ in boxes]),
                scores=np.array([score for _, score in boxes], np.float32),
            )
            shapes = ((9, 9),) * 3
            writer.add(key, False, shapes, (1.0, 1.0), found)
        writer.skip('e', 'no image')
    words = [
        PseudoLabels(k, 'A man.', [], [Interaction(*x) for x in rows])
        for k, rows in said.items()
    ]
    words.append(PseudoLabels('e', '', [], [Interaction('hold', 'cup', 1.0)]))
    pack_cache(words, tmp_path / 'cache', vocabulary, HashedTextEncoder(8))
    pipeline = [
        dict(type='LoadDetectorFeatures', file=str(path)),
        dict(type='LoadTeacherKnowledge', cache=str(tmp_path / 'cache')),
    ]
    prior = pseudo_label_prior(
        dict(pipeline=pipeline), str(tmp_path / 'v.json'), score_thr=0.2
    )
    # Three photos have a cup; one shows two persons; in another, with a single
    # detected person, hug is labeled. The drier is detected and held once.
    assert prior == pytest.approx([2 / 3, 1 / 3, 1, 1])
    with pytest.raises(InputError, match='LoadDetectorFeatures is not in'):
        pseudo_label_prior(
            dict(pipeline=pipeline[1:]), str(tmp_path / 'v.json'), 0.2
        )
