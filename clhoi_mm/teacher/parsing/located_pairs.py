"""Pairs that a model points at, in its answer and among the detections."""

import math
from collections import Counter
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from clhoi_mm.utils.boxes import pairwise_ious

from ..interaction import Interaction, PointedPair
from ..requests.box_convention import CONVENTIONS
from ..requests.locate_scene import LocateScene
from ..requests.messages import LOCATE
from .answer_items import OBJECTS, VERBS, is_item
from .answer_json import find_json
from .final_answer import read_final_answer
from .structured import flat_objects, last_answer

# Minimum IoU of an answer's box with the detection that it means.
MATCH_IOU = 0.5
_PERSONS = ('person', 'human', 'subject')
_THINGS = ('object', 'target', 'item')
_FORMS = dict(
    boxes=('box', 'bbox', 'bounding_box', 'bbox_2d', 'box_2d'),
    marks=('mark', 'number', 'id', 'index'),
)


class LocatedItem(NamedTuple):
    """Item of an answer: names, and where person and object are.

    Attributes:
        verb (str): As written.
        object (str): As written.
        person (Any): Four numbers or a mark, as written.
        thing (Any): The same of the object.
    """

    verb: str
    object: str
    person: Any
    thing: Any


class LocatedPairs(NamedTuple):
    """Outcome of an answer.

    Attributes:
        interactions (List[Interaction]): Labels with pairs of detections.
        outcomes (Counter): ``asked`` labels, ``pointed`` and ``matched``
            pairs, and the others by reason.
    """

    interactions: List[Interaction]
    outcomes: Counter


def read_located(text: str, style: str) -> List[LocatedItem]:
    """Read the items of an answer; no text raises.

    From broken JSON the items that are whole are kept.

    Args:
        text (str): The answer as it came.
        style (str): 'boxes' or 'marks'.

    Returns:
        List[LocatedItem]: Items with a verb and an object, in any usual
        shape; repeated ones once.
    """
    text = read_final_answer(text).text
    found = find_json(text, repair=False)
    contents = [x.content for x in last_answer(text, found)] if found else []
    if None in contents:  # cut off or broken: items are flat
        contents = list(flat_objects(text))
    items: Dict[str, LocatedItem] = {}
    for content in contents:
        for item in _walk(content, style, 0):
            items.setdefault(repr(item), item)
    return list(items.values())


def match_located(text: str, scene: LocateScene) -> LocatedPairs:
    """Match the pairs of an answer with the detections asked about.

    Args:
        text (str): The answer as it came.
        scene (LocateScene): What was asked.

    Returns:
        LocatedPairs: What matches, and counts of all.
    """
    names = {
        (_name(verb), _name(obj)): (verb, obj) for verb, obj in scene.labels
    }
    found: Dict[Tuple[str, str], List[PointedPair]] = {}
    outcomes = Counter(asked=len(scene.labels))
    for item in read_located(text, scene.style):
        outcomes['pointed'] += 1
        label = names.get((_name(item.verb), _name(item.object)))
        pair, reason = None, 'not asked for'
        if label is not None:
            pair, reason = _match_pair(item, label[1], scene)
        outcomes[reason] += 1
        pairs = found.setdefault(label, []) if pair is not None else []
        if pair is not None and pair not in pairs:
            pairs.append(pair)
    return LocatedPairs(
        [
            Interaction(verb, obj, source=LOCATE, pointed=tuple(pairs))
            for (verb, obj), pairs in found.items()
        ],
        outcomes,
    )


def fitting_conventions(text: str, scene: LocateScene) -> Counter:
    """Count, for each convention, the boxes that match a detection.

    Args:
        text (str): The answer as it came.
        scene (LocateScene): What was asked, in the style 'boxes'.

    Returns:
        Counter: By convention, and ``boxes`` for all.
    """
    fits: Counter = Counter()
    for item in read_located(text, 'boxes'):
        for numbers, name in (
            (item.person, scene.person),
            (item.thing, item.object),
        ):
            if not _is_box(numbers):
                continue
            fits['boxes'] += 1
            for convention in CONVENTIONS:
                found = _match_box(numbers, name, scene, convention)
                fits[convention] += found is not None
    return fits


def _match_pair(
    item: LocatedItem, obj: str, scene: LocateScene
) -> Tuple[Optional[PointedPair], str]:
    """Find the detections of a pair, or the reason why there are none."""
    places = []
    for part, written, name in (
        ('person', item.person, scene.person),
        ('object', item.thing, obj),
    ):
        if scene.style == 'marks':
            place = _mark(written)
            if place is None or not 1 <= place <= len(scene.boxes):
                return None, f'no mark of the {part}'
            if place not in scene.marks_of(name):
                return None, f'mark of the {part} is of another object'
            place -= 1
        else:
            if not _is_box(written):
                return None, f'no box of the {part}'
            place = _match_box(written, name, scene, scene.coordinates)
            if place is None:
                return None, f'{part} matches no detection'
        places.append(place)
    human, thing = places
    if human == thing:
        return None, 'person and object are the same'
    return (*scene.boxes[human], *scene.boxes[thing]), 'matched'


def _match_box(
    numbers: List[float], name: str, scene: LocateScene, coordinates: str
) -> Optional[int]:
    """Find the detection of a name that a box means."""
    box = CONVENTIONS[coordinates].decode(numbers, scene.size, scene.sent_size)
    wanted = _name(name)
    places = [i for i, x in enumerate(scene.objects) if _name(x) == wanted]
    if not places:
        return None
    ious = pairwise_ious(box[None], np.array(scene.boxes)[places])[0]
    best = int(ious.argmax())
    return places[best] if ious[best] >= MATCH_IOU else None


def _walk(content: Any, style: str, depth: int) -> Iterator[LocatedItem]:
    """Yield the items of nested dicts and lists."""
    if depth > 6:
        return
    if isinstance(content, list):
        for part in content:
            yield from _walk(part, style, depth + 1)
    elif isinstance(content, dict):
        low = {str(key).strip().lower(): x for key, x in content.items()}
        verb, obj = _first(low, VERBS), _first(low, OBJECTS)
        if is_item(content) and isinstance(verb, str) and isinstance(obj, str):
            person = _first(low, _keys(_PERSONS, style))
            thing = _first(low, _keys(_THINGS, style))
            yield LocatedItem(verb, obj, person, thing)
        else:
            for part in content.values():
                yield from _walk(part, style, depth + 1)


def _keys(parts: Tuple[str, ...], style: str) -> List[str]:
    """List the names of a field: person_box, human_bbox, person, ..."""
    named = [f'{part}_{form}' for part in parts for form in _FORMS[style]]
    return named + [part for part in parts if part != 'object']


def _first(low: Dict[str, Any], names: Any) -> Any:
    return next((low[name] for name in names if name in low), None)


def _name(text: str) -> str:
    return ' '.join(text.replace('_', ' ').lower().split())


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and abs(value) < 1e9
    )


def _is_box(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 4
        and all(map(_is_number, value))
    )


def _mark(value: Any) -> Optional[int]:
    """Read a mark: 3, 3.0, '3' or '#3'."""
    if isinstance(value, str):
        value = value.strip().lstrip('#[(').rstrip('])')
        value = int(value) if value.isascii() and value.isdigit() else None
    if not _is_number(value) or value != int(value):
        return None
    return int(value)
