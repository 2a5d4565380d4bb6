"""What is to be drawn: pairs with all their verbs, and who is who."""

from dataclasses import dataclass
from typing import List, Optional, Sequence

import numpy as np

from clhoi_mm.evaluation.core import aligned_ious

# Annotators draw a person's box anew for each class (HICO-DET), so that
# boxes which overlap this much are taken for one.
SAME_BOX_IOU = 0.7
# A prediction shows the colour of the annotated person it overlaps.
SAME_PERSON_IOU = 0.5


@dataclass
class DrawnPair:
    """A person, an object, and everything said of the two.

    Args:
        person (int): Position among the scene's persons.
        sub_bbox (np.ndarray): The person's box, (4,) xyxy.
        obj_bbox (np.ndarray, optional): The object's box, (4,); None for
            what takes no object.
        texts (list[str]): One a verb, the best first.
        row (int): Of its best verb, among what the scene was built from.
    """

    person: int
    sub_bbox: np.ndarray
    obj_bbox: Optional[np.ndarray]
    texts: List[str]
    row: int = 0


@dataclass
class Scene:
    """Pairs, the best first, and the persons in them.

    Args:
        pairs (list[DrawnPair]): The pairs.
        persons (np.ndarray): Boxes of the persons, (P, 4) xyxy, from left to
            right.
        ids (list[int], optional): Their numbers in a video, from 1.
    """

    pairs: List[DrawnPair]
    persons: np.ndarray
    ids: Optional[List[int]] = None

    @classmethod
    def empty(cls) -> 'Scene':
        return cls([], np.zeros((0, 4)))


class HOITexts:
    """Wording of interactions.

    Args:
        verbs (Sequence[str], optional): Verb names; None gives 'verb 3'.
        objects (Sequence[str], optional): Object names; None gives
            'object 5'.
    """

    def __init__(
        self,
        verbs: Optional[Sequence[str]] = None,
        objects: Optional[Sequence[str]] = None,
    ) -> None:
        self.verbs = verbs
        self.objects = objects

    def __call__(
        self, verb_label: int, obj_label: int, score: Optional[float] = None
    ) -> str:
        """'ride bicycle 93'; scores in percent, as the field writes them."""
        words = [self._name(self.verbs, verb_label, 'verb')]
        if obj_label >= 0:
            words.append(self._name(self.objects, obj_label, 'object'))
        if score is not None:
            words.append(f'{100 * score:.0f}')
        return ' '.join(words)

    @staticmethod
    def _name(names: Optional[Sequence[str]], label: int, kind: str) -> str:
        if names is None or not 0 <= label < len(names):
            return f'{kind} {label}'
        return names[label].replace('_', ' ')


def pairwise_ious(bboxes1: np.ndarray, bboxes2: np.ndarray) -> np.ndarray:
    """IoU of all boxes with all others, (N, M) from (N, 4) and (M, 4)."""
    num1, num2 = len(bboxes1), len(bboxes2)
    return aligned_ious(
        np.repeat(bboxes1, num2, axis=0), np.tile(bboxes2, (num1, 1))
    ).reshape(num1, num2)


def merge_boxes(bboxes: np.ndarray, partners: np.ndarray) -> np.ndarray:
    """Which boxes are one and the same.

    Two people who hug have almost one box. They stay two: a box that is
    nearer to the other one's partner than to the other one is the partner.

    Args:
        bboxes (np.ndarray): (N, 4) xyxy; NaN where there is none.
        partners (np.ndarray): The other box of each pair, (N, 4) xyxy.

    Returns:
        np.ndarray: (N,) int64, for each box the first one it is the same as;
        -1 where there is none.
    """
    ious = pairwise_ious(bboxes, bboxes)
    partner = pairwise_ious(partners, bboxes) > ious
    same = (ious >= SAME_BOX_IOU) & ~partner & ~partner.T
    first = np.full(len(bboxes), -1, dtype=np.int64)
    for i in np.flatnonzero(np.isfinite(bboxes).all(axis=1)):
        if first[i] < 0:
            first[same[i] & (first < 0)] = i
            first[i] = i  # a box without area overlaps nothing
    return first


def build_scene(
    human_bboxes: np.ndarray,
    object_bboxes: np.ndarray,
    verb_labels: np.ndarray,
    object_labels: np.ndarray,
    scores: Optional[np.ndarray],
    texts: HOITexts,
    sub_ids: Optional[np.ndarray] = None,
    obj_ids: Optional[np.ndarray] = None,
) -> Scene:
    """Gathers the verbs of each pair.

    Args:
        human_bboxes (np.ndarray): Persons' boxes, (N, 4) xyxy.
        object_bboxes (np.ndarray): Objects' boxes, (N, 4); NaN without object.
        verb_labels (np.ndarray): Verbs, (N,) int.
        object_labels (np.ndarray): Object classes, (N,) int; -1 without
            object.
        scores (np.ndarray, optional): Scores, (N,), falling; None for
            ground truth.
        texts (HOITexts): Wording.
        sub_ids (np.ndarray, optional): Numbers of a video's persons, (N,)
            int. Defaults to None: boxes tell who is the same.
        obj_ids (np.ndarray, optional): Numbers of objects within their
            classes, (N,) int; as ``sub_ids``.

    Returns:
        Scene: Pairs in the order of their best verb.
    """
    if sub_ids is None:
        persons = merge_boxes(human_bboxes, object_bboxes)
        objects = merge_boxes(object_bboxes, human_bboxes)
    else:
        persons = _first_rows(sub_ids[:, None])
        objects = _first_rows(np.stack([object_labels, obj_ids], 1))
        objects[obj_ids == 0] = -1
    rows = np.unique(persons)
    centres = human_bboxes[rows][:, [0, 2]].mean(axis=1)
    rows = rows[np.argsort(centres, kind='stable')]
    position = {int(row): i for i, row in enumerate(rows)}
    pairs = {}
    for i, (person, obj) in enumerate(zip(persons, objects)):
        label = int(object_labels[i]) if obj >= 0 else -1
        pair = pairs.setdefault(
            (person, obj, label),
            DrawnPair(
                position[int(person)],
                human_bboxes[person],
                object_bboxes[obj] if obj >= 0 else None,
                [],
                i,
            ),
        )
        score = None if scores is None else float(scores[i])
        text = texts(int(verb_labels[i]), label, score)
        if text not in pair.texts:  # a pair annotated twice
            pair.texts.append(text)
    ids = None if sub_ids is None else sub_ids[rows].tolist()
    return Scene(list(pairs.values()), human_bboxes[rows], ids)


def _first_rows(keys: np.ndarray) -> np.ndarray:
    """For each row of (N, K) the first one that is the same, (N,)."""
    _, first, which = np.unique(
        keys, axis=0, return_index=True, return_inverse=True
    )
    return first[which.reshape(-1)]


def match_persons(gt: Scene, pred: Scene) -> List[int]:
    """Gives predicted persons the numbers of the annotated ones they are.

    Args:
        gt (Scene): Annotated; its persons have the numbers 0, 1, ...
        pred (Scene): Predicted.

    Returns:
        list[int]: A number for each predicted person; those that overlap no
        annotated person follow after.
    """
    ious = pairwise_ious(pred.persons, gt.persons)
    numbers = np.full(len(pred.persons), -1, dtype=np.int64)
    while ious.size and ious.max() >= SAME_PERSON_IOU:
        i, j = np.unravel_index(ious.argmax(), ious.shape)
        numbers[i] = j
        ious[i], ious[:, j] = -1, -1
    new = numbers < 0
    numbers[new] = len(gt.persons) + np.arange(new.sum())
    return numbers.tolist()
