"""Selection of photos with persons by their captions."""

from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher.backends.captioned_people import (
    names_person,
    people_photos,
)


def test_nouns_for_persons_in_any_form():
    for text in (
        'Two WOMEN near a bus.',
        'skateboarders, one of them old',
        "a child's toy",
        'people',
    ):
        assert names_person(text), text
    for text in ('A bus on a street.', '', 'manhole and womanly', '123'):
        assert not names_person(text), text


def test_selects_captioned_photos_outside_the_test_sets():
    captions = {
        'val2014/COCO_val2014_000000000007.jpg': ['a man', 'a man'],
        '000000000008.jpg': ['a man', 'a bus', 'a boy'],
        '000000000009.jpg': ['a man', 'a bus'],
        'a photo': ['a girl', 'a girl'],
    }
    assert people_photos(captions, 2, [7]) == ['000000000008.jpg', 'a photo']
    assert people_photos(captions, 1, []) == sorted(captions)
    assert people_photos(captions, 3, []) == []


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.lists(st.text(max_size=20), max_size=4),
        max_size=6,
    ),
    st.integers(1, 3),
)
def test_captions_in_any_format(captions, at_least):
    more, fewer = (
        people_photos(captions, n, []) for n in (at_least, at_least + 1)
    )
    assert set(fewer) <= set(more) <= set(captions)
    assert more == sorted(more)
