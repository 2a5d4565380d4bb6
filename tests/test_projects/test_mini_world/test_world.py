from collections import Counter

import numpy as np
import pytest
from mini_world import MiniWorld
from mini_world.catalog import INTERACTIONS, PLACES, verbs_of
from mini_world.dice import Dice
from mini_world.palettes import palettes
from mini_world.scenes import SCENES, Scene
from mini_world.staging import BUILDERS, REACH
from mini_world.things import EXTENT, KINDS
from mini_world.world import SPLITS

from clhoi_mm.vocabulary import HOIVocabulary


@pytest.fixture(scope='module')
def pictures():
    world = MiniWorld(seed=3)
    return [world.draw('train', index) for index in range(120)]


def test_vocabulary_equals_the_staged_interactions():
    vocabulary = HOIVocabulary.load('mini')
    staged = {(i.verb, i.kind): i.rare for i in INTERACTIONS}
    named = {
        (vocabulary.verbs[v], vocabulary.objects[o]): bool(rare)
        for v, o, rare in zip(
            vocabulary.hoi_verbs, vocabulary.hoi_objects, vocabulary.rare
        )
    }
    assert staged == named
    assert set(vocabulary.objects) == {'person', *KINDS} == set(PLACES)
    assert set(EXTENT) == set(KINDS)
    assert set(BUILDERS) == set(REACH) == {i.arrangement for i in INTERACTIONS}


def test_every_object_has_several_verbs():
    verbs = Counter(i.kind for i in INTERACTIONS)
    assert min(verbs.values()) >= 2
    assert len(verbs) == 11 and len(INTERACTIONS) == 35


def test_interactions_are_staged_in_matching_scenes_only():
    for item in INTERACTIONS:
        assert item.scenes
        for scene in item.scenes:
            assert item.verb in verbs_of(item.arrangement, item.kind, scene)


@pytest.mark.parametrize(
    'arrangement,kind,scene,verbs',
    [
        ('mount', 'horse', 'park', ('ride',)),
        ('mount', 'horse', 'track', ('race',)),
        ('hold', 'cup', 'home', ('hold',)),
        ('hold', 'cup', 'shop', ('buy',)),
        ('read', 'book', 'street', ('read',)),
        ('read', 'book', 'shop', ('buy',)),
        ('drink', 'cup', 'track', ('drink', 'hold')),
        ('drink', 'cup', 'shop', ('drink', 'buy')),
        ('push', 'bicycle', 'shop', ('walk',)),
    ],
)
def test_scene_decides_the_verb(arrangement, kind, scene, verbs):
    assert verbs_of(arrangement, kind, scene) == verbs


def test_a_third_of_the_classes_depends_on_the_scene():
    arranged = Counter((i.arrangement, i.kind) for i in INTERACTIONS)
    depending = sum(n for n in arranged.values() if n > 1)
    assert depending >= len(INTERACTIONS) / 3


def test_splits_share_no_palettes():
    for scene in SCENES:
        shown = [palettes(scene, split) for split in SPLITS]
        assert all(len(rows) >= 3 for rows in shown)
        assert len(set(sum(shown, []))) == sum(map(len, shown))


def test_splits_share_no_textures():
    shown = {
        split: {Scene('park', split, Dice(i)).texture for i in range(40)}
        for split in SPLITS
    }
    assert (
        len(set().union(*shown.values())) == sum(map(len, shown.values())) == 9
    )


def test_images_are_deterministic_by_seed():
    first, again = (MiniWorld(5).draw('val', 7) for _ in range(2))
    assert np.array_equal(first.pixels, again.pixels)
    assert first.boxes == again.boxes
    assert first.relations == again.relations
    others = [
        MiniWorld(6).draw('val', 7),
        MiniWorld(5).draw('val', 8),
        MiniWorld(5).draw('train', 7),
    ]
    assert all(not np.array_equal(first.pixels, o.pixels) for o in others)


def test_unknown_split_is_named():
    with pytest.raises(ValueError, match="unknown split 'tset'.*train, val"):
        MiniWorld().draw('tset', 0)


def test_pictures_agree_with_annotations(pictures):
    for picture in pictures:
        assert picture.pixels.shape == (160, 224, 3)
        assert picture.pixels.dtype == np.uint8
        boxes = np.asarray(picture.boxes)
        assert (boxes >= 0).all()
        assert (boxes <= (224, 160, 224, 160)).all()
        sizes = boxes[:, 2:] - boxes[:, :2]
        assert (sizes >= MiniWorld.MIN_SIDE).all()
        assert (np.asarray(picture.areas) <= sizes.prod(axis=1) + 0.01).all()
        people = picture.kinds.count('person')
        assert people <= MiniWorld.MAX_PEOPLE
        assert len(picture.kinds) - people <= MiniWorld.MAX_THINGS
        for person, verb, thing in picture.relations:
            assert picture.kinds[person] == 'person' and person != thing
            assert any(
                i.verb == verb
                and i.kind == picture.kinds[thing]
                and picture.scene in PLACES[i.kind]
                for i in INTERACTIONS
            )


def test_the_world_is_not_trivial(pictures):
    pairs = acting = several_things = several_people = two_verbs = 0
    for picture in pictures:
        people = [i for i, k in enumerate(picture.kinds) if k == 'person']
        pairs += len(people) * (len(picture.kinds) - 1)
        related = {(a, b) for a, _, b in picture.relations}
        acting += len(related)
        two_verbs += len(picture.relations) > len(related)
        several_things += (
            max(Counter(a for a, _ in related).values(), default=0) > 1
        )
        several_people += (
            max(Counter(b for _, b in related).values(), default=0) > 1
        )
    assert 0.05 < acting / pairs < 0.25
    assert several_things >= 6 and several_people >= 6 and two_verbs >= 2
    assert {p.scene for p in pictures} == set(SCENES)


def test_rare_classes_stay_below_ten_in_the_default_training_split():
    world = MiniWorld(seed=0)
    focus = Counter(world._focus('train', index) for index in range(1200))
    for item in INTERACTIONS:
        assert (focus[item] < 10) == item.rare
        assert focus[item] > 0
