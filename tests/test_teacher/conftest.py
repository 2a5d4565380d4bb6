import pytest

from clhoi_mm.vocabulary import HOIVocabulary


@pytest.fixture
def vocabulary() -> HOIVocabulary:
    return HOIVocabulary.from_dict(
        dict(
            name='park',
            objects=['person', 'bicycle', 'dog', 'bench', 'wine_glass'],
            verbs=['ride', 'hold', 'feed', 'sit_on', 'no_interaction', 'hug'],
            gerunds=[
                'riding',
                'holding',
                'feeding',
                'sitting on',
                'not interacting with',
                'hugging',
            ],
            hois=[
                [0, 1],
                [1, 1],
                [1, 2],
                [2, 2],
                [3, 3],
                [4, 1],
                [5, 0],
                [5, 2],
                [1, 4],
                [3, 1],
            ],
            rare=[2],
            no_interaction='no_interaction',
        )
    )
