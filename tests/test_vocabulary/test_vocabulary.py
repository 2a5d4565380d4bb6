import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from clhoi_mm.vocabulary import HOIVocabulary, normalize_name, with_article
from tests.data_utils import find_shared

SMALL = dict(
    name='small',
    objects=['person', 'hot_dog', 'apple'],
    verbs=['eat', 'hug', 'nothing', 'smile'],
    gerunds=['eating', 'hugging', 'not touching', 'smiling'],
    hois=[[0, 1], [0, 2], [1, 0], [2, 2]],
    rare=[1],
    no_interaction='nothing',
    roleless=['smile'],
)


def test_small_vocabulary_by_hand():
    vocab = HOIVocabulary.from_dict(SMALL)
    assert vocab.phrases == [
        'a person eating a hot dog',
        'a person eating an apple',
        'a person hugging another person',
        'a person not touching an apple',
    ]
    assert vocab.verb_phrases == [
        'a person eating something',
        'a person hugging something',
        'a person not touching something',
        'a person smiling',
    ]
    assert vocab.object_phrases == ['a person', 'a hot dog', 'an apple']
    assert vocab.names == [
        'eat hot dog',
        'eat apple',
        'hug person',
        'nothing apple',
    ]
    assert vocab.hoi_lookup.tolist() == [
        [-1, 0, 1],
        [2, -1, -1],
        [-1, -1, 3],
        [-1, -1, -1],
    ]
    assert vocab.valid.sum() == 4
    assert vocab.rare.tolist() == [False, True, False, False]
    assert vocab.no_interaction_mask.tolist() == [False] * 3 + [True]
    assert vocab.person_label == 0
    assert [vocab.hoi_id(0, 2), vocab.hoi_id(1, 2)] == [1, -1]
    assert [vocab.hoi_id(-1, 2), vocab.hoi_id(0, 3)] == [-1, -1]
    assert vocab.object_label('Hot-Dog') == 1
    assert vocab.verb_label('fly') == -1


def test_save_load_and_hash(tmp_path):
    vocab = HOIVocabulary.from_dict(SMALL)
    vocab.save(tmp_path / 'v.json')
    assert [p.name for p in tmp_path.iterdir()] == ['v.json']
    again = HOIVocabulary.load(tmp_path / 'v.json')
    assert again == vocab and again.hash == vocab.hash
    assert again.to_dict() == SMALL
    assert pickle.loads(pickle.dumps(vocab)) == vocab
    assert HOIVocabulary.load(vocab) is vocab
    other = HOIVocabulary.from_dict(dict(SMALL, rare=[0]))
    assert other.hash != vocab.hash and other != vocab


def test_arrays_are_read_only():
    vocab = HOIVocabulary.from_dict(SMALL)
    for name in ('hoi_verbs', 'hoi_objects', 'hoi_lookup', 'valid', 'rare'):
        with pytest.raises(ValueError, match='read-only'):
            getattr(vocab, name)[0] = 1


@pytest.mark.parametrize(
    'change, field',
    [
        (dict(objects=['dog', 'hot_dog', 'apple']), 'objects'),
        (dict(objects=['person', 'hot_dog', 'Hot dog']), 'objects'),
        (dict(gerunds=['eating']), 'gerunds'),
        (dict(hois=[[0, 3]]), 'hois'),
        (dict(hois=[[0, 1], [0, 1]]), 'hois'),
        (dict(hois=[[0, 1, 2]]), 'hois'),
        (dict(rare=[4]), 'rare'),
        (dict(no_interaction='none'), 'no_interaction'),
        (dict(roleless=['none']), 'roleless'),
    ],
)
def test_inconsistency_errors_name_the_field(tmp_path, change, field):
    path = tmp_path / 'bad.json'
    path.write_text(json.dumps(dict(SMALL, **change)))
    with pytest.raises(ValueError, match=field) as error:
        HOIVocabulary.load(path)
    assert 'bad.json' in str(error.value)


def test_wrong_files_and_names(tmp_path):
    with pytest.raises(FileNotFoundError, match='hico_det.*v_coco'):
        HOIVocabulary.load('hico')
    (tmp_path / 'v.json').write_text('{"name": ')
    with pytest.raises(ValueError, match='v.json.*JSON'):
        HOIVocabulary.load(tmp_path / 'v.json')
    (tmp_path / 'v.json').write_text('{"name": "x", "verb": []}')
    with pytest.raises(ValueError, match="missing fields .*unknown .*'verb'"):
        HOIVocabulary.load(tmp_path / 'v.json')


def test_hico_det():
    vocab = HOIVocabulary.load('hico_det')
    assert (vocab.num_objects, vocab.num_verbs, vocab.num_hois) == (
        80,
        117,
        600,
    )
    assert vocab.rare.sum() == 138 and vocab.no_interaction_mask.sum() == 80
    assert list(vocab.objects) == sorted(vocab.objects)
    assert vocab.object_phrases[vocab.objects.index('bench')] == 'a bench'
    assert len(set(vocab.phrases)) == 600
    for phrase in (
        'a person sitting on a bench',
        'a person talking on a cell phone',
        'a person typing on a laptop',
        'a person hopping on an elephant',
        'a person not interacting with an airplane',
        'a person hugging another person',
        'a person cutting with scissors',
        'a person tying a tie',
        'a person lying on a bed',
    ):
        assert phrase in vocab.phrases


def test_v_coco():
    vocab = HOIVocabulary.load('v_coco')
    assert (vocab.num_objects, vocab.num_verbs) == (80, 29)
    assert vocab.num_hois == 236 and vocab.rare is None
    assert not vocab.no_interaction_mask.any()
    without_pairs = {
        verb
        for verb, valid in zip(vocab.verbs, vocab.valid.any(1))
        if not valid
    }
    assert without_pairs == {'stand', 'walk', 'run', 'smile', 'point instr'}
    assert vocab.verb_phrases[vocab.verbs.index('run')] == 'a person running'
    for phrase in (
        'a person hitting something with a baseball bat',
        'a person hitting a sports ball',
        'a person talking on a cell phone',
        'a person skiing on skis',
    ):
        assert phrase in vocab.phrases


def test_names_map_all_80_objects():
    hico, coco = (HOIVocabulary.load(n) for n in ('hico_det', 'v_coco'))
    labels = [coco.object_label(name) for name in hico.objects]
    assert sorted(labels) == list(range(80))
    assert labels != list(range(80))


def test_normalize_name_and_article():
    assert normalize_name(' Hair_Dryer ') == 'hair drier'
    assert normalize_name('diningtable') == 'dining table'
    assert normalize_name('TV-monitor') == 'tv'
    nouns = [
        'umbrella',
        'unicycle',
        'hour_glass',
        'bus',
        'skis',
        'one_way_sign',
        'wine glass',
        'Orange',
    ]
    assert [with_article(n) for n in nouns] == [
        'an umbrella',
        'a unicycle',
        'an hour glass',
        'a bus',
        'skis',
        'a one way sign',
        'a wine glass',
        'an Orange',
    ]


def test_imports_neither_torch_nor_mm():
    code = (
        'import sys; from clhoi_mm.vocabulary import HOIVocabulary; '
        "HOIVocabulary.load('mini').phrases; "
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('torch', 'mmcv', 'mmengine', 'mmdet')])"
    )
    result = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == '[]'


@pytest.mark.skipif(find_shared() is None, reason='no shared test data')
def test_equals_the_published_annotations():
    data = find_shared() / 'data'
    hico = json.loads((data / 'hico_det/instances_test2015.json').read_text())
    vocab = HOIVocabulary.load('hico_det')
    assert list(vocab.objects) == hico['objects']
    assert list(vocab.verbs) == hico['verbs']
    classes = np.stack([vocab.hoi_objects, vocab.hoi_verbs], 1)
    assert classes.tolist() == [row[1:] for row in hico['correspondence']]
    assert sorted(np.flatnonzero(vocab.rare)) == sorted(hico['rare'])

    vocab, pairs = HOIVocabulary.load('v_coco'), set()
    for split in ('trainval', 'test'):
        coco = json.loads(
            (data / f'v_coco/instances_vcoco_{split}.json').read_text()
        )
        assert list(vocab.objects) == coco['objects'][1:]
        pairs |= {
            (vocab.verb_label(verb), obj - 1)
            for verb, objs in zip(coco['classes'], coco['action_to_object'])
            for obj in objs
        }
    assert pairs == set(zip(vocab.hoi_verbs, vocab.hoi_objects))


@pytest.mark.parametrize(
    'name, verb, obj, sentence',
    [
        ('mini', 'ride', 'bicycle', 'a person rides a bicycle'),
        ('mini', 'hug', 'person', 'a person hugs another person'),
        ('hico_det', 'tie', 'tie', 'a person ties a tie'),
        ('hico_det', 'blow', 'cake', 'a person blows out candles on a cake'),
        (
            'hico_det',
            'no_interaction',
            'skis',
            'a person is not interacting with skis',
        ),
        ('v_coco', 'lay_instr', 'bed', 'a person is lying on a bed'),
        ('v_coco', 'smile', None, 'a person smiles'),
        ('v_coco', 'eat_obj', None, 'a person eats something'),
    ],
)
def test_sentences(name, verb, obj, sentence):
    vocabulary = HOIVocabulary.load(name)
    labels = vocabulary.verb_label(verb), -1
    if obj is not None:
        labels = labels[0], vocabulary.object_label(obj)
    assert vocabulary.sentence(*labels) == sentence
