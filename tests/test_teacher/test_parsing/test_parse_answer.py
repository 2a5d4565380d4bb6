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
def test_well_formed_answers(answer):
    pseudo_labels = parse(answer)
    assert pairs(pseudo_labels) == [('ride', 'bicycle', 0.8)]
    assert not pseudo_labels.malformed


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
def test_malformed_answers_are_flagged_and_parsed_partly(answer, interactions):
    pseudo_labels = parse(answer, 'A dog.')
    assert pseudo_labels.malformed
    assert pairs(pseudo_labels) == interactions
    assert pseudo_labels.caption == 'A dog.' and pseudo_labels.sentences == [
        'A dog.'
    ]


@pytest.mark.parametrize(
    'score, expected', [('"high"', 0.9), ('true', 1.0), ('85', 0.85)]
)
def test_scores_as_text_and_percent(score, expected):
    pseudo_labels = parse(
        '[{"verb": "ride", "object": "dog", "score": %s}]' % score
    )
    assert pairs(pseudo_labels) == [('ride', 'dog', expected)]
    assert not pseudo_labels.malformed


def test_only_the_final_answer_is_parsed():
    pseudo_labels = parse(
        f'<think>[{{"verb": "eat", "object": "car"}}]</think>{LIST}',
        'A dog eats a car?</think>A dog.',
    )
    assert pairs(pseudo_labels) == [('ride', 'bicycle', 0.8)]
    assert pseudo_labels.sentences == ['A dog.']
    assert parse('', '{"caption": "A dog. It runs."}').sentences == [
        'A dog.',
        'It runs.',
    ]
    assert parse('', 'Sorry, I cannot help with that.').caption == ''


def test_empty_list_is_an_answer():
    pseudo_labels = parse('[]')
    assert not pseudo_labels.malformed and pseudo_labels.interactions == []


def test_repeated_pair_keeps_the_highest_score():
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
    pseudo_labels = parse(answer, caption)
    for verb, obj, score in pairs(pseudo_labels):
        assert verb and obj and 0 <= score <= 1
        (verb + obj).encode()
    pseudo_labels.caption.encode()
    assert (
        ' '.join(pseudo_labels.sentences).split()
        == pseudo_labels.caption.split()
    )


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
