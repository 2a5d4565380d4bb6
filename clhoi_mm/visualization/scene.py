"""Pairs with their verbs and persons, for drawing."""

from dataclasses import dataclass
from typing import List, Optional, Sequence

import numpy as np

from clhoi_mm.utils.boxes import pairwise_ious

# HICO-DET is annotated class by class; boxes with this IoU are one person.
SAME_BOX_IOU = 0.7
# IoU with an annotated person whose color a prediction gets.
SAME_PERSON_IOU = 0.5


@dataclass
class DrawnPair:
    """A person, an object, and all interactions of the two.

    Args:
        person (int): Index into the scene's persons.
        sub_bbox (np.ndarray): The person's box, (4,) xyxy.
        obj_bbox (np.ndarray, optional): The object's box, (4,); None for
            verbs without object.
        texts (list[str]): Text of each verb, the best first.
        row (int): Row of the best verb in the input of the scene.
    """

    person: int
    sub_bbox: np.ndarray
    obj_bbox: Optional[np.ndarray]
    texts: List[str]
    row: int = 0


@dataclass
class Scene:
    """Pairs, the best first, and their persons.

    Args:
        pairs (list[DrawnPair]): The pairs.
        persons (np.ndarray): Boxes of the persons, (P, 4) xyxy, from left to
            right.
        ids (list[int], optional): Numbers of persons in a video, from 1.
    """

    pairs: List[DrawnPair]
    persons: np.ndarray
    ids: Optional[List[int]] = None

    @classmethod
    def empty(cls) -> 'Scene':
        return cls([], np.zeros((0, 4)))


class HOITexts:
    """Formats the text of interactions.

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
        """Format an interaction as 'ride bicycle 93', scores in percent."""
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


def merge_boxes(bboxes: np.ndarray, partners: np.ndarray) -> np.ndarray:
    """Find near-duplicate boxes of the same person.

    Two people who hug have almost the same box. They are not merged: a box
    that is closer to the other box's partner is the partner.

    Args:
        bboxes (np.ndarray): (N, 4) xyxy; NaN where there is none.
        partners (np.ndarray): Partner of each box in its pair, (N, 4) xyxy.

    Returns:
        np.ndarray: Index of the first duplicate of each box, (N,) int64; -1
        without a box.
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
    """Group the verbs of each pair.

    Args:
        human_bboxes (np.ndarray): Human boxes, (N, 4) xyxy.
        object_bboxes (np.ndarray): Object boxes, (N, 4); NaN without object.
        verb_labels (np.ndarray): Verbs, (N,) int.
        object_labels (np.ndarray): Object classes, (N,) int; -1 without
            object.
        scores (np.ndarray, optional): Scores, (N,), descending; None for
            ground truth.
        texts (HOITexts): Formatter.
        sub_ids (np.ndarray, optional): Numbers of a video's persons, (N,)
            int. Defaults to None: persons are identified by their boxes.
        obj_ids (np.ndarray, optional): Numbers of objects within their
            classes, (N,) int, like ``sub_ids``.

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
    centers = human_bboxes[rows][:, [0, 2]].mean(axis=1)
    rows = rows[np.argsort(centers, kind='stable')]
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
    """Find the first row equal to each row, (N,)."""
    _, first, which = np.unique(
        keys, axis=0, return_index=True, return_inverse=True
    )
    return first[which.reshape(-1)]


def match_persons(gt: Scene, pred: Scene) -> List[int]:
    """Give predicted persons the numbers of matching annotated ones.

    Args:
        gt (Scene): Annotated scene; its persons have the numbers 0, 1, ...
        pred (Scene): Predicted scene.

    Returns:
        list[int]: Number of each predicted person; those without a match
        have further numbers.
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
