import pytest

from clhoi_mm.utils.english import gerund, plural, third_person
from clhoi_mm.vocabulary import HOIVocabulary


@pytest.mark.parametrize('verb, expected', [
    ('ride', 'riding'), ('sit_on', 'sitting on'), ('eat', 'eating'),
    ('lie on', 'lying on'), ('open', 'opening'), ('flee', 'fleeing'),
    ('swing', 'swinging'), ('play', 'playing'), ('dye', 'dyeing'),
    ('juggling', 'juggling'), ('pick_up', 'picking up'), ('', 'ing')
])  # fmt: skip
def test_gerund(verb, expected):
    assert gerund(verb) == expected


def test_gerund_rule_agrees_with_a_real_vocabulary():
    """Inflections agree; particles of the vocabulary may differ."""
    vocabulary = HOIVocabulary.load('hico_det')
    wrong = [
        verb
        for verb, form in zip(vocabulary.verbs, vocabulary.gerunds)
        if gerund(verb).split()[0] != form.split()[0]
    ]
    assert wrong == ['no_interaction']


@pytest.mark.parametrize('verb, expected', [
    ('ride', 'rides'), ('wash', 'washes'), ('carry', 'carries'),
    ('play', 'plays'), ('kiss', 'kisses'), ('sit_on', 'sits on'),
    ('do', 'does')
])  # fmt: skip
def test_third_person(verb, expected):
    assert third_person(verb) == expected


@pytest.mark.parametrize('noun, expected', [
    ('bus', 'buses'), ('wine_glass', 'wine glasses'), ('skis', 'skis'),
    ('scissors', 'scissors'), ('knife', 'knives'), ('person', 'people'),
    ('bench', 'benches'), ('toy', 'toys'), ('sheep', 'sheep'),
    ('computer_mouse', 'computer mice')
])  # fmt: skip
def test_plural(noun, expected):
    assert plural(noun) == expected
