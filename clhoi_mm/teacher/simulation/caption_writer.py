from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from clhoi_mm.utils.english import plural, third_person
from clhoi_mm.vocabulary import HOIVocabulary, with_article

# Synonyms of some objects.
SYNONYMS: Dict[str, Tuple[str, ...]] = {
    'airplane': ('plane',),
    'bicycle': ('bike',),
    'cell phone': ('mobile phone', 'phone'),
    'couch': ('sofa',),
    'motorcycle': ('motorbike',),
    'suitcase': ('travel bag',),
    'tv': ('television',),
}
_ONE = (
    'a person',
    'someone',
    'one person',
    'the person',
    'one of the people',
    'somebody',
)
_MANY = ('people', 'some people', 'a few people')
_FRAMES = (
    '{clause}.',
    '{clause}.',
    '{clause}.',
    'In the picture, {clause}.',
    'In this image {clause}.',
    'It looks as if {clause}.',
)
_SIGHTS = (
    'There is {one} {doing}.',
    'The photo shows {one} {doing}.',
    'We can see {one} {doing}.',
)
_JOINS = (
    '{first}, while {second}',
    '{first} and {second}',
    '{first}, and {second}',
)
_SCENES = (
    'The scene is {scene}.',
    'This is {scene}.',
    'The place looks like {scene}.',
    'The background is {scene}.',
)
_NOTHING = (
    'A person is in the picture, doing nothing in particular.',
    'Nothing in particular is going on.',
    'There is no activity to speak of.',
)


class CaptionWriter:
    """Writer of captions in varied wording from HOI classes.

    Its input are the simulated teacher's classes, never the truth.
    Singular and plural are random and do not reflect counts.

    Args:
        vocabulary (HOIVocabulary): The vocabulary.
    """

    def __init__(self, vocabulary: HOIVocabulary) -> None:
        self.vocabulary = vocabulary
        # The particle is the gerund's: 'wave' is 'waving at'.
        gerunds = [form.partition(' ') for form in vocabulary.gerunds]
        verbs = [
            verb.replace('_', ' ').split(' ')[0] for verb in vocabulary.verbs
        ]
        self._forms = [
            dict(
                doing=head + space + rest,
                does=third_person(verb) + space + rest,
                do=verb + space + rest,
            )
            for verb, (head, space, rest) in zip(verbs, gerunds)
        ]

    def write(
        self,
        hois: Sequence[int],
        scene: Optional[str],
        rng: np.random.Generator,
    ) -> str:
        """Write a caption that names each class once.

        Args:
            hois (Sequence[int]): HOI classes to name, in this order.
            scene (str, optional): The scene to name.
            rng (np.random.Generator): Draws the wording.

        Returns:
            str: Sentences, separated by spaces.
        """
        sentences: List[str] = []
        left = list(hois)
        while left:
            first = left.pop(0)
            draw = rng.random()
            if left and draw < 0.35:
                sentences.append(self._two(first, left.pop(0), rng))
            elif draw < 0.6:
                text = _pick(_SIGHTS, rng).format(
                    one=_pick(_ONE[:3], rng),
                    doing=self._predicate('doing', first, rng),
                )
                sentences.append(text)
            else:
                sentences.append(_frame(self._clause(first, rng), rng))
        if scene is not None:
            text = _pick(_SCENES, rng).format(scene=with_article(scene))
            sentences.insert(0 if rng.random() < 0.5 else len(sentences), text)
        return ' '.join(sentences or [_pick(_NOTHING, rng)])

    def _two(self, first: int, second: int, rng: np.random.Generator) -> str:
        if rng.random() < 0.3:
            clause = (
                f'{self._clause(first, rng, many=False)} and '
                f'{self._predicate("does", second, rng)}'
            )
        else:
            clause = _pick(_JOINS, rng).format(
                first=self._clause(first, rng),
                second=self._clause(second, rng),
            )
        return _frame(clause, rng)

    def _clause(
        self, hoi: int, rng: np.random.Generator, many: Optional[bool] = None
    ) -> str:
        """Write 'someone is riding a bicycle'."""
        many = rng.random() < 0.25 if many is None else many
        subject = _pick(_MANY if many else _ONE, rng)
        if rng.random() < 0.5:
            auxiliary = 'are' if many else 'is'
            predicate = self._predicate('doing', hoi, rng)
            return f'{subject} {auxiliary} {predicate}'
        predicate = self._predicate('do' if many else 'does', hoi, rng)
        return f'{subject} {predicate}'

    def _predicate(self, form: str, hoi: int, rng: np.random.Generator) -> str:
        """Write 'riding a bicycle', 'rides a bicycle' or 'ride a bicycle'."""
        verb = self._forms[self.vocabulary.hoi_verbs[hoi]][form]
        return f'{verb} {self._noun(self.vocabulary.hoi_objects[hoi], rng)}'

    def _noun(self, obj: int, rng: np.random.Generator) -> str:
        draw = rng.random()
        if obj == self.vocabulary.person_label:
            return 'another person' if draw < 0.7 else 'other people'
        name = self.vocabulary.objects[obj].replace('_', ' ')
        if name in SYNONYMS and rng.random() < 0.25:
            name = _pick(SYNONYMS[name], rng)
        if draw < 0.6:
            return with_article(name)
        return f'the {name}' if draw < 0.8 else plural(name)


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.random() * len(choices))]


def _frame(clause: str, rng: np.random.Generator) -> str:
    text = _pick(_FRAMES, rng).format(clause=clause)
    return text[0].upper() + text[1:]
