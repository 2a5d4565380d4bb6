"""Interactions of the world with their frequencies and scenes.

An arrangement is the appearance and geometry of a pair. The verb depends on
the arrangement and the scene: pairs of `race` and `ride`, or of `buy`, `hold`
and `read`, differ in the scene only.
"""

from dataclasses import dataclass

from .scenes import SCENES

_OUTDOORS = ('street', 'park', 'track', 'beach')

# Scenes in which a kind of object occurs.
PLACES: dict[str, tuple[str, ...]] = {
    'person': SCENES,
    'horse': _OUTDOORS,
    'bicycle': ('street', 'park', 'track', 'beach', 'shop'),
    'skateboard': ('street', 'park', 'track', 'home', 'shop', 'beach'),
    'dog': ('street', 'park', 'home', 'beach', 'shop', 'track'),
    'car': _OUTDOORS,
    'ball': SCENES,
    'umbrella': SCENES,
    'book': SCENES,
    'cup': SCENES,
    'suitcase': ('street', 'shop', 'home', 'beach', 'park'),
}

GOODS = ('ball', 'umbrella', 'book', 'cup', 'suitcase')


@dataclass(frozen=True)
class Interaction:
    """HOI class of the mini world.

    Args:
        verb (str): Name of the verb.
        kind (str): Kind of the object.
        arrangement (str): Placement and pose of person and object.
        weight (float): Relative frequency as an image's main interaction.
        rare (bool): Whether it has fewer than 10 training instances.
    """

    verb: str
    kind: str
    arrangement: str
    weight: float
    rare: bool = False

    @property
    def scenes(self) -> tuple[str, ...]:
        """Scenes in which the arrangement has this verb."""
        places = PLACES[self.kind]
        if self.verb == 'race':
            return ('track',)
        if self.verb == 'buy':
            return ('shop',)
        if self.arrangement == 'mount':
            return tuple(s for s in places if s != 'track')
        if self.arrangement in ('hold', 'read', 'drink'):
            return tuple(s for s in places if s != 'shop')
        return places


INTERACTIONS: tuple[Interaction, ...] = (
    Interaction('ride', 'horse', 'mount', 70),
    Interaction('race', 'horse', 'mount', 60),
    Interaction('walk', 'horse', 'lead', 50),
    Interaction('feed', 'horse', 'feed', 40),
    Interaction('wash', 'horse', 'wash', 4, rare=True),
    Interaction('ride', 'bicycle', 'mount', 75),
    Interaction('race', 'bicycle', 'mount', 55),
    Interaction('walk', 'bicycle', 'push', 45),
    Interaction('repair', 'bicycle', 'repair', 45),
    Interaction('ride', 'skateboard', 'mount', 60),
    Interaction('race', 'skateboard', 'mount', 5, rare=True),
    Interaction('hold', 'skateboard', 'hold', 30),
    Interaction('walk', 'dog', 'leash', 60),
    Interaction('feed', 'dog', 'feed', 45),
    Interaction('point_at', 'dog', 'point', 4.5, rare=True),
    Interaction('wash', 'car', 'wash', 45),
    Interaction('repair', 'car', 'repair', 4.5, rare=True),
    Interaction('point_at', 'car', 'point', 50),
    Interaction('kick', 'ball', 'kick', 50),
    Interaction('head', 'ball', 'head', 40),
    Interaction('throw', 'ball', 'throw', 40),
    Interaction('catch', 'ball', 'catch', 40),
    Interaction('hold', 'ball', 'hold', 35),
    Interaction('buy', 'ball', 'hold', 30),
    Interaction('hold', 'umbrella', 'hold', 40),
    Interaction('buy', 'umbrella', 'hold', 35),
    Interaction('read', 'book', 'read', 60),
    Interaction('buy', 'book', 'read', 50),
    Interaction('drink', 'cup', 'drink', 45),
    Interaction('hold', 'cup', 'hold', 40),
    Interaction('buy', 'cup', 'hold', 45),
    Interaction('hold', 'suitcase', 'hold', 50),
    Interaction('buy', 'suitcase', 'hold', 45),
    Interaction('hug', 'person', 'hug', 50),
    Interaction('point_at', 'person', 'point', 4.5, rare=True),
)


def verbs_of(arrangement: str, kind: str, scene: str) -> tuple[str, ...]:
    """Return the verbs of an arrangement in a scene."""
    if arrangement == 'mount':
        return ('race' if scene == 'track' else 'ride',)
    bought = scene == 'shop' and kind in GOODS
    if arrangement == 'hold':
        return ('buy' if bought else 'hold',)
    if arrangement == 'read':
        return ('buy' if bought else 'read',)
    if arrangement == 'drink':
        return ('drink', 'buy' if bought else 'hold')
    simple = {
        'lead': 'walk',
        'push': 'walk',
        'leash': 'walk',
        'point': 'point_at',
    }
    return (simple.get(arrangement, arrangement),)
