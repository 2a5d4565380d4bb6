"""Parsing of phrases into verbs and objects."""

import numpy as np
import pytest

from clhoi_mm.apis.phrases import PhraseReader, find_classes
from clhoi_mm.vocabulary import HOIVocabulary

MINI = HOIVocabulary.load('mini')
HICO = HOIVocabulary.load('hico_det')


@pytest.mark.parametrize(
    'phrase, expected',
    [
        ('ride horse', 'a person riding a horse'),
        ('a person riding a horse', 'a person riding a horse'),
        ('The woman who is riding the horses.', 'a person riding a horse'),
        ('someone rides bikes', 'a person riding a bicycle'),
        ('Ride_Bicycle', 'a person riding a bicycle'),
        ('hug person', 'a person hugging another person'),
        ('a man hugging a woman', 'a person hugging another person'),
        # Outside the training vocabulary.
        ('groom the dog', 'a person grooming a dog'),
        ('grooms dog', 'a person grooming a dog'),
        ('a child petting its dog', 'a person petting a dog'),
        ('kick umbrella', 'a person kicking an umbrella'),
        ('leans against a car', 'a person leaning against a car'),
    ],
)
def test_phrase_is_split_into_verb_and_object(phrase, expected):
    read = PhraseReader(MINI).read([phrase])
    assert read.vocabulary.phrases == [expected]
    assert read.texts == [phrase]
    assert read.vocabulary.objects == MINI.objects


def test_every_class_of_hico_det_is_parsed():
    reader = PhraseReader(HICO)
    inside = ~HICO.no_interaction_mask
    for texts in (HICO.names, HICO.phrases):
        texts = [text for text, keep in zip(texts, inside) if keep]
        read = reader.read(texts).vocabulary
        assert read.phrases == [
            text for text, keep in zip(HICO.phrases, inside) if keep
        ]


def test_duplicates_give_one_class():
    read = PhraseReader(MINI).read(['ride horse', 'riding a horse'])
    assert read.vocabulary.num_hois == 1 and read.texts == ['ride horse']


@pytest.mark.parametrize(
    'phrase, parts',
    [
        ('ride unicorn', ('ride unicorn', 'knows person, horse, bicycle')),
        ('ride skatebord', ('it knows skateboard', 'among others')),
        ('horse', ('has no verb',)),
        ('a person', ('has no verb',)),
        ('zzzt horse', ('has no verb',)),
        ('ride a brown horse', ('more than a verb', ': brown; leave it out')),
        ('', ('does not end in an object',)),
    ],
)
def test_unparsed_phrases_are_errors(phrase, parts):
    with pytest.raises(ValueError) as error:
        PhraseReader(MINI).read(['ride horse', phrase])
    for part in parts:
        assert part in str(error.value)


def test_no_interaction_is_refused():
    with pytest.raises(ValueError, match='cannot be a phrase'):
        PhraseReader(HICO).read(['no interaction dog'])
    with pytest.raises(ValueError, match='give a list'):
        PhraseReader(HICO).read('ride horse')


def test_classes_verbs_and_objects_are_filters():
    ride, dog = MINI.verb_label('ride'), MINI.object_label('dog')
    mask = find_classes(['ride'], MINI)
    assert mask[ride].all() and mask.sum() == MINI.num_objects + 1
    mask = find_classes(['dog'], MINI)
    assert mask[:, dog].all() and mask.sum() == MINI.num_verbs
    mask = find_classes(['a person riding a horse', 'Feed Dog'], MINI)
    assert np.argwhere(mask).tolist() == sorted(
        [[ride, MINI.object_label('horse')], [MINI.verb_label('feed'), dog]]
    )
    with pytest.raises(ValueError, match="'rode' is no class.*did you mean"):
        find_classes(['rode'], MINI)
    with pytest.raises(ValueError, match='give a list'):
        find_classes('ride', MINI)


@pytest.mark.parametrize('name', ['hico_det', 'v_coco', 'mini'])
def test_vocabulary_sentences_are_parsed(name):
    vocabulary = HOIVocabulary.load(name)
    reader = PhraseReader(vocabulary)
    for sentence, verb in zip(vocabulary.sentences, vocabulary.hoi_verbs):
        if vocabulary.verbs[verb] != vocabulary.no_interaction:
            assert reader.read([sentence]).vocabulary.sentences == [sentence]
