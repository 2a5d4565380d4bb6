"""Matching of answered boxes and marks with detections."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clhoi_mm.teacher.parsing.located_pairs import (
    fitting_conventions,
    match_located,
    read_located,
)
from clhoi_mm.teacher.requests.box_convention import (
    CONVENTIONS,
    convention_of,
)
from clhoi_mm.teacher.requests.locate_scene import LocateScene

HUMAN, OTHER, BIKE, SECOND = (
    (100.0, 50.0, 300.0, 400.0),
    (800.0, 50.0, 1000.0, 400.0),
    (80.0, 200.0, 420.0, 500.0),
    (780.0, 200.0, 1150.0, 500.0),
)


def make_scene(style='boxes', coordinates='pixels', **options):
    return LocateScene(
        **dict(
            dict(
                style=style,
                size=(1200, 600),
                sent_size=(600, 300),
                boxes=(HUMAN, OTHER, BIKE, SECOND),
                objects=('person', 'person', 'bicycle', 'bicycle'),
                labels=(('ride', 'bicycle'), ('sit_on', 'bicycle')),
                person='person',
                coordinates=coordinates,
            ),
            **options,
        )
    )


def answer(*items, **fields):
    names = (
        'verb',
        'object',
        *fields.get('names', ('person_box', 'object_box')),
    )
    return json.dumps(
        dict(interactions=[dict(zip(names, item)) for item in items])
    )


def write(box, coordinates, scene):
    convention = CONVENTIONS[coordinates]
    return convention.encode(box, scene.size, scene.sent_size).tolist()


@pytest.mark.parametrize('coordinates', CONVENTIONS)
def test_boxes_in_each_convention(coordinates):
    scene = make_scene(coordinates=coordinates)
    text = answer(
        (
            'ride',
            'bicycle',
            *(write(x, coordinates, scene) for x in (HUMAN, BIKE)),
        ),
        (
            'ride',
            'bicycle',
            *(write(x, coordinates, scene) for x in (OTHER, SECOND)),
        ),
    )
    found = match_located(text, scene)
    (label,) = found.interactions
    assert label[:2] == ('ride', 'bicycle') and label.source == 'locate'
    assert label.pointed == (HUMAN + BIKE, OTHER + SECOND)
    assert found.outcomes == dict(asked=2, pointed=2, matched=2)
    fits = fitting_conventions(text, scene)
    assert fits['boxes'] == 4 and fits[coordinates] == 4
    assert max(CONVENTIONS, key=lambda name: fits[name]) == coordinates


def test_conventions_by_hand():
    sizes = (1200, 600), (600, 300)
    for name, numbers in {
        'pixels': [50, 25, 150, 200],
        'pixels-yx': [25, 50, 200, 150],
        'normalized-1000': [1000 / 12, 1000 / 12, 250, 2000 / 3],
        'normalized-1-yx': [1 / 12, 1 / 12, 2 / 3, 0.25],
    }.items():
        box = CONVENTIONS[name].decode(numbers, *sizes)
        np.testing.assert_allclose(box, HUMAN)


def test_known_models():
    assert convention_of('Qwen/Qwen2.5-VL-7B-Instruct') == 'pixels'
    assert convention_of('Qwen3-VL-8B') == 'normalized-1000'
    assert convention_of('OpenGVLab/InternVL3-8B') == 'normalized-1000'
    assert convention_of('gemini-2.5-flash') == 'normalized-1000-yx'
    assert convention_of('llava-1.5') is None


def test_dropped_by_reason():
    scene = make_scene()
    human, bike = (write(x, 'pixels', scene) for x in (HUMAN, BIKE))
    text = answer(
        ('ride', 'bicycle', human, [0, 0, 3, 3]),
        ('ride', 'bicycle', [0, 0, 3, 3], bike),
        ('ride', 'bicycle', human[:3], bike),
        ('ride', 'bicycle', human, ['a', 1, 2, 3]),
        ('ride', 'bicycle', human, [float('nan'), 1, 2, 3]),
        ('feed', 'dog', human, bike),
        ('Sit on', 'Bicycle', human, bike),
    )
    found = match_located(text, scene)
    assert found.outcomes == {
        'asked': 2,
        'pointed': 7,
        'object matches no detection': 1,
        'person matches no detection': 1,
        'no box of the person': 1,
        'no box of the object': 2,
        'not asked for': 1,
        'matched': 1,
    }
    assert [x[:2] for x in found.interactions] == [('sit_on', 'bicycle')]


def test_marks_and_their_errors():
    scene = make_scene('marks')
    names = dict(names=('person_mark', 'object_mark'))
    text = answer(
        ('ride', 'bicycle', 1, 3),
        ('ride', 'bicycle', '#2', 4.0),
        ('ride', 'bicycle', 5, 3),
        ('ride', 'bicycle', 0, 3),
        ('ride', 'bicycle', 1, 2),
        ('ride', 'bicycle', None, 3),
        ('ride', 'bicycle', True, 3),
        **names,
    )
    found = match_located(text, scene)
    assert found.interactions[0].pointed == (HUMAN + BIKE, OTHER + SECOND)
    assert found.outcomes == {
        'asked': 2,
        'pointed': 7,
        'matched': 2,
        'no mark of the person': 4,
        'mark of the object is of another object': 1,
    }


def test_person_is_not_their_own_object():
    scene = make_scene(
        'marks',
        boxes=(HUMAN, OTHER),
        objects=('person', 'person'),
        labels=(('hug', 'person'),),
    )
    names = dict(names=('person_mark', 'object_mark'))
    found = match_located(
        answer(('hug', 'person', 1, 1), ('hug', 'person', 2, 1), **names),
        scene,
    )
    assert found.interactions[0].pointed == (OTHER + HUMAN,)
    assert found.outcomes['person and object are the same'] == 1


@pytest.mark.parametrize(
    'text',
    [
        'Sure!\n```json\n{}\n```\nDone.',
        '<think>{"interactions": []}</think>{}',
        'I first thought {"interactions": []}. Correct answer: {}',
        '{}',
    ],
)
def test_prose_and_reasoning_around_the_answer(text):
    whole = answer(('ride', 'bicycle', [1, 2, 3, 4], [5, 6, 7, 8]))
    (item,) = read_located(text.replace('{}', whole), 'boxes')
    assert item == ('ride', 'bicycle', [1, 2, 3, 4], [5, 6, 7, 8])


def test_other_field_names_and_truncated_answers():
    text = (
        '[{"verb": "ride", "object": "bicycle", "human_bbox": [1, 2, 3, 4], '
        '"bbox": 0, "object_bbox_2d": [5, 6, 7, 8]}, {"verb": "ride", "obj'
    )
    (item,) = read_located(text, 'boxes')
    assert item.person == [1, 2, 3, 4] and item.thing == [5, 6, 7, 8]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ['verb', 'object', 'person_box', 'object_box', 'person_mark',
             'object_mark', 'interactions', 'person']
        ),
        inner,
        max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


@given(
    JSON | st.text(), st.sampled_from(['boxes', 'marks']), st.text(max_size=9)
)
def test_no_answer_raises(content, style, prose):
    text = content if isinstance(content, str) else json.dumps(content)
    scene = make_scene(style)
    found = match_located(prose + text, scene)
    outcomes = found.outcomes
    assert outcomes['pointed'] == sum(outcomes.values()) - (
        outcomes['asked'] + outcomes['pointed']
    )
    fitting_conventions(prose + text, scene)
    for label in found.interactions:
        assert all(pair[:4] in scene.boxes for pair in label.pointed)


@given(
    st.lists(st.floats(-2000, 2000), min_size=4, max_size=4),
    st.sampled_from(list(CONVENTIONS)),
)
def test_conventions_are_invertible(box, coordinates):
    scene = make_scene()
    numbers = write(box, coordinates, scene)
    back = CONVENTIONS[coordinates].decode(
        numbers, scene.size, scene.sent_size
    )
    np.testing.assert_allclose(back, box, atol=1e-6)


def test_scenes_are_kept_as_json():
    scene = make_scene('marks', 'normalized-1')
    fields = json.loads(json.dumps(scene.to_dict()))
    again = LocateScene.from_dict(fields)
    assert again == scene and again.coordinates == scene.coordinates
    for name, value in dict(
        boxes=[[1, 2, 3]], objects=['person'], size=[0, 5], style='x',
        labels=[['ride']], sent_size=None,
    ).items():  # fmt: skip
        with pytest.raises(ValueError, match='scene'):
            LocateScene.from_dict(dict(fields, **{name: value}))
    with pytest.raises(ValueError, match='scene'):
        LocateScene.from_dict(None)
