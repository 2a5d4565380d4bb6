import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher.parsing.structured import read_structured

pytest.importorskip('json_repair', reason="the extra 'teacher'")
RIDE = ('ride', 'bicycle', 1.0)
HOLD = ('hold', 'cup', 1.0)
BOTH = (
    '[{"verb": "ride", "object": "bicycle"}, '
    '{"verb": "hold", "object": "cup"}]'
)


def items(text):
    return [
        item if isinstance(item, str) else item[:3]
        for item in read_structured(text).items
    ]


@pytest.mark.parametrize(
    'text',
    [
        BOTH,
        f'```json\n{BOTH}\n```',
        f'Here is the list:\n```\n{BOTH}\n```\nI hope it helps.',
        f'Sure! {BOTH} Anything else?',
        f'{{"interactions": {BOTH}}}',
        '[{"action": "Ride", "target": " bicycle "}, '
        '{"predicate": "hold", "object": "cup"}]',
        '{"bicycle": ["ride"], "cup": ["hold"]}',
        '{"bicycle": "ride", "cup": "hold"}',
        '[["ride", "bicycle"], ["hold", "cup"]]',
        '[{"object": "bicycle", "verbs": ["ride"]}, '
        '{"object": "cup", "verbs": ["hold"]}]',
        '{"interactions": [{"object": "bicycle", "verb": "ride", '
        '"other_verb": ""}, {"object": "cup", "verb": "other", '
        '"other_verb": "hold"}]}',
        '[["person", "ride", "bicycle"], ["Man 2", "hold", "cup", 1.0]]',
        '{"triplets": [["person", "ride", "bicycle"], '
        '["woman", "hold", "cup"]]}',
        f'<tool_call>\n{{"name": "report", "arguments": {{"interactions": '
        f'{BOTH}}}}}\n</tool_call>',
        json.dumps({'name': 'report', 'arguments': BOTH}),
        BOTH.replace('"', '\u201c'),
        BOTH.replace(' "', ' \u201c')
        .replace('{"', '{\u201c')
        .replace('"', '\u201d'),
        'Only: ' + BOTH[1:-1].replace('"', '\u201c'),
        json.dumps(
            {
                'tool_calls': [
                    {
                        'id': 'call_1',
                        'type': 'function',
                        'function': {
                            'name': 'report',
                            'arguments': json.dumps({'interactions': BOTH}),
                        },
                    }
                ]
            }
        ),
    ],
)
def test_supported_formats(text):
    answer = read_structured(text)
    assert items(text) == [RIDE, HOLD]
    assert not answer.malformed and answer.found


@pytest.mark.parametrize(
    'text, expected',
    [
        (BOTH.replace('"', "'"), [RIDE, HOLD]),
        (BOTH.replace('}]', '},]'), [RIDE, HOLD]),
        (BOTH.replace('}, {', '} {'), [RIDE, HOLD]),
        (BOTH[:-1], [RIDE, HOLD]),
        ('```json\n' + BOTH[:-1], [RIDE, HOLD]),
        # An item truncated in the middle is dropped.
        (BOTH[:-4], [RIDE]),
        (BOTH[:-10], [RIDE]),
        ('{"interactions": ' + BOTH[:-4], [RIDE]),
        ('{"bicycle": ["ride", "ho', [RIDE]),
        ('[{"verb": "ride"}]', []),
        # An invalid score counts as missing; the item is kept.
        ('[{"verb": "ride", "object": "bicycle", "score": -3}]', [RIDE]),
        ('[{"verb": "ride", "object": "bicycle", "score": NaN}]', [RIDE]),
        ('[{"verb": "ride", "object": "bicycle", "score": 700}]', [RIDE]),
        ('[["ride", "bicycle", -3]]', [RIDE]),
        ('[["person", "ride", "bicycle", NaN]]', [RIDE]),
        ('I see nobody.', []),
        ('[' * 100000, []),
        ('{"a":' * 5000, []),
    ],
)
def test_broken_answers_are_parsed_partly(text, expected):
    answer = read_structured(text)
    assert items(text) == expected
    assert answer.malformed


@pytest.mark.parametrize(
    'text',
    [
        '| human | verb | object |\n|---|:-:|--:|\n'
        '| person | ride | bicycle |\n| person | hold | cup |',
        'Here it is:\n\nAction | Object | Score\n--- | --- | ---\n'
        '**ride** | bicycle | 1.0\nhold | `cup` | 1.0\n\nDone.',
        '- verb: ride\n  object: bicycle\n- verb: hold\n  object: "cup"\n',
        '```yaml\ninteractions:\n  - object: bicycle\n    verb: ride\n'
        '    score: 1.0\n  - object: cup\n    verb: hold\n```',
        '1.\n**Verb:** ride\n**Object:** bicycle\n2.\n**Verb:** hold\n'
        '**Object:** cup',
        '<hois><hoi><human>person</human><verb>ride</verb><object>bicycle'
        '</object></hoi><hoi><verb>hold</verb>\n<object> cup </object></hoi>'
        '</hois>',
        '<hoi verb="ride" object="bicycle"/>\n'
        "<hoi verb='hold' object='cup' score='1.0'/>",
    ],
)
def test_formats_other_than_json(text):
    answer = read_structured(text)
    assert items(text) == [RIDE, HOLD]
    assert answer.found and answer.malformed


def test_single_triple_and_phrases_of_a_person():
    assert items('["person", "ride", "bicycle"]') == [RIDE]
    phrases = '["man", "riding a bicycle", "holding a cup"]'
    assert items(phrases) == [
        'man',
        'riding a bicycle',
        'holding a cup',
    ]


def test_several_verbs_in_a_cell():
    text = 'Object: cup\nVerbs: none\nVerb: hold, wash'
    assert [x.verb for x in read_structured(text).items] == ['hold', 'wash']


@pytest.mark.parametrize(
    'text',
    [
        # The assignment of verbs to objects is ambiguous.
        'verb: ride\nobject: bicycle\nverb: hold',
        'verb: ride\nverb: hold\nobject: cup',
        '<verb>ride</verb><object>bicycle</object><object>cup</object>',
        '| verb | object |\n|---|---|\n| ride | bicycle | cup |',
        '| verb | score |\n|---|---|\n| ride | 0.5 |',
        'The action: it is hard to see.\nObject - a cup.',
    ],
)
def test_incomplete_forms_are_not_guessed(text):
    answer = read_structured(text)
    assert not answer.items and not answer.found and answer.malformed


def test_empty_answers():
    for text in ('[]', '{"interactions": []}', '```json\n[]\n```'):
        answer = read_structured(text)
        assert answer.items == [] and answer.found and not answer.malformed


def test_object_without_a_verb_is_dropped():
    text = '[{"object": "cup", "verb": "other", "other_verb": " "}]'
    assert read_structured(text).items == []


def test_scores_and_phrases():
    assert items(
        '[{"verb": "ride", "object": "bus", "score": "85%"}, '
        '{"verb": "ride", "object": "car", "confidence": 0.5}, '
        '"holding a cup"]'
    ) == [
        ('ride', 'bus', 0.85),
        ('ride', 'car', 0.5),
        'holding a cup',
    ]


@pytest.mark.parametrize(
    'scores, expected',
    [
        (('95', '1'), (0.95, 0.01)),
        (('8', '6'), (0.8, 0.6)),
        (('"high"', '"low"'), (0.9, 0.3)),
        (('"9/10"', '"55 %"'), (0.9, 0.55)),
        (('null', 'true'), (1.0, 1.0)),
        (('0.5', '"0,25"'), (0.5, 0.25)),
    ],
)
def test_score_scales(scores, expected):
    text = json.dumps(
        [
            dict(verb='ride', object='bus', score=json.loads(score))
            for score in scores
        ]
    )
    answer = read_structured(text)
    assert tuple(item.score for item in answer.items) == expected
    assert not answer.malformed


DRAFT = '[{"verb": "wash", "object": "car"}]'


@pytest.mark.parametrize(
    'text',
    [
        f'```json\n{DRAFT}\n```\nNo, wait:\n```json\n{BOTH}\n```',
        f'{DRAFT}\nOn a second look the car is only parked: {BOTH}',
        f'First: {DRAFT}. Final: {BOTH}.',
        f'{DRAFT} Actually: {BOTH}'.replace('"', "'"),
        f'{{"interactions": {DRAFT}}} Corrected: {{"interactions": {BOTH}}}',
        f'{BOTH} Without any I would have written [].',
        f'{BOTH}\nSee [1], [maybe] and {{not}} more.',
        f'{{"status": "ok", "data": {BOTH}}}',
        f'{{"result": {{"interactions": {BOTH}}}}}',
        f'{{"people": [{{"id": 1, "interactions": {BOTH}}}]}}',
        # An item or an object per line.
        BOTH[1:-1].replace('}, {', '}\n{'),
        '1. {"verb": "ride", "object": "bicycle"}\n'
        'and, on second thought, 2. {"verb": "hold", "object": "cup"}',
        '{"bicycle": ["ride"]}\n{"cup": ["hold"]}',
        'Person 1: [["ride", "bicycle"]]\nPerson 2: [["hold", "cup"]]',
    ],
)
def test_last_list_is_used(text):
    assert items(text) == [RIDE, HOLD]


@pytest.mark.parametrize(
    'text',
    [
        '{"interactions": [{"object": "car", "verb": "none"}]}',
        '[{"object": "car", "verb": "No interaction"}]',
        '{"car": ["N/A"], "bus": "unknown"}',
        '{"interactions": [], "reasoning": "The man might wash a car."}',
        '{"interactions": [{"object": "car", "verb": null}]}',
        '{"interactions": null}',
        '{"image_id": "a b.jpg", "scene": "a street", "interactions": []}',
    ],
)
def test_no_interaction_answers(text):
    answer = read_structured(text)
    assert answer.items == [] and answer.found and not answer.malformed


def test_sentences_are_not_names():
    text = '{"caption": "A man is riding a bicycle on the street."}'
    assert items(text) == ['A man is riding a bicycle on the street.']
    text = '[{"verb": "is riding a red bicycle fast", "object": "bicycle"}]'
    assert items(text) == ['is riding a red bicycle fast']


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(['verb', 'object', 'score']),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(['verb', 'object', 'score', 'verbs', 'cup']), inner
        )
    ),
    max_leaves=12,
)


@given(
    st.text() | JSON.map(json.dumps) | st.text(alphabet='[]{}",:\'vob `\n0.5'),
    st.integers(0, 40),
)
def test_no_answer_crashes(text, cut):
    for torn in (text, text[:cut]):
        for item in read_structured(torn).items:
            if not isinstance(item, str):
                assert item.verb and item.object
                assert 0 <= item.score <= 1
            assert item


@given(
    st.lists(
        st.tuples(
            st.sampled_from(['ride', 'hold', 'sit_on']),
            st.sampled_from(['bicycle', 'cup', 'dining table']),
        ),
        max_size=4,
    ),
    st.integers(0, 200),
)
def test_truncated_answers_add_no_labels(pairs, cut):
    text = json.dumps([dict(verb=verb, object=obj) for verb, obj in pairs])
    for torn in (text[:cut], text[:cut].replace('"', "'")):
        found = [(x.verb, x.object) for x in read_structured(torn).items]
        assert found == pairs[: len(found)]


WORD = st.sampled_from(
    ['ride', 'hold', 'sit on', 'wash', 'cup', 'dining table']
)


@given(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=6), st.data())
def test_tables_yaml_and_xml_are_complete(pairs, data):
    row = data.draw(
        st.sampled_from(
            [
                '| {} | {} |',
                '- verb: {}\n  object: {}',
                '<x><verb>{}</verb><object>{}</object></x>',
                '<x verb="{}" object="{}"/>',
            ]
        )
    )
    head = '| verb | object |\n|-|-|\n' if row[0] == '|' else ''
    text = head + '\n'.join(row.format(*pair) for pair in pairs)
    found = [(x.verb, x.object) for x in read_structured(text).items]
    assert found == pairs


def test_long_answers_are_parsed_fast():
    start = time.process_time()
    for part in ('verb="', '<verb>', '- verb: ', '-', '|', '\\boxed{'):
        read_structured(part * 20_000 + 'x')
        read_structured((part + '\n') * 20_000)
    assert time.process_time() - start < 10
