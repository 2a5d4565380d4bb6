"""Synthetic annotation file, and a parser for simulated captions."""

import re
from typing import Dict, List, Set, Tuple

import numpy as np

from clhoi_mm.teacher.simulation.caption_writer import SYNONYMS
from clhoi_mm.vocabulary import HOIVocabulary

SCENES = ('street', 'park', 'race track', 'home')


def make_annotations(
    vocabulary: HOIVocabulary, num_images: int, seed: int = 0
) -> dict:
    """Build random persons, objects and interactions as annotations."""
    rng = np.random.default_rng(seed)
    frequency = 1 / (1 + np.arange(vocabulary.num_hois))
    frequency[vocabulary.no_interaction_mask] *= 0.3
    content: Dict[str, list] = dict(
        images=[],
        annotations=[],
        hois=[],
        verbs=list(vocabulary.verbs),
        categories=[
            dict(id=10 + 3 * i, name=name)
            for i, name in enumerate(vocabulary.objects)
        ],
        hoi_categories=[
            dict(id=i + 1, verb_id=int(v), category_id=10 + 3 * int(o))
            for i, (v, o) in enumerate(
                zip(vocabulary.hoi_verbs, vocabulary.hoi_objects)
            )
        ],
    )

    def annotate(image_id: int, label: int) -> int:
        ann_id = len(content['annotations']) + 1
        bbox = [float(x) for x in rng.integers(1, 90, 4)]
        content['annotations'].append(
            dict(id=ann_id, image_id=image_id, bbox=bbox, iscrowd=0,
                 area=bbox[2] * bbox[3],
                 category_id=10 + 3 * int(label)))  # fmt: skip
        return ann_id

    for image_id in range(1, num_images + 1):
        name = f'train/images/{image_id:06d}.png'
        content['images'].append(
            dict(id=image_id, file_name=name, key=name, width=224, height=160,
                 scene=SCENES[rng.integers(len(SCENES))]))  # fmt: skip
        people = [
            annotate(image_id, vocabulary.person_label)
            for _ in range(rng.integers(1, 4))
        ]
        for _ in range(rng.integers(0, 4)):
            annotate(image_id, rng.integers(vocabulary.num_objects))
        hois = rng.choice(
            vocabulary.num_hois,
            rng.integers(0, 4),
            p=frequency / frequency.sum(),
        )
        for hoi in hois:
            obj = annotate(image_id, vocabulary.hoi_objects[hoi])
            content['hois'].append(
                dict(
                    id=len(content['hois']) + 1,
                    image_id=image_id,
                    human_ann_id=people[rng.integers(len(people))],
                    object_ann_id=obj,
                    verb_id=int(vocabulary.hoi_verbs[hoi]),
                )
            )
    return content


class CaptionParser:
    """Parser of (HOI classes, scene) from a caption's English.

    It knows a vocabulary's gerunds and nouns, finds 'verb, article, noun'
    in running text, and shares nothing with the writer but its synonyms.
    """

    def __init__(self, vocabulary: HOIVocabulary) -> None:
        self.vocabulary = vocabulary
        self._verbs = {
            form: label
            for label, gerund in enumerate(vocabulary.gerunds)
            for form in self._verb_forms(vocabulary.verbs[label], gerund)
        }
        self._nouns: Dict[str, int] = {}
        for label, name in enumerate(vocabulary.objects):
            name = name.replace('_', ' ')
            for noun in (name,) + SYNONYMS.get(name, ()):
                for form in (
                    noun,
                    noun + 's',
                    noun + 'es',
                    noun[:-1] + 'ies',
                    re.sub('fe$', 'ves', noun),
                ):
                    self._nouns.setdefault(form, label)
        self._nouns.update(
            people=vocabulary.person_label, mice=self._nouns.get('mouse', -1)
        )
        self._pattern = re.compile(
            rf'\b({self._any(self._verbs)}) (?:(?:an?|the|another|other) )?'
            rf'({self._any(self._nouns)})\b'
        )
        self._scene = re.compile(rf'\b({self._any(SCENES)})\b')

    @staticmethod
    def _any(forms) -> str:
        ordered = sorted(forms, key=len, reverse=True)
        return '|'.join(re.escape(form) for form in ordered)

    @staticmethod
    def _verb_forms(verb: str, gerund: str) -> List[str]:
        base = verb.replace('_', ' ').split(' ')[0]
        _, space, rest = gerund.partition(' ')
        thirds = (base + 's', base + 'es', base[:-1] + 'ies')
        return [gerund] + [x + space + rest for x in (base, *thirds)]

    def parse(self, caption: str) -> Set[int]:
        """Return the HOI classes that a caption names."""
        found = set()
        for verb, noun in self._pattern.findall(caption.lower()):
            hoi = self.vocabulary.hoi_id(self._verbs[verb], self._nouns[noun])
            assert hoi >= 0, (verb, noun)
            found.add(hoi)
        return found

    def parse_scene(self, caption: str) -> str:
        """Return the scene that a caption names."""
        found = self._scene.findall(caption)
        assert len(found) == 1, caption
        return found[0]


def precision_recall(
    said: List[Set[int]], true: List[Set[int]]
) -> Tuple[float, float]:
    """Compute precision and recall over all (image, class) pairs."""
    hits = sum(len(a & b) for a, b in zip(said, true))
    return (hits / sum(map(len, said)), hits / sum(map(len, true)))
