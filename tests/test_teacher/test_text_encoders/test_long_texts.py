from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher.text_encoders.long_texts import split_to_fit


def fits(text):
    return len(text.split()) <= 4


def test_splits_at_sentences_then_words():
    assert split_to_fit('a b c', fits) == ['a b c']
    assert split_to_fit('a b c. d e f.', fits) == ['a b c.', 'd e f.']
    assert split_to_fit('a b c d e f. g.', fits) == ['a b c', 'd e f.', 'g.']
    assert split_to_fit('', fits) == ['']
    assert split_to_fit('word', lambda text: False) == ['word']


@given(st.lists(st.sampled_from(['a', 'bb', 'c.', 'd!', 'ee?']), max_size=60))
def test_splitting_keeps_all_words(words):
    text = ' '.join(words)
    pieces = split_to_fit(text, fits)
    assert ' '.join(pieces) == text and all(map(fits, pieces))
