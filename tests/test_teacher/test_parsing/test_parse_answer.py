import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher import (
    RawAnswer,
    parse_answer,
    split_sentences,
    write_raw_answers,
)

LIST = '[{"verb": "ride", "object": "bicycle", "score": 0.8}]'


def parse(answer, caption=''):
    return parse_answer(RawAnswer('a.jpg', 'm', caption, answer))


def pairs(labels):
    return [x[:3] for x in labels.interactions]


@pytest.mark.parametrize(
    'answer',
    [
        LIST,
        f'```json\n{LIST}\n```',
        f'Here you are:\n{LIST}\nHope it helps.',
        LIST.replace('"ride"', '" RIDE "'),
        f'``` {LIST} ```',
    ],
)
def test_well_formed(answer):
    words = parse(answer)
    assert pairs(words) == [('ride', 'bicycle', 0.8)]
    assert not words.malformed


@pytest.mark.parametrize(
    'answer, interactions',
    [
        ('', []),
        ('There is nobody.', []),
        ('[' * 100000, []),
        (LIST[:-1], [('ride', 'bicycle', 0.8)]),
        (LIST[:-1] + ', {"verb": "hol', [('ride', 'bicycle', 0.8)]),
        ('[{"verb": "ride"}]', []),
        ('[{"verb": "ride", "object": null}]', []),
        (
            '[{"verb": "ride", "object": "dog", "score": NaN}]',
            [('ride', 'dog', 1.0)],
        ),
        (
            '[{"verb": "ride", "object": "dog", "score": "blue"}]',
            [('ride', 'dog', 1.0)],
        ),
        (
            '[{"verb": "ride", "object": "dog", "score": -7}]',
            [('ride', 'dog', 1.0)],
        ),
        (
            '[{"verb": "", "object": "dog"}, '
            '{"verb": "pet", "object": "dog"}]',
            [('pet', 'dog', 1.0)],
        ),
        ('[3, "x", [], null]', []),
        ('[{"score": ' + '9' * 5000 + '}]', []),
    ],
)
def test_malformed_is_flagged_and_what_is_whole_is_kept(answer, interactions):
    words = parse(answer, 'A dog.')
    assert words.malformed
    assert pairs(words) == interactions
    assert words.caption == 'A dog.' and words.sentences == ['A dog.']


@pytest.mark.parametrize(
    'score, expected', [('"high"', 0.9), ('true', 1.0), ('85', 0.85)]
)
def test_scores_in_words_and_percent(score, expected):
    words = parse('[{"verb": "ride", "object": "dog", "score": %s}]' % score)
    assert pairs(words) == [('ride', 'dog', expected)]
    assert not words.malformed


def test_the_final_answer_alone_counts():
    words = parse(
        f'<think>[{{"verb": "eat", "object": "car"}}]</think>{LIST}',
        'A dog eats a car?</think>A dog.',
    )
    assert pairs(words) == [('ride', 'bicycle', 0.8)]
    assert words.sentences == ['A dog.']
    assert parse('', '{"caption": "A dog. It runs."}').sentences == [
        'A dog.',
        'It runs.',
    ]
    assert parse('', 'Sorry, I cannot help with that.').caption == ''


def test_empty_list_is_an_answer():
    words = parse('[]')
    assert not words.malformed and words.interactions == []


def test_said_twice_keeps_the_highest_score():
    answer = json.dumps(
        [dict(verb='ride', object='bicycle', score=s) for s in (0.2, 0.9, 0.5)]
    )
    assert pairs(parse(answer)) == [('ride', 'bicycle', 0.9)]


def test_sentences():
    assert split_sentences('One. Two!  Three?\n\nFour') == [
        'One.',
        'Two!',
        'Three?',
        'Four',
    ]
    assert split_sentences('A dog of 3.5 kg.') == ['A dog of 3.5 kg.']
    assert split_sentences(' \n ') == []


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.text()
    | st.sampled_from(['verb', 'object', 'score']),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(['verb', 'object', 'score', 'x']), inner
        )
    ),
)


@given(
    st.text()
    | JSON.map(json.dumps)
    | st.text(alphabet='[]{}",:vsobjectr `\n0.5'),
    st.text(),
)
def test_no_answer_crashes(answer, caption):
    words = parse(answer, caption)
    for verb, obj, score in pairs(words):
        assert verb and obj and 0 <= score <= 1
        (verb + obj).encode()
    words.caption.encode()
    assert ' '.join(words.sentences).split() == words.caption.split()


@given(
    st.lists(
        st.builds(RawAnswer, *[st.text(st.characters()) for _ in range(4)])
    )
)
def test_raw_answers_round_trip(tmp_path_factory, answers):
    path = tmp_path_factory.mktemp('raw') / 'raw.jsonl'
    write_raw_answers(path, answers)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [RawAnswer(**row) for row in rows] == answers
