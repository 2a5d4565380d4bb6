import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.utils.key_matching import match_keys, no_match_message

NAMES = ('images of A', 'B')


def test_all_keys_match():
    match = match_keys(['a.jpg', 'b.jpg'], {'a.jpg': 1, 'b.jpg': 2}, *NAMES)
    assert (match.matched, match.unmatched, match.unused) == (2, 0, 0)
    assert match.lines() == []


def test_some_keys_match():
    match = match_keys(iter('abca'), {'a', 'd', 'e'}, *NAMES)
    assert (match.matched, match.unmatched, match.unused) == (2, 2, 2)
    assert match.unmatched_example == 'b'
    assert match.unused_example in ('d', 'e')
    first, second = match.lines()
    assert first == (
        "2 of 4 keys of images of A are not among those of B, for one 'b'"
    )
    assert second.startswith('2 of 4 keys of B are not among those of images')


@pytest.mark.parametrize('left, right', [([], {'a'}), (['a'], {}), ([], {})])
def test_empty_side_is_not_an_error(left, right):
    match = match_keys(left, right, *NAMES)
    assert match.matched == 0
    assert (match.unmatched, match.unused) == (len(left), len(right))


@pytest.mark.parametrize(
    'left, right, cause',
    [
        ('0.jpg', 'images/0.jpg', 'keys of B begin with the folder "images/"'),
        ('a/b/0.jpg', '0.jpg', 'keys of images of A begin with the folder'),
        ('train/0.jpg', 'val/0.jpg', 'in different folders ("train", "val")'),
        ('/data/x/0.jpg', 'x/0.jpg', 'begin with the folder "/data/"'),
        ('0.jpg', '0.png', 'endings differ (.jpg, .png)'),
        ('0.jpg', '0', 'endings differ (.jpg, none)'),
        ('x/0.jpg', '0.png', 'the folder in front and the ending'),
        ('a\\0.jpg', 'a/0.jpg', 'backslashes'),
        ('./0.jpg', '0.jpg', 'backslashes'),
        ('0.jpg\r', '0.jpg', 'spaces'),
        ('e\u0301.jpg', '\u00e9.jpg', 'Unicode forms'),
        ('A.JPG', 'a.jpg', 'upper and lower case'),
        ('0.jpg', 0, 'B has numbers where the other has names'),
        (12, 'COCO_000000000012.jpg', 'images of A has numbers'),
        ('cat.jpg', 7, 'B has numbers'),
        ('000012', '12.jpg', 'numbers are written differently'),
        ('cat.jpg', 'dog.jpg', 'about other images'),
    ],
)
def test_no_key_matches(left, right, cause):
    with pytest.raises(ValueError) as error:
        match_keys([left], {right}, *NAMES, remedy='give --image-root')
    message = str(error.value)
    assert cause in message
    assert f'no key of images of A, such as {left!r}' in message
    assert f'those of B, such as {right!r}' in message
    assert message.endswith('; give --image-root')


def test_example_keys_are_of_the_same_image():
    message = no_match_message(
        ['p.jpg', 'q.jpg'], ['x/z.jpg', 'x/q.jpg'], *NAMES
    )
    assert "'q.jpg'" in message
    assert "'x/q.jpg'" in message


KEYS = st.one_of(st.text(), st.integers(), st.floats(), st.booleans())


@given(st.lists(KEYS), st.sets(KEYS))
def test_any_keys_are_counted_or_refused(left, right):
    if left and right and not any(key in right for key in left):
        with pytest.raises(ValueError, match='no key of'):
            match_keys(left, right, *NAMES)
        return
    match = match_keys(left, right, *NAMES)
    assert match.matched == sum(key in right for key in left)
    assert match.matched + match.unmatched == len(left)
    assert match.unused == len(right - set(left))


def test_imports_neither_torch_nor_mm():
    code = (
        'import sys, clhoi_mm.utils.key_matching\n'
        'print([x for x in sys.modules if x.startswith(("torch", "mm"))])'
    )
    out = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )
    assert out.stdout.split() == ['[]'], out.stdout + out.stderr
