import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher import HashedTextEncoder
from clhoi_mm.teacher.text_encoders.hashed import stem
from clhoi_mm.vocabulary import HOIVocabulary


def similarity(first: str, second: str, dim: int = 256) -> float:
    rows = HashedTextEncoder(dim).encode([first, second])
    return float(rows[0] @ rows[1])


@pytest.mark.parametrize(
    'near, far',
    [
        ('a person riding a horse', 'a person feeding a dog'),
        ('someone rides a bicycle', 'a person feeding a dog'),
        ('someone rides a bicycle', 'a person riding a horse'),
        ('a person holding a bicycle', 'a person holding a dog'),
        ('riding', 'a person feeding a dog'),
        ('A bicycle. It is on a race track.', 'A dog. It is on a race track.'),
    ],
)
def test_similar_phrases_have_similar_embeddings(near, far):
    anchor = 'a person riding a bicycle'
    assert similarity(anchor, near) > similarity(anchor, far) + 0.1


def test_word_order_case_and_stop_words_have_little_effect():
    anchor = 'a person riding a bicycle'
    assert similarity(anchor, 'A bicycle: riding, a person!') > 0.99
    assert similarity(anchor, 'the person is riding the bicycle') > 0.95
    assert similarity(anchor, 'riding a bicycle') > 0.9


@pytest.mark.parametrize(
    'forms',
    [
        'ride rides riding',
        'carry carries carrying carried',
        'run runs running',
        'watch watches watching watched',
        'sit sits sitting',
        'kiss kissing',
        'hug hugs hugging hugged',
        'feed feeds feeding',
        'ski skis skiing',
        'bus buses',
        'bench benches',
        'wash washes washed',
        'box boxes',
    ],
)
def test_inflections_share_a_stem(forms):
    assert len({stem(form) for form in forms.split()}) == 1


def test_irregular_and_related_forms_are_more_similar():
    assert similarity('knives', 'knife') > 0.2
    assert similarity('skateboarding', 'skateboard') > 0.9
    assert abs(similarity('knife', 'dog')) < 0.2


def test_phrases_of_a_vocabulary_are_distinct():
    vocabulary = HOIVocabulary.load('hico_det')
    rows = HashedTextEncoder(256).encode(vocabulary.phrases)
    gram = rows @ rows.T
    np.fill_diagonal(gram, 0)
    assert (
        gram.max() < 0.98
    )  # 'cutting' and 'cutting with' are the most similar.
    assert abs(np.median(gram)) < 0.2


def test_output_is_identical_on_all_machines():
    """A changed output needs a new ``version`` for caches."""
    code = (
        'import sys, hashlib; from clhoi_mm.teacher import '
        'HashedTextEncoder as E; sys.stdout.write(hashlib.sha256(E(64)'
        '.encode(["a person riding a bicycle", "", "été"]).tobytes())'
        '.hexdigest())'
    )
    outputs = {
        subprocess.run(
            [sys.executable, '-c', code],
            env={'PYTHONHASHSEED': seed, 'PYTHONPATH': ':'.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ('1', '2')
    }
    rows = HashedTextEncoder(64).encode(
        ['a person riding a bicycle', '', 'été']
    )
    assert outputs == {hashlib.sha256(rows.tobytes()).hexdigest()}
    assert outputs == {
        'a03eac6412e4131bbb067c4a80a637a36d9bb4e207b24438d61180a362f1de54'
    }


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text_gives_deterministic_unit_vectors(texts):
    encoder = HashedTextEncoder(32)
    rows = encoder.encode(texts)
    assert rows.shape == (len(texts), 32) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for text, row in zip(texts, rows):
        assert np.array_equal(encoder.encode([text])[0], row)


def test_too_small_dim_is_an_error():
    with pytest.raises(ValueError, match='dim must be 8 or more'):
        HashedTextEncoder(dim=4)
    assert HashedTextEncoder(dim=20).encode(['dog']).shape == (1, 20)
